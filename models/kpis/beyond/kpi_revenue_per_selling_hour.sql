with

-- revenue and hours of the reps that are known, side by side; a rep with one of them alone still has a row
events as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, amount as revenue,
        0 as selling_minutes, sales_rep_id, team
    from {{ ref('fct_revenue_lines') }}
    where sales_rep_id <> 'unknown'
    union all
    select
        occurred_on as event_on, 'fct_activities' as fact, activity_id as fact_key, 0 as revenue,
        coalesce(duration_minutes, 0) as selling_minutes, sales_rep_id, team
    from {{ ref('fct_activities') }}
    where is_completed and activity_type <> 'admin' and sales_rep_id <> 'unknown'
)

{{ kpi('revenue_per_selling_hour', 'events',
    cuts=['sales_rep', 'team'],
    numerator='revenue',
    denominator='selling_minutes',
    denominator_per=60,
    sums={'revenue': 'sum(revenue)'},
    parts={'selling_minutes': 'sum(selling_minutes)'},
    derived={'selling_hours': ratio('selling_minutes', 60)},
) }}
