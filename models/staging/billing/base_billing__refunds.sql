with

typed as (
    {{ typed_rows('billing', 'refunds') }}
),

orders as (
    select
        order_id,
        currency
    from {{ ref('stg_billing__orders') }}
),

with_reasons as (
    select
        {{ row_columns('billing', 'refunds', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end,
            {{ missing_rate('orders.currency', local_date('typed.refunded_at')) }}
        ) as _reasons
    from typed
    left join orders on typed.order_id = orders.order_id
    {{ join_rate_in_force('orders.currency', local_date('typed.refunded_at')) }}
),

judged as (
    {{ judged_rows('billing', 'refunds', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('billing', 'refunds') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
