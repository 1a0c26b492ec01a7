with

typed as (
    {{ typed_rows('marketing', 'social_engagements') }}
),

judged as (
    {{ judged_rows('marketing', 'social_engagements', 'typed') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('marketing', 'social_engagements') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
