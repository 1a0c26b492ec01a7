with

typed as (
    {{ typed_rows('planning', 'fx_rates') }}
),

judged as (
    {{ judged_rows('planning', 'fx_rates', 'typed') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('planning', 'fx_rates') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
