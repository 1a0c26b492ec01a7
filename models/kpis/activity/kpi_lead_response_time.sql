with

leads as (
    select lead_id, created_at, created_on, sales_rep_id, team, lead_source from {{ ref('fct_leads') }}
),

-- whoever reached out first, not before the lead was there
first_touches as (
    select leads.lead_id, min(activities.occurred_at) as touched_at
    from leads
    inner join {{ ref('fct_activities') }} as activities
        on leads.lead_id = activities.lead_id and activities.occurred_at >= leads.created_at
    where activities.is_touch
    group by leads.lead_id
),

-- the minutes are NULL while nobody has reached out
responses as (
    select
        leads.created_on as event_on,
        {{ response_minutes('leads.created_at', 'first_touches.touched_at') }} as response_minutes,
        leads.sales_rep_id,
        leads.team,
        leads.lead_source
    from leads
    left join first_touches on leads.lead_id = first_touches.lead_id
    {{ response_days('leads.created_at', 'first_touches.touched_at') }}
),

rolled as (
    {{ roll_up('responses',
        cuts=['sales_rep', 'team', 'lead_source'],
        sums={
            'response_minutes': 'sum(' ~ exact('response_minutes') ~ ')',
            'answered_leads': 'count(response_minutes)',
            'unanswered_leads': count_if('response_minutes is null'),
            'answered_within_5_minutes': count_if('response_minutes <= 5'),
        },
        stats={
            'median': percentile(0.5, 'response_minutes'),
            'p90': percentile(0.9, 'response_minutes'),
        },
        keep_if='count(response_minutes) > 0',
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        response_minutes as numerator,
        answered_leads as denominator,
        {{ ratio('response_minutes', 'answered_leads') }} as metric_value,
        median,
        p90,
        cast(unanswered_leads as bigint) as unanswered_leads,
        -- of all leads: those that nobody answered were not answered in time either
        {{ ratio('answered_within_5_minutes', 'answered_leads + unanswered_leads') }} as answered_within_5_minutes_share
    from rolled
)

{{ kpi_mart('measured', 'lead_response_time',
    extras=['median', 'p90', 'unanswered_leads', 'answered_within_5_minutes_share'],
) }}
