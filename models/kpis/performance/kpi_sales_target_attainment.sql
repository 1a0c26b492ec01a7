with

revenue as (
    select period_grain, period_start, dimension, dimension_value, numerator as revenue
    from {{ ref('kpi_revenue') }}
    where period_grain in ('month', 'quarter', 'year') and dimension in ('all', 'team', 'region')
),

periods as (
    select period_grain, period_start from {{ ref('dim_periods') }}
),

-- a target of a member without revenue is attained by nothing
targets as (
    {{ revenue_targets() }}
),

members as (
    select period_grain, period_start, dimension, dimension_value from revenue
    union
    select targets.period_grain, targets.period_start, targets.dimension, targets.dimension_value
    from targets
    inner join periods
        on targets.period_grain = periods.period_grain and targets.period_start = periods.period_start
),

measured as (
    select
        members.period_grain,
        members.period_start,
        members.dimension,
        members.dimension_value,
        coalesce(revenue.revenue, 0) as numerator,
        targets.target_value as denominator,
        {{ ratio('coalesce(revenue.revenue, 0)', 'targets.target_value') }} as metric_value,
        cast(targets.target_value as {{ money() }}) as target_amount,
        cast(targets.target_value - coalesce(revenue.revenue, 0) as {{ money() }}) as gap_amount
    from members
    left join revenue
        on members.period_grain = revenue.period_grain
        and members.period_start = revenue.period_start
        and members.dimension = revenue.dimension
        and members.dimension_value = revenue.dimension_value
    left join targets
        on members.period_grain = targets.period_grain
        and members.period_start = targets.period_start
        and members.dimension = targets.dimension
        and members.dimension_value = targets.dimension_value
)

{{ kpi_mart('measured', 'sales_target_attainment', extras=['target_amount', 'gap_amount'], target=1) }}
