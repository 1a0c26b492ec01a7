with

calls_and_emails as (
    select occurred_on as event_on, activity_id as fact_key, activity_type, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where
        is_completed
        and activity_type in ('call', 'email')
        and (direction = 'outbound' or direction is null)
)

{{ kpi('calls_and_emails', 'calls_and_emails',
    cuts=['sales_rep', 'team', 'activity_type'], numerator='1', fact='fct_activities') }}
