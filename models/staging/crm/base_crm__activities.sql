with

typed as (
    {{ typed_rows('crm', 'activities') }}
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('crm', 'activities') }},
        _reasons,
        _nulled,
        {{ version_rank('crm', 'activities') }} as _version
    from typed
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('crm', 'activities') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
