with

-- growth is over the period before; of a year to date, over the same months of the year before
periods as (
    select
        period_grain,
        period_start,
        case when period_grain = 'year_to_date' then prior_year_start else prior_period_start end as compared_start
    from {{ ref('dim_periods') }}
),

-- before the spine there is nothing to compare with
compared_periods as (
    select periods.period_grain, periods.period_start, periods.compared_start
    from periods
    inner join periods as compared
        on periods.period_grain = compared.period_grain and periods.compared_start = compared.period_start
),

-- each day in its own periods, and in those that are compared with them
compared_dates as (
    select date_on, period_grain, period_start, false as is_before
    from {{ ref('dim_period_dates') }}
    union all
    select dates.date_on, periods.period_grain, periods.period_start, true as is_before
    from {{ ref('dim_period_dates') }} as dates
    inner join compared_periods as periods
        on dates.period_grain = periods.period_grain and dates.period_start = periods.compared_start
),

compared_lines as (
    select
        dates.period_grain, dates.period_start, 'fct_revenue_lines' as fact, lines.revenue_line_id as fact_key,
        case when dates.is_before then 0 else lines.amount end as amount,
        case when dates.is_before then lines.amount else 0 end as prior_amount,
        lines.sales_rep_id, lines.team, lines.region, lines.segment, lines.lead_source, lines.product_category
    from {{ ref('fct_revenue_lines') }} as lines
    inner join compared_dates as dates on lines.revenue_on = dates.date_on
    union all
    -- a sale without items is still a sale, of nothing and of no product
    select
        dates.period_grain, dates.period_start, 'fct_sales' as fact, sales.sale_id as fact_key, 0 as amount,
        0 as prior_amount, sales.sales_rep_id, sales.team, sales.region, sales.segment, sales.lead_source,
        null as product_category
    from {{ ref('fct_sales') }} as sales
    inner join compared_dates as dates on sales.sold_on = dates.date_on
),

grown_lines as (
    select
        lines.period_grain, lines.period_start, lines.fact, lines.fact_key,
        lines.amount - lines.prior_amount as amount, lines.prior_amount, lines.sales_rep_id, lines.team,
        lines.region, lines.segment, lines.lead_source, lines.product_category
    from compared_lines as lines
    inner join compared_periods as periods
        on lines.period_grain = periods.period_grain and lines.period_start = periods.period_start
),

{{ rows_behind('sales_growth', 'grown_lines',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'product_category'],
    numerator='amount', denominator='prior_amount', dated_by=none,
) }},

rolled as (
    {{ roll_up('compared_lines',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'product_category'],
        sums={'revenue': 'sum(amount)', 'prior_revenue': 'sum(prior_amount)'},
        dated_by=none,
    ) }}
),

known as (
    select
        rolled.period_grain,
        rolled.period_start,
        rolled.dimension,
        rolled.dimension_value,
        rolled.revenue,
        case when compared_periods.period_start is not null then rolled.prior_revenue end as prior_revenue
    from rolled
    left join compared_periods
        on rolled.period_grain = compared_periods.period_grain and rolled.period_start = compared_periods.period_start
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue - prior_revenue as numerator,
        prior_revenue as denominator,
        case when prior_revenue > 0 then {{ ratio('revenue - prior_revenue', 'prior_revenue') }} end as metric_value,
        revenue
    from known
)

{{ kpi_mart('sales_growth', extras=['revenue']) }}
