{{ config(materialized='view') }}

select
    {{ column_list('crm', 'leads') }}
from {{ ref('base_crm__leads') }}
where _row_status = 'current'
