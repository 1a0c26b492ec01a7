with

-- an answer before its question has no minutes, and yet is one
inquiries as (
    select
        received_on as event_on, inquiry_id as fact_key, is_answered, response_minutes, sales_rep_id, team, channel
    from {{ ref('fct_inquiries') }}
)

{{ kpi('inquiry_response_time', 'inquiries',
    cuts=['sales_rep', 'team', 'channel'],
    numerator=exact('response_minutes'),
    denominator=one_if('response_minutes is not null'),
    fact='fct_inquiries',
    stats={'median': percentile(0.5, 'response_minutes'), 'p90': percentile(0.9, 'response_minutes')},
    sums={'unanswered_inquiries': count_if('not is_answered')},
    keep_if='count(response_minutes) > 0',
) }}
