with

-- an activity without a duration took no known time
activities as (
    select
        occurred_on as event_on,
        activity_type,
        coalesce(duration_minutes, 0) as minutes,
        sales_rep_id,
        team
    from {{ ref('fct_activities') }}
    where is_completed
),

rolled as (
    {{ roll_up('activities',
        cuts=['sales_rep', 'team', 'activity_type'],
        sums={'minutes': 'sum(minutes)', 'selling_minutes': sum_if('minutes', "activity_type <> 'admin'")},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {{ ratio('minutes', 60) }} as numerator,
        {{ ratio('minutes', 60) }} as metric_value,
        {{ ratio('selling_minutes', 60) }} as selling_hours,
        {{ ratio('selling_minutes', 'minutes') }} as selling_share
    from rolled
)

{{ kpi_mart('measured', 'sales_activity_hours', extras=['selling_hours', 'selling_share'], has_denominator=false) }}
