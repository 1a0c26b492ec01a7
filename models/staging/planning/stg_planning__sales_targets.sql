{{ current_rows('planning', 'sales_targets') }}
