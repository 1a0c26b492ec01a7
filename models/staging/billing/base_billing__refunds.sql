with

typed as (
    {{ typed_rows('billing', 'refunds') }}
),

rates as (
    {{ first_rates() }}
),

orders as (
    select order_id, currency from {{ ref('stg_billing__orders') }}
),

{{ versioned_rows('billing', 'refunds',
    joins='left join orders on typed.order_id = orders.order_id
    left join rates on orders.currency = rates.from_currency',
    more_reasons=[
        "case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end",
        missing_rate('orders.currency', local_date('typed.refunded_at')),
    ],
) }}
