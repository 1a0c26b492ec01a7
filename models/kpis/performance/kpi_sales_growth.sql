with

revenue as (
    select
        period_grain, period_start, dimension, dimension_value, numerator as revenue
    from {{ ref('kpi_revenue') }}
),

periods as (
    select period_grain, period_start, prior_period_start from {{ ref('dim_periods') }}
),

-- each member's revenue beside the period before it; a member that sold only then has fallen to nothing
members as (
    select period_grain, period_start, dimension, dimension_value from revenue
    union
    select periods.period_grain, periods.period_start, revenue.dimension, revenue.dimension_value
    from revenue
    inner join periods
        on revenue.period_grain = periods.period_grain and revenue.period_start = periods.prior_period_start
),

compared as (
    select
        members.period_grain,
        members.period_start,
        members.dimension,
        members.dimension_value,
        coalesce(this_period.revenue, 0) as revenue,
        -- before the spine there is no revenue to compare with; within it a member without rows had none
        case when prior_periods.period_start is not null then coalesce(prior_period.revenue, 0) end as prior_revenue
    from members
    inner join periods
        on members.period_grain = periods.period_grain and members.period_start = periods.period_start
    left join periods as prior_periods
        on periods.period_grain = prior_periods.period_grain
        and periods.prior_period_start = prior_periods.period_start
    left join revenue as this_period
        on members.period_grain = this_period.period_grain
        and members.period_start = this_period.period_start
        and members.dimension = this_period.dimension
        and members.dimension_value = this_period.dimension_value
    left join revenue as prior_period
        on members.period_grain = prior_period.period_grain
        and periods.prior_period_start = prior_period.period_start
        and members.dimension = prior_period.dimension
        and members.dimension_value = prior_period.dimension_value
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
        cast(revenue as {{ money() }}) as revenue
    from compared
)

{{ kpi_mart('measured', 'sales_growth', extras=['revenue']) }}
