with

networking_events as (
    select occurred_on as event_on, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type = 'networking_event'
),

rolled as (
    {{ roll_up('networking_events',
        cuts=['sales_rep', 'team'],
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

{{ kpi_mart('measured', 'networking_events', has_denominator=false) }}
