{{ config(materialized='view') }}

select
    {{ column_list('crm', 'deal_stage_changes') }}
from {{ ref('base_crm__deal_stage_changes') }}
where _row_status = 'current'
