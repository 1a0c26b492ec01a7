{{ current_rows('crm', 'activities') }}
