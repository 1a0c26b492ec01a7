{{ current_rows('planning', 'sales_costs') }}
