{{ typed_once('crm', 'activities') }}
