{%- set movements = ['new_mrr', 'expansion_mrr', 'contraction_mrr', 'churned_mrr', 'reactivation_mrr', 'fx_mrr'] -%}
{%- set sums = {'opening_mrr': 'sum(opening_mrr)', 'closing_mrr': 'sum(closing_mrr)'} -%}
{%- for movement in movements %}{% do sums.update({movement: 'sum(' ~ movement ~ ')'}) %}{% endfor -%}
with

account_movements as (
    select
        period_grain, period_start, opening_mrr, closing_mrr,
        new_mrr, expansion_mrr, contraction_mrr, churned_mrr, reactivation_mrr, fx_mrr,
        region, segment, lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account'
),

-- by plan, an account that changes plans leaves one and joins the other
plan_movements as (
    select
        period_grain, period_start, opening_mrr, closing_mrr,
        new_mrr, expansion_mrr, contraction_mrr, churned_mrr, reactivation_mrr, fx_mrr,
        plan
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account_plan'
),

rolled_accounts as (
    {{ roll_up('account_movements',
        cuts=['region', 'segment', 'lead_source'],
        sums=sums,
        dated_by=none,
        keep_if='sum(closing_mrr) > 0',
    ) }}
),

rolled_plans as (
    {{ roll_up('plan_movements',
        cuts=['plan'],
        sums=sums,
        dated_by=none,
        keep_if='sum(closing_mrr) > 0',
    ) }}
),

rolled as (
    select
        period_grain, period_start, dimension, dimension_value, opening_mrr, closing_mrr,
        new_mrr, expansion_mrr, contraction_mrr, churned_mrr, reactivation_mrr, fx_mrr
    from rolled_accounts
    union all
    select
        period_grain, period_start, dimension, dimension_value, opening_mrr, closing_mrr,
        new_mrr, expansion_mrr, contraction_mrr, churned_mrr, reactivation_mrr, fx_mrr
    from rolled_plans
    where dimension = 'plan'
),

-- contraction and churn are negative: opening + movements = closing
measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        closing_mrr as numerator,
        closing_mrr as metric_value,
        {%- for movement in movements %}
        cast({{ movement }} as {{ money() }}) as {{ movement }},
        {%- endfor %}
        {{ ratio(
            'opening_mrr + expansion_mrr + contraction_mrr + churned_mrr', 'opening_mrr'
        ) }} as net_revenue_retention,
        {{ ratio('opening_mrr + contraction_mrr + churned_mrr', 'opening_mrr') }} as gross_revenue_retention
    from rolled
)

{{ kpi_mart('measured', 'mrr',
    extras=[
        'new_mrr', 'expansion_mrr', 'contraction_mrr', 'churned_mrr', 'reactivation_mrr', 'fx_mrr',
        'net_revenue_retention', 'gross_revenue_retention',
    ],
    value_type='money', has_denominator=false,
) }}
