with

products as (
    select product_id, product_name, category, unit_cost, currency from {{ ref('stg_billing__products') }}
)

select
    product_id,
    product_name,
    {{ known('category') }} as product_category,
    unit_cost as native_unit_cost,
    coalesce(currency, {{ reporting_currency() }}) as currency
from products

union all

select
    'unknown' as product_id,
    'unknown' as product_name,
    'unknown' as product_category,
    cast(null as {{ amount_type() }}) as native_unit_cost,
    {{ reporting_currency() }} as currency
