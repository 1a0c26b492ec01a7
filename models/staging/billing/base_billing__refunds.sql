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

money as (
    select typed._file_id, typed._line, orders.currency, {{ local_date('typed.refunded_at') }} as money_on
    from typed
    inner join orders on typed.order_id = orders.order_id
),

without_rate as (
    {{ rows_without_rate('money') }}
),

with_reasons as (
    select
        {{ row_columns('billing', 'refunds', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end,
            case when without_rate._line is not null then 'missing_fx_rate' end
        ) as _reasons
    from typed
    left join orders on typed.order_id = orders.order_id
    left join without_rate on typed._file_id = without_rate._file_id and typed._line = without_rate._line
),

judged as (
    {{ judged_rows('billing', 'refunds', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('billing', 'refunds') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
