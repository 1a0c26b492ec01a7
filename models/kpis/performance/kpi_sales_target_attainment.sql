with

revenue as (
    select period_grain, period_start, dimension, dimension_value, numerator as revenue
    from {{ ref('kpi_revenue') }}
    where period_grain in ('month', 'quarter', 'year') and dimension in ('all', 'team', 'region')
),

targets as (
    {{ revenue_targets() }}
),

-- a target counts in its own scope alone
events as (
    select
        revenue_on as event_on, 'fct_revenue_lines' as fact, revenue_line_id as fact_key, true as is_in_all,
        amount as revenue, 0 as target_amount, team, region
    from {{ ref('fct_revenue_lines') }}
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

-- a target of a member without revenue is attained by nothing
compared as (
    {{ side_by_side('revenue', ['revenue'], 'targets', ['target_value']) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        coalesce(revenue, 0) as numerator,
        target_value as denominator,
        {{ ratio('coalesce(revenue, 0)', 'target_value') }} as metric_value,
        target_value as target_amount,
        target_value - coalesce(revenue, 0) as gap_amount
    from compared
)

{{ kpi_mart('sales_target_attainment', extras=['target_amount', 'gap_amount'], target=1) }}
