with

demos as (
    select occurred_on as event_on, activity_id as fact_key, activity_type, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type in ('demo', 'presentation')
)

{{ kpi('product_demos', 'demos', cuts=['sales_rep', 'team', 'activity_type'], numerator='1', fact='fct_activities') }}
