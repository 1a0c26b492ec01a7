{{ base_rows('crm', 'activities') }}
