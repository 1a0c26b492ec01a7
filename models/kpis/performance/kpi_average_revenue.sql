with

-- revenue counts sales and refunds; only a sale counts as one
events as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, amount, 0 as sales,
        sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_revenue_lines') }}
    union all
    select
        sold_on as event_on, 'fct_sales' as fact, sale_id as fact_key, 0 as amount, 1 as sales,
        sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_sales') }}
)

{{ kpi('average_revenue', 'events',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source'],
    numerator='amount',
    denominator='sales',
) }}
