{{ current_rows('crm', 'sales_reps') }}
