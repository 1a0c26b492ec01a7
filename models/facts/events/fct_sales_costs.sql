with

costs as (
    select cost_month, cost_type, amount, currency from {{ ref('stg_planning__sales_costs') }}
)

select
    costs.cost_month,
    costs.cost_type,
    {{ converted('costs.amount', 'rates.rate') }} as amount
from costs
{{ join_rate('costs.currency', 'costs.cost_month') }}
