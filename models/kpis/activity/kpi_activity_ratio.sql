with

-- outbound calls and emails, and meetings that took place, each on its day; deals on the day they were won
events as (
    select
        occurred_on as event_on, 'fct_activities' as fact, activity_id as fact_key, 1 as activities, 0 as won_deals,
        sales_rep_id, team
    from {{ ref('fct_activities') }}
    where
        is_completed
        and (
            (activity_type in ('call', 'email') and (direction = 'outbound' or direction is null))
            or activity_type = 'meeting'
        )
    union all
    select
        closed_on as event_on, 'fct_deals' as fact, deal_id as fact_key, 0 as activities, 1 as won_deals,
        sales_rep_id, team
    from {{ ref('fct_deals') }}
    where is_won
)

{{ kpi('activity_ratio', 'events', cuts=['sales_rep', 'team'], numerator='activities', denominator='won_deals') }}
