{{ config(materialized='view') }}

select
    {{ column_list('billing', 'order_items') }}
from {{ ref('base_billing__order_items') }}
where _row_status = 'current'
