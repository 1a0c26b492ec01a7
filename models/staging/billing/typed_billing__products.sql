{{ typed_once('billing', 'products') }}
