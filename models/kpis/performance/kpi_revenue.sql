with

lines as (
    select
        revenue_on as event_on, line_type, amount,
        sales_rep_id, team, region, segment, lead_source, product_category
    from {{ ref('fct_revenue_lines') }}
    union all
    -- a sale without items is still a sale, of nothing and of no product
    select
        sold_on as event_on, 'sale' as line_type, cast(0 as {{ money() }}) as amount,
        sales_rep_id, team, region, segment, lead_source, cast(null as {{ text_type() }}) as product_category
    from {{ ref('fct_sales') }}
),

targets as (
    {{ revenue_targets() }}
),

rolled as (
    {{ roll_up('lines',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'product_category'],
        sums={
            'net_revenue': 'sum(amount)',
            'gross_revenue': sum_if('amount', "line_type = 'sale'"),
            'refunds': sum_if('-amount', "line_type = 'refund'"),
        },
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        net_revenue as numerator,
        net_revenue as metric_value,
        cast(gross_revenue as {{ money() }}) as gross_revenue,
        cast(refunds as {{ money() }}) as refunds
    from rolled
)

{{ kpi_mart(
    'measured', 'revenue', extras=['gross_revenue', 'refunds'], value_type='money', targets='targets',
    has_denominator=false
) }}
