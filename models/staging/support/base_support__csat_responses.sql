with

typed as (
    {{ typed_rows('support', 'csat_responses') }}
),

with_reasons as (
    select
        {{ row_columns('support', 'csat_responses', 'typed') }},
        concat_ws(
            ',',
            nullif(typed._reasons, ''),
            -- a survey that nobody answered has no time of the answer
            case
                when typed.score is not null and typed.responded_at is null and typed._reasons not like '%responded_at%'
                    then 'missing_responded_at'
            end
        ) as _reasons
    from typed
),

judged as (
    {{ judged_rows('support', 'csat_responses', 'with_reasons') }}
)

select
    _file_id,
    _file_name,
    _line,
    _part,
    _load_id,
    _source_table,
    _left_out,
    {{ column_list('support', 'csat_responses') }},
    _reasons,
    _row_status,
    _is_repaired,
    _is_conflict
from judged
