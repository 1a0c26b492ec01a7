with

typed as (
    {{ typed_rows('billing', 'subscription_changes') }}
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
        {{ column_list('billing', 'subscription_changes', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when {{ beyond_a_line('typed.quantity', 'typed.unit_amount') }} then 'invalid_quantity' end,
            -- a change without an amount has no money to convert
            case
                when typed.unit_amount is not null
                    then {{ missing_rate('typed.currency', local_date('typed.changed_at')) }}
            end
        ) as _reasons,
        typed._nulled
    from typed
    left join rates on typed.currency = rates.from_currency
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('billing', 'subscription_changes') }},
        _reasons,
        _nulled,
        {{ version_rank('billing', 'subscription_changes') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('billing', 'subscription_changes') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
