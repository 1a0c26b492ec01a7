with

typed as (
    {{ typed_rows('crm', 'deal_stage_changes') }}
),

stages as (
    select stage from {{ ref('deal_stages') }}
),

judged as (
    select
        typed._file_id,
        typed._file_name,
        typed._line,
        typed._load_id,
        {{ column_list('crm', 'deal_stage_changes', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when typed.stage is not null and stages.stage is null then 'unknown_stage' end
        ) as _reasons,
        typed._nulled
    from typed
    left join stages on typed.stage = stages.stage
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('crm', 'deal_stage_changes') }},
        _reasons,
        _nulled,
        {{ version_rank('crm', 'deal_stage_changes') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('crm', 'deal_stage_changes') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
