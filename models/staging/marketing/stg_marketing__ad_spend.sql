{{ config(materialized='view') }}

select
    {{ column_list('marketing', 'ad_spend') }}
from {{ ref('base_marketing__ad_spend') }}
where _row_status = 'current'
