{{ config(materialized='view') }}

select
    {{ column_list('billing', 'subscription_changes') }}
from {{ ref('base_billing__subscription_changes') }}
where _row_status = 'current'
