with

leads as (
    select lead_id, created_at, created_at_is_day, created_on, sales_rep_id, team, lead_source
    from {{ ref('fct_leads') }}
),

-- whoever reached out, not before the lead was there
touches as (
    select leads.lead_id, touches.occurred_at as touched_at, touches.occurred_at_is_day as touched_at_is_day
    from leads
    inner join {{ ref('int_activities__touches') }} as touches
        on leads.lead_id = touches.lead_id
    where {{ is_not_before('touches.occurred_at', 'leads.created_at') }}
),

first_touches as (
    {{ first_moments('touches', of='lead_id', at='touched_at') }}
)

select
    leads.lead_id,
    leads.created_on,
    leads.sales_rep_id,
    leads.team,
    leads.lead_source,
    {{ response_minutes('leads.created_at', 'first_touches.touched_at') }} as response_minutes
from leads
left join first_touches on leads.lead_id = first_touches.lead_id
{{ response_days('leads.created_at', 'first_touches.touched_at') }}
