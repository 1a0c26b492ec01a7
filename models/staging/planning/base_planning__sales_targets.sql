{% set member = "case when scope = 'company' then null else scope_value end as scope_value" %}
with

landed as (
    {{ typed_rows('planning', 'sales_targets') }}
),

-- the company's target has no member: one that names one all the same is the company's, whatever it names
typed as (
    select
        {{ row_columns('planning', 'sales_targets') | replace('scope_value', member) }},
        _reasons
    from landed
),

money as (
    select _file_id, _line, currency, target_month as money_on from typed
),

without_rate as (
    {{ rows_without_rate('money') }}
),

with_reasons as (
    select
        {{ row_columns('planning', 'sales_targets', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when without_rate._line is not null then 'missing_fx_rate' end
        ) as _reasons
    from typed
    left join without_rate on typed._file_id = without_rate._file_id and typed._line = without_rate._line
),

judged as (
    {{ judged_rows('planning', 'sales_targets', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _load_id,
    {{ column_list('planning', 'sales_targets') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
