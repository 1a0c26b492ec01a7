with

-- satisfied: a score of 4 or 5
responses as (
    select
        responded_on as event_on, response_id as fact_key, score, score >= 4 as is_satisfied,
        sales_rep_id, team, channel, segment
    from {{ ref('fct_csat_responses') }}
)

{{ kpi('csat', 'responses',
    cuts=['sales_rep', 'team', 'channel', 'segment'],
    numerator=one_if('is_satisfied'),
    denominator='1',
    fact='fct_csat_responses',
    stats={'average_score': mean('score')},
) }}
