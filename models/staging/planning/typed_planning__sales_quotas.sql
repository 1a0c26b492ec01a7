{{ typed_once('planning', 'sales_quotas') }}
