with

reps as (
    select sales_rep_id, team, hired_on, left_on from {{ ref('dim_sales_reps') }}
    where sales_rep_id <> 'unknown'
),

revenue as (
    select periods.period_grain, periods.period_start, lines.sales_rep_id, sum(lines.amount) as amount
    from {{ ref('fct_revenue_lines') }} as lines
    inner join {{ ref('dim_period_dates') }} as periods on lines.revenue_on = periods.date_on
    group by periods.period_grain, periods.period_start, lines.sales_rep_id
),

-- employed on any day of the period; without a date of hiring always there
rep_periods as (
    select
        periods.period_grain,
        periods.period_start,
        reps.sales_rep_id,
        reps.team,
        coalesce(reps.hired_on <= periods.period_end, true)
        and coalesce(reps.left_on >= periods.period_start, true) as is_employed,
        revenue.amount
    from {{ ref('dim_periods') }} as periods
    cross join reps
    left join revenue
        on periods.period_grain = revenue.period_grain
        and periods.period_start = revenue.period_start
        and reps.sales_rep_id = revenue.sales_rep_id
),

rolled as (
    {{ roll_up('rep_periods',
        cuts=['sales_rep', 'team'],
        sums={'revenue': 'sum(amount)', 'employed_reps': count_if('is_employed')},
        dated_by=none,
        keep_if=count_if('is_employed or amount is not null') ~ ' > 0',
    ) }}
),

-- a rep's own row is their revenue, though they may have left
counted as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue,
        case when dimension = 'sales_rep' then 1 else employed_reps end as reps
    from rolled
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue as numerator,
        reps as denominator,
        {{ ratio('revenue', 'reps') }} as metric_value
    from counted
)

{{ kpi_mart('measured', 'revenue_per_rep') }}
