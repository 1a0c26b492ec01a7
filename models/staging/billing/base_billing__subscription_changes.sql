with

typed as (
    {{ typed_rows('billing', 'subscription_changes') }}
),

-- a change without an amount has no money to convert
money as (
    select _file_id, _line, currency, {{ local_date('changed_at') }} as money_on
    from typed
    where unit_amount is not null
),

without_rate as (
    {{ rows_without_rate('money') }}
),

with_reasons as (
    select
        {{ row_columns('billing', 'subscription_changes', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when {{ beyond_a_line('typed.quantity', 'typed.unit_amount') }} then 'invalid_quantity' end,
            case when without_rate._line is not null then 'missing_fx_rate' end
        ) as _reasons
    from typed
    left join without_rate on typed._file_id = without_rate._file_id and typed._line = without_rate._line
),

judged as (
    {{ judged_rows('billing', 'subscription_changes', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('billing', 'subscription_changes') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
