with

-- the lines with a known cost, and beside them all revenue
lines as (
    select
        revenue_on as event_on, 'fct_margin_lines' as fact, revenue_line_id as fact_key, true as is_costed,
        amount as costed_revenue, cost_amount, 0 as revenue,
        sales_rep_id, team, region, segment, product_category
    from {{ ref('fct_margin_lines') }}
    union all
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, false as is_costed,
        0 as costed_revenue, 0 as cost_amount, amount as revenue,
        sales_rep_id, team, region, segment, product_category
    from {{ ref('fct_revenue_lines') }}
)

-- where more was refunded than sold there is nothing to have a share of
{{ kpi('gross_margin', 'lines',
    cuts=['sales_rep', 'team', 'region', 'segment', 'product_category'],
    numerator='costed_revenue - cost_amount',
    denominator='costed_revenue',
    value='case when denominator > 0 then ' ~ ratio('numerator', 'denominator') ~ ' end',
    sums={'cost_amount': 'sum(cost_amount)'},
    stats={
        'costed_revenue_share':
            'case when sum(revenue) > 0 then ' ~ ratio('sum(costed_revenue)', 'sum(revenue)') ~ ' end',
    },
    keep_if='bool_or(is_costed)',
) }}
