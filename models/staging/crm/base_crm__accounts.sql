{{ base_rows('crm', 'accounts') }}
