with

periods as (
    select period_grain, period_start, prior_period_start from {{ ref('dim_periods') }}
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

-- MRR is compared with what was spent in the period before
events as (
    select
        period_grain, period_start, 'fct_mrr_movements' as fact, {{ key_of('fct_mrr_movements') }} as fact_key,
        closing_mrr - opening_mrr as gained_mrr, 0 as new_customer_revenue,
        cast(0 as {{ daily_share_type() }}) as cost
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account'
    union all
    select
        period_grain, period_start, 'fct_revenue_lines' as fact, revenue_line_id as fact_key,
        0 as gained_mrr, amount as new_customer_revenue, 0 as cost
    from new_customer_lines
    union all
    select
        periods.period_grain, periods.period_start, acquisition.fact, acquisition.fact_key,
        0 as gained_mrr, 0 as new_customer_revenue, acquisition.cost
    from acquisition
    inner join {{ ref('dim_period_dates') }} as dates on acquisition.event_on = dates.date_on
    inner join periods
        on dates.period_grain = periods.period_grain and dates.period_start = periods.prior_period_start
),

{{ rows_behind('sales_efficiency', 'events',
    cuts=[], numerator='12 * gained_mrr', denominator='cost', dated_by=none,
) }},

rolled as (
    {{ roll_up('events',
        cuts=[],
        sums={
            'gained_mrr': 'sum(gained_mrr)',
            'new_customer_revenue': 'sum(new_customer_revenue)',
            'cost': 'cast(sum(cost) as ' ~ money() ~ ')',
        },
        dated_by=none,
        grains=plain_grains(),
    ) }}
),

subscriptions as (
    select count(*) as row_count from {{ ref('fct_subscription_changes') }}
),

-- before the spine nothing is known of costs
compared as (
    select
        rolled.period_grain,
        rolled.period_start,
        rolled.dimension,
        rolled.dimension_value,
        case when subscriptions.row_count > 0 then 12 * rolled.gained_mrr end as gain,
        case when prior_periods.period_start is not null then rolled.cost end as cost,
        rolled.new_customer_revenue
    from rolled
    cross join subscriptions
    inner join periods
        on rolled.period_grain = periods.period_grain and rolled.period_start = periods.period_start
    left join periods as prior_periods
        on periods.period_grain = prior_periods.period_grain
        and periods.prior_period_start = prior_periods.period_start
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        gain as numerator,
        cost as denominator,
        {{ ratio('gain', 'cost') }} as metric_value,
        new_customer_revenue,
        {{ ratio('new_customer_revenue', 'cost') }} as new_customer_revenue_ratio
    from compared
)

{{ kpi_mart('sales_efficiency', extras=['new_customer_revenue', 'new_customer_revenue_ratio']) }}
