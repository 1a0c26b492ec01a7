{{ current_rows('crm', 'accounts') }}
