{{ typed_once('planning', 'sales_targets') }}
