with

typed as (
    {{ typed_rows('crm', 'deals') }}
),

stages as (
    select stage, is_won or is_lost as is_closed from {{ ref('deal_stages_in_force') }}
),

closings as (
    {{ last_closings() }}
),

-- a deal's money is dated by its closing once that has happened, by its creation before
dates as (
    select
        typed._file_id,
        typed._line,
        typed._part,
        {{ local_date(closing_instant('typed', 'closings')) }} as closed_on,
        {{ local_date('typed.created_at') }} as created_on
    from typed
    left join closings on typed.deal_id = closings.deal_id
),

money_dates as (
    select
        typed._file_id,
        typed._line,
        typed._part,
        case
            when stages.is_closed and dates.closed_on <= {{ as_of_date() }} then dates.closed_on
            else dates.created_on
        end as converted_on
    from typed
    inner join dates on typed._file_id = dates._file_id and typed._line = dates._line and typed._part = dates._part
    left join stages on typed.stage = stages.stage
),

with_reasons as (
    select
        {{ row_columns('crm', 'deals', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            case when typed.stage is not null and stages.stage is null then 'unknown_stage' end,
            -- a deal without an amount has no money to convert
            case
                when typed.amount is not null
                    then {{ missing_rate('typed.currency', 'money_dates.converted_on') }}
            end
        ) as _reasons
    from typed
    left join stages on typed.stage = stages.stage
    inner join money_dates
        on typed._file_id = money_dates._file_id
        and typed._line = money_dates._line
        and typed._part = money_dates._part
    {{ join_rate_in_force('typed.currency', 'money_dates.converted_on') }}
),

judged as (
    {{ judged_rows('crm', 'deals', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('crm', 'deals') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
