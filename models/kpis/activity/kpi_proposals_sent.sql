with

proposals as (
    select occurred_on as event_on, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type = 'proposal'
),

rolled as (
    {{ roll_up('proposals',
        cuts=['sales_rep', 'team'],
        sums={'activities': 'count(*)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        activities as numerator,
        activities as metric_value
    from rolled
)

{{ kpi_mart('measured', 'proposals_sent', has_denominator=false) }}
