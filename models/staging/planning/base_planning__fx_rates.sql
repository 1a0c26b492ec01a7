with

typed as (
    {{ typed_rows('planning', 'fx_rates') }}
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('planning', 'fx_rates') }},
        _reasons,
        _nulled,
        {{ version_rank('planning', 'fx_rates') }} as _version
    from typed
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('planning', 'fx_rates') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
