with

sales as (
    select
        sale_id, sale_type, sold_on, account_id, lead_source, sales_rep_id, amount
    from {{ ref('fct_sales') }}
),

items as (
    select order_item_id, order_id, product_id, quantity, native_amount, amount
    from {{ ref('int_order_items__amounts') }}
),

products as (
    select product_id, product_category from {{ ref('dim_products') }}
),

-- a line an order's item; a won deal is one line of an unknown product
sale_lines as (
    select
        items.order_item_id as line_id,
        'sale' as line_type,
        sales.sale_id,
        sales.sold_on as revenue_on,
        items.order_item_id,
        items.product_id,
        cast(coalesce(items.quantity, 1) as {{ quantity_type() }}) as quantity,
        items.amount
    from sales
    inner join items on sales.sale_id = items.order_id
    where sales.sale_type = 'order'
    union all
    select
        sale_id as line_id,
        'sale' as line_type,
        sale_id,
        sold_on as revenue_on,
        cast(null as {{ text_type() }}) as order_item_id,
        cast(null as {{ text_type() }}) as product_id,
        cast(1 as {{ quantity_type() }}) as quantity,
        amount
    from sales
    where sale_type = 'deal'
),

refunds as (
    select refund_id, order_id, refunded_on, native_amount, amount from {{ ref('int_refunds__amounts') }}
),

order_totals as (
    select order_id, sum(native_amount) as native_amount, count(*) as item_count from items
    group by order_id
),

-- a refund is spread over its order's items by their net amounts (evenly if they net to nothing)
spread as (
    select
        refunds.refund_id,
        refunds.order_id,
        refunds.refunded_on,
        refunds.amount as refund_amount,
        items.order_item_id,
        items.product_id,
        {{ ratio('refunds.native_amount', 'order_totals.native_amount') }} as refunded_share,
        cast(round(
            cast(refunds.amount as {{ double_type() }})
            * case
                when order_totals.native_amount > 0
                    then
                        cast(items.native_amount as {{ double_type() }})
                        / cast(order_totals.native_amount as {{ double_type() }})
                when order_totals.item_count > 0 then cast(1 as {{ double_type() }}) / order_totals.item_count
                else 1
            end,
            4
        ) as {{ money() }}) as amount,
        row_number() over (
            partition by refunds.refund_id
            order by items.native_amount desc, {{ natural_order('items.order_item_id') }} asc, items.order_item_id asc
        ) as item_rank
    from refunds
    inner join sales on refunds.order_id = sales.sale_id and sales.sale_type = 'order'
    left join order_totals on refunds.order_id = order_totals.order_id
    left join items on refunds.order_id = items.order_id
),

-- what rounding leaves goes to the largest item
refund_lines as (
    select
        refund_id || '/' || coalesce(order_item_id, 'order') as line_id,
        'refund' as line_type,
        order_id as sale_id,
        refunded_on as revenue_on,
        order_item_id,
        product_id,
        refunded_share,
        cast(0 as {{ quantity_type() }}) as quantity,
        cast(-(
            amount
            + case
                when item_rank = 1 then refund_amount - sum(amount) over (partition by refund_id)
                else 0
            end
        ) as {{ money() }}) as amount
    from spread
),

lines as (
    select
        line_id, line_type, sale_id, revenue_on, order_item_id, product_id, quantity, amount,
        cast(null as {{ double_type() }}) as refunded_share
    from sale_lines
    union all
    select
        line_id, line_type, sale_id, revenue_on, order_item_id, product_id, quantity, amount, refunded_share
    from refund_lines
)

select
    lines.line_type || '/' || lines.line_id as revenue_line_id,
    lines.line_type,
    lines.sale_id,
    lines.revenue_on,
    lines.order_item_id,
    {{ known('products.product_id') }} as product_id,
    {{ known('products.product_category') }} as product_category,
    sales.account_id,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    sales.lead_source,
    sales.sales_rep_id,
    {{ known('reps.team') }} as team,
    lines.quantity,
    cast(lines.amount as {{ money() }}) as amount,
    lines.refunded_share
from lines
inner join sales on lines.sale_id = sales.sale_id
left join products on lines.product_id = products.product_id
-- a refund is of its members as they are on its own day
{{ join_account('sales.account_id', 'lines.revenue_on') }}
{{ join_rep('sales.sales_rep_id', 'lines.revenue_on') }}
