{{ typed_once('billing', 'orders') }}
