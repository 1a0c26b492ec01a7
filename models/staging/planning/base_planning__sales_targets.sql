with

landed as (
    {{ typed_rows('planning', 'sales_targets') }}
),

-- the company's target has no member: one that names one all the same is the company's, whatever it names
typed as (
    select
        _file_id,
        _file_name,
        _line,
        _load_id,
        target_month,
        scope,
        case when scope = 'company' then null else scope_value end as scope_value,
        amount,
        currency,
        months,
        updated_at,
        updated_at_is_day,
        deleted_at,
        deleted_at_is_day,
        _reasons,
        case
            when scope = 'company' and scope_value is not null
                then concat_ws(',', nullif(_nulled, ''), 'invalid_scope_value')
            else _nulled
        end as _nulled
    from landed
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
        {{ column_list('planning', 'sales_targets', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', 'typed.target_month') }}
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
        {{ column_list('planning', 'sales_targets') }},
        _reasons,
        _nulled,
        {{ version_rank('planning', 'sales_targets') }} as _version
    from judged
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('planning', 'sales_targets') }},
    _reasons,
    _nulled,
    {{ row_status() }} as _row_status
from ranked
