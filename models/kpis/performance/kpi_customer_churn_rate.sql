{%- set formula = var('churn_formula') -%}
with

{% if formula == 'active_customers' %}
customers as (
    select
        period_grain, period_start, is_active_at_end, opening_mrr, churned_mrr, region, segment, lead_source
    from {{ ref('fct_customer_periods') }}
    where is_active_before
),
{% else %}
-- subscribers: those at the start{{ ', and the new ones' if formula == 'stripe' }}
customers as (
    select
        period_grain, period_start, closing_mrr > 0 as is_active_at_end, opening_mrr, churned_mrr,
        region, segment, lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and account_id <> 'unknown'
    {%- if formula == 'chartmogul' %} and opening_mrr > 0{% endif %}
),
{% endif %}

rolled as (
    {{ roll_up('customers',
        cuts=['region', 'segment', 'lead_source'],
        sums={
            'churned': count_if('not is_active_at_end'),
            'active_before': 'count(*)',
            'opening_mrr': 'sum(opening_mrr)',
            'churned_mrr': 'sum(-churned_mrr)',
        },
        dated_by=none,
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
