{{ config(materialized='view') }}

select
    {{ column_list('billing', 'refunds') }}
from {{ ref('base_billing__refunds') }}
where _row_status = 'current'
