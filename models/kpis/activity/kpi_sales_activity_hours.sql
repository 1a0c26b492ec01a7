with

-- an activity without a duration took no known time
activities as (
    select
        occurred_on as event_on, activity_id as fact_key, activity_type, coalesce(duration_minutes, 0) as minutes,
        sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed
)

{{ kpi('sales_activity_hours', 'activities',
    cuts=['sales_rep', 'team', 'activity_type'],
    numerator='minutes',
    numerator_per=60,
    fact='fct_activities',
    parts={'selling_minutes': sum_if('minutes', "activity_type <> 'admin'")},
    derived={
        'selling_hours': ratio('selling_minutes', 60),
        'selling_share': ratio('selling_minutes', 'numerator'),
    },
) }}
