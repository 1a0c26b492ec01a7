with

typed as (
    {{ typed_rows('billing', 'orders') }}
),

with_reasons as (
    select
        {{ row_columns('billing', 'orders', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', local_date('typed.ordered_at')) }}
        ) as _reasons
    from typed
    {{ join_rate_in_force('typed.currency', local_date('typed.ordered_at')) }}
),

judged as (
    {{ judged_rows('billing', 'orders', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('billing', 'orders') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
