with

reps as (
    select sales_rep_id, hired_on, left_on from {{ ref('dim_sales_reps') }}
    where sales_rep_id <> 'unknown'
),

-- employed on any day of the period; without a date of hiring always there
employments as (
    select
        periods.period_grain,
        periods.period_start,
        reps.sales_rep_id,
        coalesce(least(reps.left_on, periods.period_end), periods.period_end) as last_on,
        coalesce(reps.hired_on <= periods.period_end, true)
        and coalesce(reps.left_on >= periods.covered_from, true) as is_employed
    from {{ ref('dim_periods') }} as periods
    cross join reps
),

-- in the team they were last in
rep_periods as (
    select
        employments.period_grain,
        employments.period_start,
        employments.sales_rep_id,
        versions.team,
        employments.is_employed
    from employments
    {{ join_rep('employments.sales_rep_id', 'employments.last_on', alias='versions') }}
),

-- in `all` and a team those employed are counted; a rep's own row is their revenue, though they may have left
events as (
    select
        periods.period_grain, periods.period_start, 'fct_revenue_lines' as fact, lines.revenue_line_id as fact_key,
        true as is_in_all, true as is_kept, lines.amount as revenue, 0 as reps, lines.sales_rep_id, lines.team
    from {{ ref('fct_revenue_lines') }} as lines
    inner join reps on lines.sales_rep_id = reps.sales_rep_id
    inner join {{ ref('dim_period_dates') }} as periods on lines.revenue_on = periods.date_on
    union all
    select
        period_grain, period_start, 'dim_sales_reps' as fact, sales_rep_id as fact_key,
        true as is_in_all, true as is_kept, 0 as revenue, 1 as reps, null as sales_rep_id, team
    from rep_periods
    where is_employed
    union all
    select
        period_grain, period_start, 'dim_sales_reps' as fact, sales_rep_id as fact_key,
        false as is_in_all, is_employed as is_kept, 0 as revenue, 1 as reps, sales_rep_id, null as team
    from rep_periods
)

{{ kpi('revenue_per_rep', 'events',
    cuts=['sales_rep', 'team'],
    numerator='revenue',
    denominator='reps',
    dated_by=none,
    in_all='is_in_all',
    keep_if='bool_or(is_kept)',
) }}
