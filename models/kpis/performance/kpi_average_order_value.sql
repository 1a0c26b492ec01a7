with

sales as (
    select sold_on as event_on, amount, sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_sales') }}
),

rolled as (
    {{ roll_up('sales',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source'],
        sums={'gross_revenue': 'sum(amount)', 'sales_count': 'count(*)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        gross_revenue as numerator,
        sales_count as denominator,
        {{ ratio('gross_revenue', 'sales_count') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'average_order_value') }}
