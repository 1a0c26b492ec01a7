with

-- by plan, an account counts on each plan it pays for: rows of their own, of that cut alone
paying as (
    select
        period_grain, period_start, {{ key_of('fct_mrr_movements') }} as fact_key, true as is_in_all, closing_mrr,
        region, segment, lead_source, cast(null as {{ text_type() }}) as plan
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and closing_mrr > 0
    union all
    select
        period_grain, period_start, {{ key_of('fct_mrr_movements') }} as fact_key, false as is_in_all, closing_mrr,
        null as region, null as segment, null as lead_source, plan
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account_plan' and closing_mrr > 0
)

{{ kpi('average_revenue_per_account', 'paying',
    cuts=['region', 'segment', 'lead_source', 'plan'],
    numerator='closing_mrr',
    denominator='1',
    fact='fct_mrr_movements',
    dated_by=none,
    in_all='is_in_all',
) }}
