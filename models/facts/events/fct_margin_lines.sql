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
),

-- a refund gives money back, not goods
costed as (
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
        products.currency,
        {{ money_product('lines.quantity', 'products.native_unit_cost') }} as native_cost
    from lines
    inner join products on lines.product_id = products.product_id
    where not ({{ beyond_a_line('lines.quantity', 'products.native_unit_cost') }})
)

-- a line without a known cost on its day is not here, nor is one whose cost is beyond what a line may come to
select
    costed.revenue_line_id,
    costed.revenue_on,
    costed.product_id,
    costed.product_category,
    costed.account_id,
    costed.region,
    costed.segment,
    costed.lead_source,
    costed.sales_rep_id,
    costed.team,
    costed.amount,
    {{ converted('costed.native_cost', 'rates.rate') }} as cost_amount
from costed
{{ join_rate('costed.currency', 'costed.revenue_on') }}
where costed.currency = {{ reporting_currency() }} or rates.rate is not null
