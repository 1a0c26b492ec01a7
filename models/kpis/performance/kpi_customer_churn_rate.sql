{%- set formula = var('churn_formula') -%}
with

{% if formula == 'active_customers' %}
customers as (
    select
        period_grain, period_start, 'fct_customer_periods' as fact, {{ key_of('fct_customer_periods') }} as fact_key,
        not is_active_at_end as is_churned, region, segment, lead_source
    from {{ ref('fct_customer_periods') }}
    where is_active_before
),
{% else %}
-- subscribers: those at the start{{ ', and the new ones' if formula == 'stripe' }}
customers as (
    select
        period_grain, period_start, 'fct_mrr_movements' as fact, {{ key_of('fct_mrr_movements') }} as fact_key,
        closing_mrr <= 0 as is_churned, opening_region as region, opening_segment as segment, lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and account_id <> 'unknown'
    {%- if formula == 'chartmogul' %} and opening_mrr > 0{% endif %}
),
{% endif %}

-- customers are counted; MRR churns as `mrr` has it, that of accounts nobody knows included
events as (
    select
        period_grain, period_start, fact, fact_key, 1 as customers, {{ one_if('is_churned') }} as churned,
        0 as opening_mrr, 0 as churned_mrr, region, segment, lead_source
    from customers
    union all
    select
        period_grain, period_start, 'fct_mrr_movements' as fact, {{ key_of('fct_mrr_movements') }} as fact_key,
        0 as customers, 0 as churned, opening_mrr, churned_mrr, opening_region as region, opening_segment as segment,
        lead_source
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account'
)

{{ kpi('customer_churn_rate', 'events',
    cuts=['region', 'segment', 'lead_source'],
    numerator='churned',
    denominator='customers',
    stats={'churned_mrr_rate': ratio('sum(-churned_mrr)', 'sum(opening_mrr)')},
    dated_by=none,
    keep_if='sum(customers) > 0',
) }}
