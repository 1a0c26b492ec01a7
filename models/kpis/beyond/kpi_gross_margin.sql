with

costed_lines as (
    select
        revenue_on as event_on, amount as costed_revenue, cost_amount, cast(0 as {{ money() }}) as revenue,
        sales_rep_id, team, region, segment, lead_source, product_category
    from {{ ref('fct_margin_lines') }}
),

all_lines as (
    select
        revenue_on as event_on, cast(0 as {{ money() }}) as costed_revenue, cast(0 as {{ money() }}) as cost_amount,
        amount as revenue,
        sales_rep_id, team, region, segment, lead_source, product_category
    from {{ ref('fct_revenue_lines') }}
),

lines as (
    select
        event_on, costed_revenue, cost_amount, revenue, true as is_costed,
        sales_rep_id, team, region, segment, lead_source, product_category
    from costed_lines
    union all
    select
        event_on, costed_revenue, cost_amount, revenue, false as is_costed,
        sales_rep_id, team, region, segment, lead_source, product_category
    from all_lines
),

rolled as (
    {{ roll_up('lines',
        cuts=['sales_rep', 'team', 'region', 'segment', 'lead_source', 'product_category'],
        sums={'costed_revenue': 'sum(costed_revenue)', 'cost_amount': 'sum(cost_amount)', 'revenue': 'sum(revenue)'},
        keep_if='bool_or(is_costed)',
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        costed_revenue - cost_amount as numerator,
        costed_revenue as denominator,
        -- where more was refunded than sold there is nothing to have a share of
        case
            when costed_revenue > 0 then {{ ratio('(costed_revenue - cost_amount)', 'costed_revenue') }}
        end as metric_value,
        cast(cost_amount as {{ money() }}) as cost_amount,
        case when revenue > 0 then {{ ratio('costed_revenue', 'revenue') }} end as costed_revenue_share
    from rolled
)

{{ kpi_mart('measured', 'gross_margin', extras=['cost_amount', 'costed_revenue_share']) }}
