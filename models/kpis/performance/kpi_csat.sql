with

responses as (
    select responded_on as event_on, is_satisfied, score, sales_rep_id, team, channel, segment
    from {{ ref('fct_csat_responses') }}
),

rolled as (
    {{ roll_up('responses',
        cuts=['sales_rep', 'team', 'channel', 'segment'],
        sums={'satisfied': count_if('is_satisfied'), 'responses': 'count(*)'},
        stats={'average_score': mean('score')},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        satisfied as numerator,
        responses as denominator,
        {{ ratio('satisfied', 'responses') }} as metric_value,
        cast(average_score as {{ double_type() }}) as average_score
    from rolled
)

{{ kpi_mart('measured', 'csat', extras=['average_score']) }}
