with

sales as (
    select sale_id, sold_on, account_id, account_sale_number
    from {{ ref('fct_sales') }}
    where sale_type = 'order' and account_id <> 'unknown'
),

-- products as the orders name them: one that the product list lacks is still another product
items as (
    select order_item_id, order_id, product_id from {{ ref('int_order_items__amounts') }}
),

-- an order may hold a product more than once
ranked as (
    select
        sales.account_id,
        items.product_id,
        sales.sale_id,
        sales.sold_on,
        sales.account_sale_number,
        row_number() over (
            partition by sales.account_id, items.product_id order by sales.account_sale_number, items.order_item_id
        ) as sale_rank
    from sales
    inner join items on sales.sale_id = items.order_id
)

select
    account_id,
    product_id,
    sale_id,
    sold_on,
    account_sale_number
from ranked
where sale_rank = 1
