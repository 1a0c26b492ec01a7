{{ config(materialized='view') }}

select
    {{ column_list('crm', 'activities') }}
from {{ ref('base_crm__activities') }}
where _row_status = 'current'
