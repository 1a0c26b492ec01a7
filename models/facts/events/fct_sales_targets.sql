with

targets as (
    select
        target_month as planned_month,
        scope,
        case when scope = 'company' then 'all' else {{ known('scope_value') }} end as scope_value,
        amount,
        currency,
        coalesce(months, 1) as months
    from {{ ref('stg_planning__sales_targets') }}
),

plans as (
    select
        targets.planned_month,
        targets.scope,
        targets.scope_value,
        targets.months,
        {{ converted('targets.amount', 'rates.rate') }} as amount
    from targets
    {{ join_rate('targets.currency', 'targets.planned_month') }}
),

months as (
    {{ planned_months('plans', of=['scope', 'scope_value']) }}
)

select
    month as target_month,
    scope,
    scope_value,
    {{ money_sum('amount') }} as amount
from months
group by month, scope, scope_value
