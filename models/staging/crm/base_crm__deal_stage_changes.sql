with

typed as (
    {{ typed_rows('crm', 'deal_stage_changes') }}
),

stages as (
    select stage from {{ ref('deal_stages_in_force') }}
),

with_reasons as (
    select
        {{ row_columns('crm', 'deal_stage_changes', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when typed.stage is not null and stages.stage is null then 'unknown_stage' end
        ) as _reasons
    from typed
    left join stages on typed.stage = stages.stage
),

judged as (
    {{ judged_rows('crm', 'deal_stage_changes', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('crm', 'deal_stage_changes') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
