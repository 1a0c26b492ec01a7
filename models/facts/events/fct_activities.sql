with

activities as (
    select
        activity_id, activity_type, rep_id, lead_id, deal_id, duration_minutes, direction, status,
        {{ local_date('occurred_at') }} as occurred_on,
        {{ local_date('coalesce(booked_at, occurred_at)') }} as booked_on
    from {{ ref('stg_crm__activities') }}
),

touches as (
    select activity_id, lead_id, deal_id, occurred_at from {{ ref('int_activities__touches') }}
),

-- the order of the touches on each lead and on each deal
lead_touches as (
    select
        activity_id,
        row_number() over (
            partition by lead_id order by occurred_at, {{ natural_order('activity_id') }}, activity_id
        ) as touch_number
    from touches
    where lead_id is not null
),

deal_touches as (
    select
        activity_id,
        row_number() over (
            partition by deal_id order by occurred_at, {{ natural_order('activity_id') }}, activity_id
        ) as touch_number
    from touches
    where deal_id is not null
)

select
    activities.activity_id,
    activities.activity_type,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    {{ known('booking_reps.team') }} as booked_team,
    activities.lead_id,
    activities.deal_id,
    activities.occurred_on,
    activities.booked_on,
    activities.duration_minutes,
    activities.direction,
    activities.status,
    activities.status = 'completed' and activities.occurred_on <= {{ as_of_date() }} as is_completed,
    activities.booked_on <= {{ as_of_date() }} as is_booked,
    coalesce(lead_touches.touch_number > 1, false) or coalesce(deal_touches.touch_number > 1, false) as is_follow_up
from activities
left join lead_touches on activities.activity_id = lead_touches.activity_id
left join deal_touches on activities.activity_id = deal_touches.activity_id
{{ join_rep('activities.rep_id', 'activities.occurred_on') }}
{{ join_rep('activities.rep_id', 'activities.booked_on', alias='booking_reps') }}
-- a meeting put on the calendar counts from then on, though it takes place later
where least(activities.occurred_on, activities.booked_on) <= {{ as_of_date() }}
