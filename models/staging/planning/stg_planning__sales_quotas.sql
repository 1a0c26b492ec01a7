{{ current_rows('planning', 'sales_quotas') }}
