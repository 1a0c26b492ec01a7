with

typed as (
    {{ typed_rows('support', 'inquiries') }}
),

judged as (
    {{ judged_rows('support', 'inquiries', 'typed') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('support', 'inquiries') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
