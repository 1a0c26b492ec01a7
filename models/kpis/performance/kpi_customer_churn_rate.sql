{%- set formula = var('churn_formula') -%}
with

{% if formula == 'active_customers' %}
customers as (
    select period_grain, period_start, is_active_at_end, region, segment, lead_source
    from {{ ref('fct_customer_periods') }}
    where is_active_before
),
{% else %}
-- subscribers: those at the start{{ ', and the new ones' if formula == 'stripe' }}
customers as (
    select period_grain, period_start, closing_mrr > 0 as is_active_at_end, region, segment, lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and account_id <> 'unknown'
    {%- if formula == 'chartmogul' %} and opening_mrr > 0{% endif %}
),
{% endif %}

-- customers are counted; MRR churns as `mrr` has it, that of accounts nobody knows included
events as (
    select
        period_grain, period_start, true as is_customer, not is_active_at_end as is_churned,
        cast(0 as {{ money() }}) as opening_mrr, cast(0 as {{ money() }}) as churned_mrr,
        region, segment, lead_source
    from customers
    union all
    select
        period_grain, period_start, false as is_customer, false as is_churned, opening_mrr, churned_mrr,
        region, segment, lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account'
),

rolled as (
    {{ roll_up('events',
        cuts=['region', 'segment', 'lead_source'],
        sums={
            'churned': count_if('is_churned'),
            'active_before': count_if('is_customer'),
            'opening_mrr': 'sum(opening_mrr)',
            'churned_mrr': 'sum(-churned_mrr)',
        },
        dated_by=none,
        keep_if=count_if('is_customer') ~ ' > 0',
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        churned as numerator,
        active_before as denominator,
        {{ ratio('churned', 'active_before') }} as metric_value,
        {{ ratio('churned_mrr', 'opening_mrr') }} as churned_mrr_rate
    from rolled
)

{{ kpi_mart('measured', 'customer_churn_rate', extras=['churned_mrr_rate']) }}
