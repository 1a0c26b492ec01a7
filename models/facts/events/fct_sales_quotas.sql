with

quotas as (
    select quota_month as planned_month, rep_id, amount, currency, coalesce(months, 1) as months
    from {{ ref('stg_planning__sales_quotas') }}
),

plans as (
    select
        quotas.planned_month,
        quotas.rep_id,
        quotas.months,
        {{ converted('quotas.amount', 'rates.rate') }} as amount
    from quotas
    {{ join_rate('quotas.currency', 'quotas.planned_month') }}
),

months as (
    {{ planned_months('plans', of=['rep_id']) }}
),

-- quotas that cover the same month add up
totals as (
    select month, rep_id, {{ money_sum('amount') }} as quota_amount
    from months
    group by month, rep_id
)

select
    totals.month as quota_month,
    totals.rep_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    totals.quota_amount
from totals
{{ join_rep('totals.rep_id', 'totals.month') }}
