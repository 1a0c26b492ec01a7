with

-- a business without any subscription is measured by what new customers bought
subscriptions as (
    select count(*) as interval_count from {{ ref('fct_mrr_intervals') }}
),

acquisition as (
    {{ acquisition_costs() }}
),

new_customer_lines as (
    select bought.period_grain, bought.period_start, lines.revenue_line_id, lines.amount
    from {{ ref('fct_revenue_lines') }} as lines
    inner join {{ ref('dim_period_dates') }} as bought on lines.revenue_on = bought.date_on
    inner join {{ ref('fct_customers') }} as customers on lines.account_id = customers.account_id
    inner join {{ ref('dim_period_dates') }} as won
        on customers.became_customer_on = won.date_on
        and bought.period_grain = won.period_grain
        and bought.period_start = won.period_start
),

events as (
    select
        period_grain, period_start, 'fct_mrr_movements' as fact, {{ key_of('fct_mrr_movements') }} as fact_key,
        12 * (new_mrr + expansion_mrr + contraction_mrr + churned_mrr + reactivation_mrr) as gain,
        new_mrr + expansion_mrr + contraction_mrr + churned_mrr + reactivation_mrr as net_new_mrr,
        0 as new_customer_revenue, cast(0 as {{ daily_share_type() }}) as cost
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account'
    union all
    select
        lines.period_grain, lines.period_start, 'fct_revenue_lines' as fact, lines.revenue_line_id as fact_key,
        {{ amount_if('lines.amount', 'subscriptions.interval_count = 0') }} as gain,
        0 as net_new_mrr, lines.amount as new_customer_revenue, 0 as cost
    from new_customer_lines as lines
    cross join subscriptions
    union all
    select
        dates.period_grain, dates.period_start, acquisition.fact, acquisition.fact_key,
        0 as gain, 0 as net_new_mrr, 0 as new_customer_revenue, acquisition.cost
    from acquisition
    inner join {{ ref('dim_period_dates') }} as dates on acquisition.event_on = dates.date_on
)

{{ kpi('sales_efficiency', 'events',
    cuts=[],
    numerator='gain',
    denominator='cost',
    denominator_type=money(),
    sums={'net_new_mrr': 'sum(net_new_mrr)', 'new_customer_revenue': 'sum(new_customer_revenue)'},
    dated_by=none,
) }}
