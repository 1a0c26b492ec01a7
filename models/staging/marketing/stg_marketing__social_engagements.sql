{{ config(materialized='view') }}

select
    {{ column_list('marketing', 'social_engagements') }}
from {{ ref('base_marketing__social_engagements') }}
where _row_status = 'current'
