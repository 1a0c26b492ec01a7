-- the stages that deals came into: from their history, else from the columns that say when they entered each stage
with

stage_history as (
    {{ source_rows('hubspot', 'deal_stage') }}
),

property_history as (
    {{ source_rows('hubspot', 'deal_property_history') }}
),

deals as (
    {{ current_rows('hubspot', 'deal') }}
),

stages as (
    select stage_id, stage from {{ ref('hubspot__stages') }}
),

seeded as (
    select stage, {{ bare_name('stage') }} as bare_stage from {{ ref('deal_stages') }}
),

merged as (
    select merged_id from {{ ref('hubspot__merged') }}
    where object = 'deal'
    group by merged_id
),

deleted as (
    select deal_id from deals
    where {{ is_gone() }}
),

with_history as (
    select deal_id
    from (
        select deal_id from stage_history
        union all
        select {{ whole_number('deal_id') }} as deal_id from property_history
        where property = 'dealstage'
    ) as histories
    where deal_id is not null
    group by deal_id
),

-- a column a stage: hs_v2_date_entered_<id>, the id as far as a column's name can hold it
entry_columns as (
    select
        deals._file_id, deals._line, deals.deal_id, deals._other_columns,
        {{ json_names('deals._other_columns') }} as name
    from deals
    left join with_history on deals.deal_id = with_history.deal_id
    where with_history.deal_id is null and deals._other_columns like '%date_entered_%'
),

entries as (
    select
        _file_id,
        _line,
        deal_id,
        regexp_replace(name, '^(propert(y|ies)_)?hs_(v2_)?date_entered_', '') as column_stage,
        {{ json_member('_other_columns', 'name') }} as entered
    from entry_columns
    where {{ matches('name', '(propert(y|ies)_)?hs_(v2_)?date_entered_.+') }}
),

-- two columns of one stage (date_entered_ and v2_date_entered_) say one thing
stage_entries as (
    select
        entries._file_id,
        entries._line,
        entries.deal_id,
        coalesce(min(stages.stage_id), entries.column_stage) as stage_id,
        max(entries.entered) as entered
    from entries
    left join stages on entries.column_stage = replace(lower(stages.stage_id), '-', '_')
    where {{ trimmed('entries.entered') }} is not null
    group by entries._file_id, entries._line, entries.deal_id, entries.column_stage
),

records as (
    select
        _file_id,
        _line,
        1 as _part,
        deal_id,
        {{ whole_number('value') }} as stage_id,
        date_entered as changed,
        case when {{ is_set('_fivetran_deleted') }} then 'deleted' end as left_out
    from stage_history
    union all
    select
        _file_id,
        _line,
        1 as _part,
        {{ whole_number('deal_id') }} as deal_id,
        case
            when property = 'dealstage' then {{ whole_number('value') }}
            else concat_ws('=', property, value)
        end as stage_id,
        timestamp as changed,
        case when property <> 'dealstage' then 'other_property' end as left_out
    from property_history
    union all
    select
        _file_id,
        _line,
        cast(row_number() over (partition by _file_id, _line order by stage_id) as integer) as _part,
        deal_id,
        stage_id,
        entered as changed,
        cast(null as {{ text_type() }}) as left_out
    from stage_entries
)

select
    records._file_id,
    records._line,
    records._part,
    case
        when records.deal_id is null or records.stage_id is null or records.changed is null then null
        when records.left_out is not null then records.left_out
        when deleted.deal_id is not null then 'deal_deleted'
        when merged.merged_id is not null then 'deal_merged'
    end as _left_out,
    {{ system_key('hubspot', 'records.deal_id') }} as deal_id,
    coalesce(stages.stage, seeded.stage, records.stage_id) as stage,
    {{ instant('records.changed') }} as changed_at
from records
left join stages on records.stage_id = stages.stage_id
left join seeded on {{ bare_name('records.stage_id') }} = seeded.bare_stage
left join deleted on records.deal_id = deleted.deal_id
left join merged on records.deal_id = merged.merged_id
