with

typed as (
    {{ typed_rows('marketing', 'ad_spend') }}
),

with_reasons as (
    select
        {{ row_columns('marketing', 'ad_spend', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', 'typed.spend_on') }}
        ) as _reasons
    from typed
    {{ join_rate_in_force('typed.currency', 'typed.spend_on') }}
),

judged as (
    {{ judged_rows('marketing', 'ad_spend', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('marketing', 'ad_spend') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
