-- each order with the net amount of its items in the reporting currency
with

orders as (
    select
        order_id, account_id, deal_id, rep_id, subscription_id, status, currency, ordered_at,
        {{ local_date('ordered_at') }} as ordered_on
    from {{ ref('stg_billing__orders') }}
),

items as (
    select order_id, sum(amount) as amount from {{ ref('int_order_items__amounts') }}
    group by order_id
)

select
    orders.order_id,
    orders.account_id,
    orders.deal_id,
    orders.rep_id,
    orders.subscription_id,
    orders.ordered_at,
    orders.ordered_on,
    orders.status,
    orders.currency,
    cast(coalesce(items.amount, 0) as {{ money() }}) as amount
from orders
left join items on orders.order_id = items.order_id
