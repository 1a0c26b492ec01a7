with

-- outbound calls and emails, and meetings that took place, each on its day; deals on the day they were won
events as (
    select occurred_on as event_on, true as is_activity, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where
        is_completed
        and (
            (activity_type in ('call', 'email') and (direction = 'outbound' or direction is null))
            or activity_type = 'meeting'
        )
    union all
    select closed_on as event_on, false as is_activity, sales_rep_id, team
    from {{ ref('fct_deals') }}
    where is_won
),

rolled as (
    {{ roll_up('events',
        cuts=['sales_rep', 'team'],
        sums={'activities': count_if('is_activity'), 'won_deals': count_if('not is_activity')},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        activities as numerator,
        won_deals as denominator,
        {{ ratio('activities', 'won_deals') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'activity_ratio') }}
