{{ current_rows('billing', 'products') }}
