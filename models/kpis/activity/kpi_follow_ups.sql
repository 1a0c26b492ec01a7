with

follow_ups as (
    select occurred_on as event_on, activity_type, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_follow_up
),

rolled as (
    {{ roll_up('follow_ups',
        cuts=['sales_rep', 'team', 'activity_type'],
        sums={'activities': 'count(*)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        activities as numerator,
        activities as metric_value
    from rolled
)

{{ kpi_mart('measured', 'follow_ups', has_denominator=false) }}
