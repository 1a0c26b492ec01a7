with

lines as (
    select
        revenue_line_id, line_type, revenue_on, order_item_id, product_id, product_category, account_id, region,
        segment, lead_source, sales_rep_id, team, quantity, amount, refunded_share
    from {{ ref('fct_revenue_lines') }}
),

products as (
    select product_id, native_unit_cost, currency from {{ ref('dim_products') }}
    where native_unit_cost is not null
),

priced as (
    select
        lines.revenue_line_id,
        lines.revenue_on,
        lines.order_item_id,
        products.currency,
        {{ money_product('lines.quantity', 'products.native_unit_cost') }} as native_cost
    from lines
    inner join products on lines.product_id = products.product_id
    where lines.line_type = 'sale' and not ({{ beyond_a_line('lines.quantity', 'products.native_unit_cost') }})
),

-- a line without a known cost on its day is not here, nor is one whose cost is beyond what a line may come to
costs as (
    select
        priced.revenue_line_id,
        priced.order_item_id,
        {{ converted('priced.native_cost', 'rates.rate') }} as cost_amount
    from priced
    {{ join_rate('priced.currency', 'priced.revenue_on') }}
    where priced.currency = {{ reporting_currency() }} or rates.rate is not null
),

-- a refunded line takes its cost back on the refund's day, in the proportion refunded: at most all of it
line_costs as (
    select revenue_line_id, cost_amount from costs
    union all
    select
        lines.revenue_line_id,
        cast(round(
            -cast(costs.cost_amount as {{ double_type() }}) * least(coalesce(lines.refunded_share, 0), 1), 4
        ) as {{ money() }}) as cost_amount
    from lines
    inner join costs on lines.order_item_id = costs.order_item_id
    where lines.line_type = 'refund'
)

select
    lines.revenue_line_id,
    lines.revenue_on,
    lines.product_id,
    lines.product_category,
    lines.account_id,
    lines.region,
    lines.segment,
    lines.lead_source,
    lines.sales_rep_id,
    lines.team,
    lines.amount,
    line_costs.cost_amount
from lines
inner join line_costs on lines.revenue_line_id = line_costs.revenue_line_id
