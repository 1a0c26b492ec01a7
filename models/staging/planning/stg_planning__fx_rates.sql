{{ config(materialized='view') }}

select
    {{ column_list('planning', 'fx_rates') }}
from {{ ref('base_planning__fx_rates') }}
where _row_status = 'current'
