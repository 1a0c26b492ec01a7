{{ config(materialized='view') }}

select
    {{ column_list('planning', 'sales_quotas') }}
from {{ ref('base_planning__sales_quotas') }}
where _row_status = 'current'
