with

calls_and_emails as (
    select occurred_on as event_on, activity_type, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where
        is_completed
        and activity_type in ('call', 'email')
        and (direction = 'outbound' or direction is null)
),

rolled as (
    {{ roll_up('calls_and_emails',
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

{{ kpi_mart('measured', 'calls_and_emails', has_denominator=false) }}
