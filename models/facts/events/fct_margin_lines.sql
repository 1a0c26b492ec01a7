with

lines as (
    select
        revenue_line_id, line_type, revenue_on, product_id, product_category, account_id, region, segment,
        lead_source, sales_rep_id, team, quantity, amount
    from {{ ref('fct_revenue_lines') }}
),

products as (
    select product_id, native_unit_cost, currency from {{ ref('dim_products') }}
    where native_unit_cost is not null
)

-- a line whose product has no known cost on its day is not here; a refund gives money back, not goods
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
    {{ converted('cast(lines.quantity * products.native_unit_cost as decimal(20, 6))', 'rates.rate') }} as cost_amount
from lines
inner join products on lines.product_id = products.product_id
{{ join_rate('products.currency', 'lines.revenue_on') }}
where products.currency = {{ reporting_currency() }} or rates.rate is not null
