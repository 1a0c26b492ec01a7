{#
    What was spent on winning customers, cac_lag_days later, and whom it won: the body of a CTE with a row an event.
    Sales work belongs to no channel. `cost` is what the policy cac_costs counts of a row.
#}
{% macro acquisition_costs() %}
    {%- set lag_days = var('cac_lag_days') | int %}
    {%- set paid_only = var('cac_costs') == 'paid_only' %}
    select
        {{ days_after('spend_on', lag_days) }} as event_on,
        'fct_ad_spend' as fact, {{ key_of('fct_ad_spend') }} as fact_key,
        amount as ad_spend, cast(0 as {{ daily_share_type() }}) as sales_costs, amount as cost, 0 as new_customers,
        channel as lead_source
    from {{ ref('fct_ad_spend') }}
    where {{ days_after('spend_on', lag_days) }} <= {{ as_of_date() }}
    union all
    select
        {{ days_after('cost_on', lag_days) }} as event_on,
        'fct_sales_cost_days' as fact, {{ key_of('fct_sales_cost_days') }} as fact_key,
        0 as ad_spend, amount as sales_costs, {{ '0' if paid_only else 'amount' }} as cost, 0 as new_customers,
        cast(null as {{ text_type() }}) as lead_source
    from {{ ref('fct_sales_cost_days') }}
    where {{ days_after('cost_on', lag_days) }} <= {{ as_of_date() }}
    union all
    select
        became_customer_on as event_on, 'fct_customers' as fact, account_id as fact_key,
        0 as ad_spend, 0 as sales_costs, 0 as cost, 1 as new_customers, lead_source
    from {{ ref('fct_customers') }}
{% endmacro %}

{# Cost / customers won of every cell, as acquisition_cost: the body of a CTE, over a CTE of acquisition_costs() by period. #}
{% macro acquisition_cost_of(relation) %}
    select
        period_grain, period_start, dimension, dimension_value,
        {{ ratio('cast(cost as ' ~ money() ~ ')', 'new_customers') }} as acquisition_cost
    from (
        {{ roll_up(relation,
            cuts=['lead_source'],
            sums={'cost': 'sum(cost)', 'new_customers': 'sum(new_customers)'},
            dated_by=none,
        ) }}
    ) as spent
{% endmacro %}
