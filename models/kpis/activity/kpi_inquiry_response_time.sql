with

-- an answer before its question has no minutes, and yet is one
inquiries as (
    select received_on as event_on, is_answered, response_minutes, sales_rep_id, team, channel
    from {{ ref('fct_inquiries') }}
),

rolled as (
    {{ roll_up('inquiries',
        cuts=['sales_rep', 'team', 'channel'],
        sums={
            'response_minutes': 'sum(' ~ exact('response_minutes') ~ ')',
            'answered_inquiries': 'count(response_minutes)',
            'unanswered_inquiries': count_if('not is_answered'),
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
        answered_inquiries as denominator,
        {{ ratio('response_minutes', 'answered_inquiries') }} as metric_value,
        median,
        p90,
        cast(unanswered_inquiries as bigint) as unanswered_inquiries
    from rolled
)

{{ kpi_mart('measured', 'inquiry_response_time', extras=['median', 'p90', 'unanswered_inquiries']) }}
