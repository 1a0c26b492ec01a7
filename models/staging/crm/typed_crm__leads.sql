{{ typed_once('crm', 'leads') }}
