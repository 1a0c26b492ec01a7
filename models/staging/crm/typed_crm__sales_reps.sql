{{ typed_once('crm', 'sales_reps') }}
