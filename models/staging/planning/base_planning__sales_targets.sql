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

with_reasons as (
    select
        {{ row_columns('planning', 'sales_targets', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            {{ missing_rate('typed.currency', 'typed.target_month') }}
        ) as _reasons
    from typed
    {{ join_rate_in_force('typed.currency', 'typed.target_month') }}
),

judged as (
    {{ judged_rows('planning', 'sales_targets', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('planning', 'sales_targets') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
