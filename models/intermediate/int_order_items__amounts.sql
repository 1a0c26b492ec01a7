-- each order item's net amount, in the order's currency and in the reporting currency
with

orders as (
    select order_id, currency, {{ local_date('ordered_at') }} as ordered_on from {{ ref('stg_billing__orders') }}
),

items as (
    select
        order_item_id,
        order_id,
        product_id,
        quantity,
        cast(
            {{ money_product('quantity', 'unit_price') }} - coalesce(discount_amount, 0) as {{ amount_type() }}
        ) as native_amount
    from {{ ref('stg_billing__order_items') }}
)

select
    items.order_item_id,
    items.order_id,
    items.product_id,
    items.quantity,
    items.native_amount,
    {{ converted('items.native_amount', 'rates.rate') }} as amount
from items
inner join orders on items.order_id = orders.order_id
{{ join_rate('orders.currency', 'orders.ordered_on') }}
