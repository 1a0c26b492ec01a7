{%- set movements = ['new_mrr', 'expansion_mrr', 'contraction_mrr', 'churned_mrr', 'reactivation_mrr', 'fx_mrr'] -%}
{%- set sums = {} -%}
{%- for movement in movements %}{% do sums.update({movement: 'sum(' ~ movement ~ ')'}) %}{% endfor -%}
with

-- by plan, an account that changes plans leaves one and joins the other: rows of their own, of that cut alone
movements as (
    select
        period_grain, period_start, {{ key_of('fct_mrr_movements') }} as fact_key, true as is_in_all,
        opening_mrr, closing_mrr, {{ movements | join(', ') }},
        region, segment, lead_source, cast(null as {{ text_type() }}) as plan
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account'
    union all
    select
        period_grain, period_start, {{ key_of('fct_mrr_movements') }} as fact_key, false as is_in_all,
        opening_mrr, closing_mrr, {{ movements | join(', ') }},
        null as region, null as segment, null as lead_source, plan
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account_plan'
)

-- contraction and churn are negative: opening + movements = closing
{{ kpi('mrr', 'movements',
    cuts=['region', 'segment', 'lead_source', 'plan'],
    numerator='closing_mrr',
    fact='fct_mrr_movements',
    sums=sums,
    stats={
        'net_revenue_retention': ratio(
            'sum(opening_mrr + expansion_mrr + contraction_mrr + churned_mrr)', 'sum(opening_mrr)'
        ),
        'gross_revenue_retention': ratio('sum(opening_mrr + contraction_mrr + churned_mrr)', 'sum(opening_mrr)'),
    },
    dated_by=none,
    in_all='is_in_all',
    keep_if='sum(closing_mrr) > 0',
) }}
