with

-- revenue counts sales and refunds; only a sale counts as one
events as (
    select
        revenue_on as event_on, amount, cast(null as {{ text_type() }}) as sale_id,
        sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_revenue_lines') }}
    union all
    select
        sold_on as event_on, cast(0 as {{ money() }}) as amount, sale_id,
        sales_rep_id, team, region, segment, lead_source
    from {{ ref('fct_sales') }}
),

rolled as (
    {{ roll_up('events',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source'],
        sums={'revenue': 'sum(amount)', 'sales_count': 'count(sale_id)'},
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue as numerator,
        sales_count as denominator,
        {{ ratio('revenue', 'sales_count') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'average_revenue') }}
