with

typed as (
    {{ typed_rows('billing', 'order_items') }}
),

orders as (
    select order_id from {{ ref('stg_billing__orders') }}
),

judged as (
    select
        typed._file_id,
        typed._file_name,
        typed._line,
        typed._load_id,
        {{ column_list('billing', 'order_items', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when {{ beyond_a_line('typed.quantity', 'typed.unit_price') }} then 'invalid_quantity' end,
            case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end
        ) as _reasons,
        typed._nulled
    from typed
    left join orders on typed.order_id = orders.order_id
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('billing', 'order_items') }},
        _reasons,
        _nulled,
        {{ version_rank('billing', 'order_items') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('billing', 'order_items') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
