with

lines as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key,
        {{ amount_if('-amount', "line_type = 'refund'") }} as refunds,
        {{ amount_if('amount', "line_type = 'sale'") }} as gross_revenue,
        region, segment, lead_source, product_category
    from {{ ref('fct_revenue_lines') }}
    union all
    -- a sale without items is still a sale, of nothing and of no product
    select
        sold_on as event_on, 'fct_sales' as fact, sale_id as fact_key, 0 as refunds, 0 as gross_revenue,
        region, segment, lead_source, null as product_category
    from {{ ref('fct_sales') }}
)

{{ kpi('refund_rate', 'lines',
    cuts=['region', 'segment', 'lead_source', 'product_category'],
    numerator='refunds',
    denominator='gross_revenue',
    value='case when denominator > 0 then ' ~ ratio('numerator', 'denominator') ~ ' end',
) }}
