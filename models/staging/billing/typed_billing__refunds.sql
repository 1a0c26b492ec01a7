{{ typed_once('billing', 'refunds') }}
