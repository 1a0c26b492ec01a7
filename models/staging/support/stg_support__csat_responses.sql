{{ config(materialized='view') }}

select
    {{ column_list('support', 'csat_responses') }}
from {{ ref('base_support__csat_responses') }}
where _row_status = 'current'
