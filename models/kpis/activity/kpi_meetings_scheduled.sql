with

-- by the day a meeting was put on the calendar, though it may take place later or never
meetings as (
    select
        booked_on as event_on, activity_id as fact_key, is_completed, status, occurred_on, sales_rep_id,
        booked_team as team
    from {{ ref('fct_activities') }}
    where activity_type = 'meeting' and is_booked
)

{{ kpi('meetings_scheduled', 'meetings',
    cuts=['sales_rep', 'team'],
    numerator='1',
    fact='fct_activities',
    sums={
        'held': count_if('is_completed'),
        'canceled': count_if("status = 'canceled'"),
        'no_show': count_if("status = 'no_show' and occurred_on <= " ~ as_of_date()),
    },
) }}
