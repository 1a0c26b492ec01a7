{{ config(materialized='view') }}

select
    {{ column_list('planning', 'sales_targets') }}
from {{ ref('base_planning__sales_targets') }}
where _row_status = 'current'
