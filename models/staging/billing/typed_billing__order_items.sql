{{ typed_once('billing', 'order_items') }}
