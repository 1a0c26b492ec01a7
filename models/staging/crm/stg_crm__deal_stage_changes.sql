{{ current_rows('crm', 'deal_stage_changes') }}
