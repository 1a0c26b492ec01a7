with

typed as (
    {{ typed_rows('billing', 'order_items') }}
),

orders as (
    select order_id from {{ ref('stg_billing__orders') }}
),

with_reasons as (
    select
        {{ row_columns('billing', 'order_items', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when {{ beyond_a_line('typed.quantity', 'typed.unit_price') }} then 'invalid_quantity' end,
            case
                when typed.discount_amount > {{ money_product('typed.quantity', 'typed.unit_price') }}
                    then 'invalid_discount_amount'
            end,
            case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end
        ) as _reasons
    from typed
    left join orders on typed.order_id = orders.order_id
),

judged as (
    {{ judged_rows('billing', 'order_items', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('billing', 'order_items') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
