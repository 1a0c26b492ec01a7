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
    _load_id,
    {{ column_list('support', 'inquiries') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
