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

-- the first day on which each currency can be converted
rates as (
    {{ first_rates() }}
),

judged as (
    select
        typed._file_id,
        typed._file_name,
        typed._line,
        typed._load_id,
        {{ column_list('billing', 'refunds', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when typed.order_id is not null and orders.order_id is null then 'unknown_order' end,
            {{ missing_rate('orders.currency', local_date('typed.refunded_at')) }}
        ) as _reasons,
        typed._nulled
    from typed
    left join orders on typed.order_id = orders.order_id
    left join rates on orders.currency = rates.from_currency
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('billing', 'refunds') }},
        _reasons,
        _nulled,
        {{ version_rank('billing', 'refunds') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('billing', 'refunds') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
