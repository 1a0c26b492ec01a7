with

typed as (
    {{ typed_rows('support', 'inquiries') }}
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('support', 'inquiries') }},
        _reasons,
        _nulled,
        {{ version_rank('support', 'inquiries') }} as _version
    from typed
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('support', 'inquiries') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
