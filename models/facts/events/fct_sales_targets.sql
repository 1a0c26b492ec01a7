with

targets as (
    select target_month, scope, scope_value, amount, currency from {{ ref('stg_planning__sales_targets') }}
)

select
    targets.target_month,
    targets.scope,
    case when targets.scope = 'company' then 'all' else {{ known('targets.scope_value') }} end as scope_value,
    {{ money_sum(converted('targets.amount', 'rates.rate')) }} as amount
from targets
{{ join_rate('targets.currency', 'targets.target_month') }}
group by
    targets.target_month,
    targets.scope,
    case when targets.scope = 'company' then 'all' else {{ known('targets.scope_value') }} end
