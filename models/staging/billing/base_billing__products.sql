with

typed as (
    {{ typed_rows('billing', 'products') }}
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('billing', 'products') }},
        _reasons,
        _nulled,
        {{ version_rank('billing', 'products') }} as _version
    from typed
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('billing', 'products') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
