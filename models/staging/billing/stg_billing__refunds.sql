{{ current_rows('billing', 'refunds') }}
