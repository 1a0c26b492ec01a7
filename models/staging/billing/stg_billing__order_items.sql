{{ current_rows('billing', 'order_items') }}
