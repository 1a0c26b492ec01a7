with

typed as (
    {{ typed_rows('planning', 'sales_quotas') }}
),

with_reasons as (
    select
        {{ row_columns('planning', 'sales_quotas', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', 'typed.quota_month') }}
        ) as _reasons
    from typed
    {{ join_rate_in_force('typed.currency', 'typed.quota_month') }}
),

judged as (
    {{ judged_rows('planning', 'sales_quotas', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('planning', 'sales_quotas') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
