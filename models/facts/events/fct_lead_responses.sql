with

leads as (
    select lead_id, created_at, created_on, sales_rep_id, team, lead_source from {{ ref('fct_leads') }}
),

-- whoever reached out first, not before the lead was there
first_touches as (
    select leads.lead_id, min(touches.occurred_at) as touched_at
    from leads
    inner join {{ ref('int_activities__touches') }} as touches
        on leads.lead_id = touches.lead_id and touches.occurred_at >= leads.created_at
    group by leads.lead_id
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
