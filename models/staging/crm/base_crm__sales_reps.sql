{{ base_rows('crm', 'sales_reps') }}
