with

-- the minutes are NULL while nobody has reached out
responses as (
    select created_on as event_on, response_minutes, sales_rep_id, team, lead_source
    from {{ ref('fct_lead_responses') }}
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
