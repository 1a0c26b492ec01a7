with

typed as (
    {{ typed_rows('crm', 'sales_reps') }}
),

judged as (
    {{ judged_rows('crm', 'sales_reps', 'typed') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('crm', 'sales_reps') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
