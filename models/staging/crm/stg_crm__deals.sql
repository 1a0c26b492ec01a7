{{ current_rows('crm', 'deals') }}
