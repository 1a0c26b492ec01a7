with

periods as (
    select period_grain, period_start, prior_period_start from {{ ref('dim_periods') }}
),

revenue as (
    select period_grain, period_start, dimension, dimension_value, numerator as revenue
    from {{ ref('kpi_revenue') }}
),

-- each member's revenue in the period after: who sold only then has fallen to nothing
earlier as (
    select
        periods.period_grain, periods.period_start, revenue.dimension, revenue.dimension_value,
        revenue.revenue as prior_revenue
    from revenue
    inner join periods
        on revenue.period_grain = periods.period_grain and revenue.period_start = periods.prior_period_start
),

-- the lines of both periods; before the spine there is nothing to compare with
lines as (
    select
        dates.period_grain, dates.period_start, lines.revenue_line_id as fact_key, lines.amount,
        lines.sales_rep_id, lines.team, lines.region, lines.segment, lines.lead_source, lines.product_category
    from {{ ref('fct_revenue_lines') }} as lines
    inner join {{ ref('dim_period_dates') }} as dates on lines.revenue_on = dates.date_on
),

compared_lines as (
    select
        lines.period_grain, lines.period_start, lines.fact_key, lines.amount, 0 as prior_amount,
        lines.sales_rep_id, lines.team, lines.region, lines.segment, lines.lead_source, lines.product_category
    from lines
    inner join periods on lines.period_grain = periods.period_grain and lines.period_start = periods.period_start
    inner join periods as prior_periods
        on periods.period_grain = prior_periods.period_grain
        and periods.prior_period_start = prior_periods.period_start
    union all
    select
        periods.period_grain, periods.period_start, lines.fact_key, 0 as amount, lines.amount as prior_amount,
        lines.sales_rep_id, lines.team, lines.region, lines.segment, lines.lead_source, lines.product_category
    from lines
    inner join periods on lines.period_grain = periods.period_grain and lines.period_start = periods.prior_period_start
),

{{ rows_behind('sales_growth', 'compared_lines',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'product_category'],
    numerator='amount - prior_amount', denominator='prior_amount', fact='fct_revenue_lines', dated_by=none,
) }},

compared as (
    {{ side_by_side('revenue', ['revenue'], 'earlier', ['prior_revenue']) }}
),

known as (
    select
        compared.period_grain,
        compared.period_start,
        compared.dimension,
        compared.dimension_value,
        coalesce(compared.revenue, 0) as revenue,
        case when prior_periods.period_start is not null then coalesce(compared.prior_revenue, 0) end as prior_revenue
    from compared
    inner join periods
        on compared.period_grain = periods.period_grain and compared.period_start = periods.period_start
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
        revenue - prior_revenue as numerator,
        prior_revenue as denominator,
        case when prior_revenue > 0 then {{ ratio('revenue - prior_revenue', 'prior_revenue') }} end as metric_value,
        revenue
    from known
)

{{ kpi_mart('sales_growth', extras=['revenue']) }}
