with

-- revenue and hours side by side; a rep with one of them alone still has a row
events as (
    select
        revenue_on as event_on, cast(amount as double precision) as revenue, cast(0 as double precision) as selling_hours,
        sales_rep_id, team
    from {{ ref('fct_revenue_lines') }}
    union all
    select
        occurred_on as event_on, cast(0 as double precision) as revenue,
        cast(coalesce(duration_minutes, 0) as double precision) / 60 as selling_hours,
        sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type <> 'admin'
),

rolled as (
    {{ roll_up('events',
        cuts=['sales_rep', 'team'],
        sums={'revenue': 'sum(revenue)', 'selling_hours': 'sum(selling_hours)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue as numerator,
        selling_hours as denominator,
        {{ ratio('revenue', 'selling_hours') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'revenue_per_selling_hour') }}
