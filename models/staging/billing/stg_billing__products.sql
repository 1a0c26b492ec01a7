{{ config(materialized='view') }}

select
    {{ column_list('billing', 'products') }}
from {{ ref('base_billing__products') }}
where _row_status = 'current'
