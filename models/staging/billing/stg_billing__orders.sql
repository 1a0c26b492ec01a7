{{ current_rows('billing', 'orders') }}
