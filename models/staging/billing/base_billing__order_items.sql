with

typed as (
    {{ typed_rows('billing', 'order_items') }}
),

orders as (
    select order_id from {{ ref('stg_billing__orders') }}
),

{{ versioned_rows('billing', 'order_items',
    joins='left join orders on typed.order_id = orders.order_id',
    more_reasons=[
        'case when ' ~ money_product('typed.quantity', 'typed.unit_price') ~ ' >= ' ~ line_limit() ~ " then 'invalid_quantity' end",
        "case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end",
    ],
) }}
