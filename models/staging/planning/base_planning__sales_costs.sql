with

typed as (
    {{ typed_rows('planning', 'sales_costs') }}
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
        {{ column_list('planning', 'sales_costs', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', 'typed.cost_month') }}
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
        {{ column_list('planning', 'sales_costs') }},
        _reasons,
        _nulled,
        {{ version_rank('planning', 'sales_costs') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('planning', 'sales_costs') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
