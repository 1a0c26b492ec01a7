{%- set paid_only = var('cac_costs') == 'paid_only' -%}
{%- set lag_days = var('cac_lag_days') | int -%}
with

-- what was spent, cac_lag_days later, and whom it won; sales work belongs to no channel
events as (
    select
        {{ days_after('spend_on', lag_days) }} as event_on, channel as lead_source,
        amount as ad_spend, cast(0 as {{ daily_share_type() }}) as sales_costs, 0 as new_customers, true as is_of_a_channel
    from {{ ref('fct_ad_spend') }}
    where {{ days_after('spend_on', lag_days) }} <= {{ as_of_date() }}
    union all
    select
        {{ days_after('cost_on', lag_days) }} as event_on, 'unknown' as lead_source,
        cast(0 as {{ money() }}) as ad_spend, amount as sales_costs, 0 as new_customers, false as is_of_a_channel
    from {{ ref('fct_sales_cost_days') }}
    where {{ days_after('cost_on', lag_days) }} <= {{ as_of_date() }}
    union all
    select
        became_customer_on as event_on, lead_source, cast(0 as {{ money() }}) as ad_spend,
        cast(0 as {{ daily_share_type() }}) as sales_costs, 1 as new_customers, true as is_of_a_channel
    from {{ ref('fct_customers') }}
),

rolled as (
    {{ roll_up('events',
        cuts=['lead_source'],
        sums={
            'ad_spend': 'sum(ad_spend)',
            'sales_costs': 'sum(sales_costs)',
            'new_customers': 'sum(new_customers)',
        },
        keep_if='bool_or(is_of_a_channel)',
    ) }}
),

costed as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        new_customers,
        cast(ad_spend as {{ money() }}) as ad_spend,
        cast(case when dimension = 'all' then sales_costs else 0 end as {{ money() }}) as sales_costs
    from rolled
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {{ 'ad_spend' if paid_only else 'ad_spend + sales_costs' }} as numerator,
        new_customers as denominator,
        {{ ratio('ad_spend' if paid_only else '(ad_spend + sales_costs)', 'new_customers') }} as metric_value,
        ad_spend,
        sales_costs
    from costed
)

{{ kpi_mart('measured', 'customer_acquisition_cost', extras=['ad_spend', 'sales_costs']) }}
