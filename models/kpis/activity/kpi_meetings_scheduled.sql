with

-- by the day a meeting was put on the calendar, though it may take place later or never
meetings as (
    select booked_on as event_on, is_completed, status, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where activity_type = 'meeting' and is_booked
),

rolled as (
    {{ roll_up('meetings',
        cuts=['sales_rep', 'team'],
        sums={
            'meetings': 'count(*)',
            'held': count_if('is_completed'),
            'canceled': count_if("status = 'canceled'"),
            'no_show': count_if("status = 'no_show'"),
        },
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        meetings as numerator,
        meetings as metric_value,
        cast(held as bigint) as held,
        cast(canceled as bigint) as canceled,
        cast(no_show as bigint) as no_show
    from rolled
)

{{ kpi_mart('measured', 'meetings_scheduled', extras=['held', 'canceled', 'no_show'], has_denominator=false) }}
