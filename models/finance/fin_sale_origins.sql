-- where each sale comes from
select
    sale_id,
    sale_type,
    deal_id,
    subscription_id
from {{ ref('fct_sales') }}
