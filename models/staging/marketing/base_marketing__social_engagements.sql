with

typed as (
    {{ typed_rows('marketing', 'social_engagements') }}
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('marketing', 'social_engagements') }},
        _reasons,
        _nulled,
        {{ version_rank('marketing', 'social_engagements') }} as _version
    from typed
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('marketing', 'social_engagements') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
