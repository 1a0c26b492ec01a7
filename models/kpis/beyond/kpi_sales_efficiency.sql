with

mrr as (
    select
        period_grain, period_start,
        new_mrr + expansion_mrr + contraction_mrr + churned_mrr + reactivation_mrr as net_new_mrr
    from {{ ref('kpi_mrr') }}
    where dimension = 'all'
),

-- a business without any subscription is measured by what new customers bought
subscriptions as (
    select count(*) as interval_count from {{ ref('fct_mrr_intervals') }}
),

customers as (
    select account_id, became_customer_on from {{ ref('fct_customers') }}
),

new_customer_revenue as (
    select bought.period_grain, bought.period_start, sum(lines.amount) as amount
    from {{ ref('fct_revenue_lines') }} as lines
    inner join {{ ref('dim_period_dates') }} as bought on lines.revenue_on = bought.date_on
    inner join customers on lines.account_id = customers.account_id
    inner join {{ ref('dim_period_dates') }} as won
        on customers.became_customer_on = won.date_on
        and bought.period_grain = won.period_grain
        and bought.period_start = won.period_start
    group by bought.period_grain, bought.period_start
),

costs as (
    select period_grain, period_start, numerator as cost_amount
    from {{ ref('kpi_customer_acquisition_cost') }}
    where dimension = 'all'
),

gains as (
    select
        costs.period_grain,
        costs.period_start,
        costs.cost_amount,
        mrr.net_new_mrr,
        coalesce(new_customer_revenue.amount, 0) as new_customer_revenue,
        case
            when subscriptions.interval_count > 0 then mrr.net_new_mrr * 12
            else coalesce(new_customer_revenue.amount, 0)
        end as gain_amount
    from costs
    inner join mrr on costs.period_grain = mrr.period_grain and costs.period_start = mrr.period_start
    cross join subscriptions
    left join new_customer_revenue
        on costs.period_grain = new_customer_revenue.period_grain
        and costs.period_start = new_customer_revenue.period_start
),

measured as (
    select
        period_grain,
        period_start,
        'all' as dimension,
        'all' as dimension_value,
        gain_amount as numerator,
        cost_amount as denominator,
        {{ ratio('gain_amount', 'cost_amount') }} as metric_value,
        cast(net_new_mrr as {{ money() }}) as net_new_mrr,
        cast(new_customer_revenue as {{ money() }}) as new_customer_revenue
    from gains
)

{{ kpi_mart('measured', 'sales_efficiency', extras=['net_new_mrr', 'new_customer_revenue']) }}
