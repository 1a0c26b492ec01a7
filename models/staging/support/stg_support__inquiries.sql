{{ config(materialized='view') }}

select
    {{ column_list('support', 'inquiries') }}
from {{ ref('base_support__inquiries') }}
where _row_status = 'current'
