with

-- revenue and hours side by side; a rep with one of them alone still has a row
events as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, amount as revenue,
        0 as selling_minutes, sales_rep_id, team
    from {{ ref('fct_revenue_lines') }}
    union all
    select
        occurred_on as event_on, 'fct_activities' as fact, activity_id as fact_key, 0 as revenue,
        coalesce(duration_minutes, 0) as selling_minutes, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type <> 'admin'
)

{{ kpi('revenue_per_selling_hour', 'events',
    cuts=['sales_rep', 'team'], numerator='revenue', denominator='selling_minutes', denominator_per=60) }}
