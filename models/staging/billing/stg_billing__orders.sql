{{ config(materialized='view') }}

select
    {{ column_list('billing', 'orders') }}
from {{ ref('base_billing__orders') }}
where _row_status = 'current'
