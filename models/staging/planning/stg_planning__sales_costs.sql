{{ config(materialized='view') }}

select
    {{ column_list('planning', 'sales_costs') }}
from {{ ref('base_planning__sales_costs') }}
where _row_status = 'current'
