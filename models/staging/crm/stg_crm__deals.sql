{{ config(materialized='view') }}

select
    {{ column_list('crm', 'deals') }}
from {{ ref('base_crm__deals') }}
where _row_status = 'current'
