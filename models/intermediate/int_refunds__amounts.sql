-- each refund by the as-of date, without tax, in its order's currency and in the reporting currency (of its own day)
with

refunds as (
    select
        refund_id, order_id, amount - coalesce(tax_amount, 0) as amount,
        {{ local_date('refunded_at') }} as refunded_on
    from {{ ref('stg_billing__refunds') }}
    where {{ local_date('refunded_at') }} <= {{ as_of_date() }}
),

orders as (
    select order_id, currency from {{ ref('int_orders__amounts') }}
)

select
    refunds.refund_id,
    refunds.order_id,
    refunds.refunded_on,
    refunds.amount as native_amount,
    {{ converted('refunds.amount', 'rates.rate') }} as amount
from refunds
inner join orders on refunds.order_id = orders.order_id
{{ join_rate('orders.currency', 'refunds.refunded_on') }}
