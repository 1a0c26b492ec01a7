with

-- an activity without a duration took no known time
activities as (
    select
        occurred_on as event_on,
        activity_type,
        cast(coalesce(duration_minutes, 0) as double precision) / 60 as hours,
        sales_rep_id,
        team
    from {{ ref('fct_activities') }}
    where is_completed
),

rolled as (
    {{ roll_up('activities',
        cuts=['sales_rep', 'team', 'activity_type'],
        sums={'hours': 'sum(hours)', 'selling_hours': sum_if('hours', "activity_type <> 'admin'")},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        hours as numerator,
        hours as metric_value,
        cast(selling_hours as double precision) as selling_hours,
        {{ ratio('selling_hours', 'hours') }} as selling_share
    from rolled
)

{{ kpi_mart('measured', 'sales_activity_hours', extras=['selling_hours', 'selling_share'], has_denominator=false) }}
