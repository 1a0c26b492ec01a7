with

-- revenue and hours side by side; a rep with one of them alone still has a row
events as (
    select
        revenue_on as event_on, amount as revenue, 0 as selling_minutes,
        sales_rep_id, team
    from {{ ref('fct_revenue_lines') }}
    union all
    select
        occurred_on as event_on, 0 as revenue, coalesce(duration_minutes, 0) as selling_minutes,
        sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type <> 'admin'
),

rolled as (
    {{ roll_up('events',
        cuts=['sales_rep', 'team'],
        sums={'revenue': 'sum(revenue)', 'selling_minutes': 'sum(selling_minutes)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue as numerator,
        {{ ratio('selling_minutes', 60) }} as denominator,
        {{ ratio('revenue', ratio('selling_minutes', 60)) }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'revenue_per_selling_hour') }}
