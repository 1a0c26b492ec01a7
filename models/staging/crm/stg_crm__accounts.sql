{{ config(materialized='view') }}

select
    {{ column_list('crm', 'accounts') }}
from {{ ref('base_crm__accounts') }}
where _row_status = 'current'
