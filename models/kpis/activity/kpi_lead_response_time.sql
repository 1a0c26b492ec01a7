with

-- the minutes are NULL while nobody has reached out
responses as (
    select created_on as event_on, lead_id as fact_key, response_minutes, sales_rep_id, team, lead_source
    from {{ ref('fct_lead_responses') }}
)

-- in five minutes, of all leads: those that nobody answered were not answered in time either
{{ kpi('lead_response_time', 'responses',
    cuts=['sales_rep', 'team', 'lead_source'],
    numerator=exact('response_minutes'),
    denominator=one_if('response_minutes is not null'),
    fact='fct_lead_responses',
    sums={'unanswered_leads': count_if('response_minutes is null')},
    stats={
        'median': percentile(0.5, 'response_minutes'),
        'p90': percentile(0.9, 'response_minutes'),
        'answered_within_5_minutes_share': ratio(count_if('response_minutes <= 5'), 'count(*)'),
    },
    keep_if='count(response_minutes) > 0',
) }}
