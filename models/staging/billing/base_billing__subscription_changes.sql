with

typed as (
    {{ typed_rows('billing', 'subscription_changes') }}
),

with_reasons as (
    select
        {{ row_columns('billing', 'subscription_changes', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when {{ beyond_a_line('typed.quantity', 'typed.unit_amount') }} then 'invalid_quantity' end,
            -- a change without an amount has no money to convert
            case
                when typed.unit_amount is not null
                    then {{ missing_rate('typed.currency', local_date('typed.changed_at')) }}
            end
        ) as _reasons
    from typed
    {{ join_rate_in_force('typed.currency', local_date('typed.changed_at')) }}
),

judged as (
    {{ judged_rows('billing', 'subscription_changes', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('billing', 'subscription_changes') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
