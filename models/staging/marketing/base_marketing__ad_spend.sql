with

typed as (
    {{ typed_rows('marketing', 'ad_spend') }}
),

-- the first day on which each currency can be converted
rates as (
    {{ first_rates() }}
),

judged as (
    select
        typed._file_id,
        typed._file_name,
        typed._line,
        typed._load_id,
        {{ column_list('marketing', 'ad_spend', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', 'typed.spend_on') }}
        ) as _reasons,
        typed._nulled
    from typed
    left join rates on typed.currency = rates.from_currency
),

ranked as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        {{ column_list('marketing', 'ad_spend') }},
        _reasons,
        _nulled,
        {{ version_rank('marketing', 'ad_spend') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('marketing', 'ad_spend') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
