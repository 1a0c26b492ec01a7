with

typed as (
    {{ typed_rows('marketing', 'ad_spend') }}
),

money as (
    select _file_id, _line, currency, spend_on as money_on from typed
),

without_rate as (
    {{ rows_without_rate('money') }}
),

with_reasons as (
    select
        {{ row_columns('marketing', 'ad_spend', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when without_rate._line is not null then 'missing_fx_rate' end
        ) as _reasons
    from typed
    left join without_rate on typed._file_id = without_rate._file_id and typed._line = without_rate._line
),

judged as (
    {{ judged_rows('marketing', 'ad_spend', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('marketing', 'ad_spend') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
