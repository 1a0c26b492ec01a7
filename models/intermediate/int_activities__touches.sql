-- touches: completed activities by which a rep reached out
with

activities as (
    select activity_id, activity_type, rep_id, lead_id, deal_id, occurred_at, occurred_at_is_day, direction, status
    from {{ ref('stg_crm__activities') }}
)

select
    activity_id,
    activity_type,
    rep_id,
    lead_id,
    deal_id,
    occurred_at,
    occurred_at_is_day
from activities
where
    status = 'completed'
    and activity_type in ('call', 'email', 'meeting', 'demo', 'presentation', 'proposal')
    and (direction = 'outbound' or direction is null)
    and {{ local_date('occurred_at') }} <= {{ as_of_date() }}
