{{ config(materialized='view') }}

select
    {{ column_list('crm', 'sales_reps') }}
from {{ ref('base_crm__sales_reps') }}
where _row_status = 'current'
