{{ typed_once('crm', 'deal_stage_changes') }}
