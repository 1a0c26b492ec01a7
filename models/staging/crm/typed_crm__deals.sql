{{ typed_once('crm', 'deals') }}
