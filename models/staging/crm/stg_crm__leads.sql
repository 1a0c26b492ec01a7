{{ current_rows('crm', 'leads') }}
