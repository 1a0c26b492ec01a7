with

lines as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, line_type, amount,
        sales_rep_id, team, region, segment, lead_source, product_category
    from {{ ref('fct_revenue_lines') }}
    union all
    -- a sale without items is still a sale, of nothing and of no product
    select
        sold_on as event_on, 'fct_sales' as fact, sale_id as fact_key, 'sale' as line_type, 0 as amount,
        sales_rep_id, team, region, segment, lead_source, null as product_category
    from {{ ref('fct_sales') }}
),

targets as (
    {{ revenue_targets() }}
)

{{ kpi('revenue', 'lines',
    cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'product_category'],
    numerator='amount',
    sums={
        'gross_revenue': sum_if('amount', "line_type = 'sale'"),
        'refunds': sum_if('-amount', "line_type = 'refund'"),
    },
    targets='targets',
) }}
