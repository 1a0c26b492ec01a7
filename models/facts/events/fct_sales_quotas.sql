with

quotas as (
    select quota_month, rep_id, amount, currency from {{ ref('stg_planning__sales_quotas') }}
),

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
)

select
    quotas.quota_month,
    quotas.rep_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    {{ converted('quotas.amount', 'rates.rate') }} as quota_amount
from quotas
left join reps on quotas.rep_id = reps.sales_rep_id
{{ join_rate('quotas.currency', 'quotas.quota_month') }}
