with

quotas as (
    select quota_month, rep_id, amount, currency from {{ ref('stg_planning__sales_quotas') }}
),

-- what each rep won in each month, by the key the CRM gives the owner
wins as (
    select owner_rep_id as rep_id, {{ period_start('month', 'closed_on') }} as won_month, sum(amount) as amount
    from {{ ref('fct_deals') }}
    where is_won
    group by owner_rep_id, {{ period_start('month', 'closed_on') }}
),

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
)

select
    quotas.quota_month,
    quotas.rep_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    {{ converted('quotas.amount', 'rates.rate') }} as quota_amount,
    cast(coalesce(wins.amount, 0) as {{ money() }}) as won_amount
from quotas
left join wins on quotas.rep_id = wins.rep_id and quotas.quota_month = wins.won_month
left join reps on quotas.rep_id = reps.sales_rep_id
{{ join_rate('quotas.currency', 'quotas.quota_month') }}
