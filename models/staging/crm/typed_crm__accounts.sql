{{ typed_once('crm', 'accounts') }}
