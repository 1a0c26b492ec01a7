with

proposals as (
    select occurred_on as event_on, activity_id as fact_key, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type = 'proposal'
)

{{ kpi('proposals_sent', 'proposals', cuts=['sales_rep', 'team'], numerator='1', fact='fct_activities') }}
