with

-- a target counts in its own scope alone
events as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, true as is_in_all,
        amount as revenue, cast(null as {{ money() }}) as target_amount, team, region
    from {{ ref('fct_revenue_lines') }}
    union all
    -- a sale without items is still a sale, of nothing
    select
        sold_on as event_on, 'fct_sales' as fact, sale_id as fact_key, true as is_in_all, 0 as revenue,
        null as target_amount, team, region
    from {{ ref('fct_sales') }}
    union all
    select
        target_month as event_on, 'fct_sales_targets' as fact, {{ key_of('fct_sales_targets') }} as fact_key,
        scope = 'company' as is_in_all, 0 as revenue, amount as target_amount,
        case when scope = 'team' then scope_value end as team,
        case when scope = 'region' then scope_value end as region
    from {{ ref('fct_sales_targets') }}
),

{{ rows_behind('sales_target_attainment', 'events',
    cuts=['team', 'region'], numerator='revenue', denominator='target_amount', in_all='is_in_all',
) }},

rolled as (
    {{ roll_up('events',
        cuts=['team', 'region'],
        sums={'revenue': 'sum(revenue)'},
        stats={'target_amount': 'sum(target_amount)'},
        grains=['month', 'quarter', 'year'],
        in_all='is_in_all',
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue as numerator,
        target_amount as denominator,
        {{ ratio('revenue', 'target_amount') }} as metric_value,
        target_amount,
        target_amount - revenue as gap_amount
    from rolled
)

{{ kpi_mart('sales_target_attainment', extras=['target_amount', 'gap_amount'], target=1) }}
