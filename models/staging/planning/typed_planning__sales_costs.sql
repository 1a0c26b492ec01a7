{{ typed_once('planning', 'sales_costs') }}
