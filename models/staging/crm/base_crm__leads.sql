with

typed as (
    {{ typed_rows('crm', 'leads') }}
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('crm', 'leads') }},
        _reasons,
        _nulled,
        {{ version_rank('crm', 'leads') }} as _version
    from typed
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('crm', 'leads') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
