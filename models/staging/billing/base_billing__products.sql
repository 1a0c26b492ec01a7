{{ base_rows('billing', 'products') }}
