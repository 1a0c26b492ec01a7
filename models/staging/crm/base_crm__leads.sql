{{ base_rows('crm', 'leads') }}
