-- the stages of all pipelines, also deleted ones, and the stage of ours that each is: the one of the list whose name
-- is the same and that is won or lost alike; else one of its own, named by its label and, where several pipelines have
-- that label, by its pipeline
{%- set standard = [
    ('appointmentscheduled', 'Appointment Scheduled', 0.2), ('qualifiedtobuy', 'Qualified To Buy', 0.4),
    ('presentationscheduled', 'Presentation Scheduled', 0.6),
    ('decisionmakerboughtin', 'Decision Maker Bought-In', 0.8), ('contractsent', 'Contract Sent', 0.9),
    ('closedwon', 'Closed Won', 1), ('closedlost', 'Closed Lost', 0),
] %}
with

pipelines as (
    {{ current_rows('hubspot', 'deal_pipeline') }}
),

stage_rows as (
    {{ current_rows('hubspot', 'deal_pipeline_stage') }}
),

seeded as (
    select stage, is_won, is_lost, {{ bare_name('stage') }} as bare_stage from {{ ref('deal_stages') }}
),

pipeline_stages as (
    select pipeline_id, {{ json_elements('stages') }} as stage
    from pipelines
    where stages is not null
),

landed as (
    select stage_id, pipeline_id, label, probability, closed_won, is_closed, display_order, 1 as rule_number
    from stage_rows
    where stage_id is not null
    union all
    select
        coalesce({{ json_member('stage', "'stageId'") }}, {{ json_member('stage', "'id'") }}) as stage_id,
        pipeline_id,
        {{ json_member('stage', "'label'") }} as label,
        {{ json_member(json_member('stage', "'metadata'"), "'probability'") }} as probability,
        cast(null as {{ text_type() }}) as closed_won,
        {{ json_member(json_member('stage', "'metadata'"), "'isClosed'") }} as is_closed,
        {{ json_member('stage', "'displayOrder'") }} as display_order,
        2 as rule_number
    from pipeline_stages
),

-- the pipeline that every account begins with, where no pipeline landed
standard as (
    {%- for stage_id, label, probability in standard %}
    select
        '{{ stage_id }}' as stage_id,
        'default' as pipeline_id,
        '{{ label }}' as label,
        '{{ probability }}' as probability,
        cast(null as {{ text_type() }}) as closed_won,
        cast(null as {{ text_type() }}) as is_closed,
        '{{ loop.index }}' as display_order,
        3 as rule_number
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

known as (
    select stage_id, pipeline_id, label, probability, closed_won, is_closed, display_order, rule_number from landed
    where stage_id is not null
    union all
    select stage_id, pipeline_id, label, probability, closed_won, is_closed, display_order, rule_number from standard
    where not exists (select landed.stage_id from landed)
),

-- a stage once
ranked as (
    select
        stage_id,
        pipeline_id,
        coalesce(label, stage_id) as label,
        {{ cast_or_null('probability', 'decimal(7, 6)') }} as probability,
        closed_won,
        is_closed,
        coalesce({{ cast_or_null(whole_number('display_order'), 'integer') }}, 0) as display_order,
        row_number() over (partition by stage_id order by rule_number, pipeline_id, label) as copy_number
    from known
),

-- a chance of 1 is what won deals have, one of 0 what lost deals have
judged as (
    select
        ranked.stage_id,
        ranked.pipeline_id,
        ranked.label,
        coalesce(pipelines.label, ranked.pipeline_id) as pipeline_label,
        ranked.probability,
        coalesce({{ cast_or_null(whole_number('pipelines.display_order'), 'integer') }}, 0) as pipeline_order,
        ranked.display_order,
        {{ is_set('ranked.closed_won') }}
        or (coalesce(ranked.probability = 1, false) and (ranked.is_closed is null or {{ is_set('ranked.is_closed') }}))
            as is_won,
        not {{ is_set('ranked.closed_won') }}
        and not coalesce(ranked.probability = 1, false)
        and ({{ is_set('ranked.is_closed') }} or (ranked.is_closed is null and coalesce(ranked.probability = 0, false)))
            as is_lost
    from ranked
    left join pipelines on ranked.pipeline_id = pipelines.pipeline_id
    where ranked.copy_number = 1
),

-- in how many pipelines a label stands
labels as (
    select bare_label, count(*) as pipeline_count
    from (
        select {{ bare_name('label') }} as bare_label, pipeline_id from judged
        group by {{ bare_name('label') }}, pipeline_id
    ) as label_pipelines
    group by bare_label
),

named as (
    select
        judged.stage_id,
        judged.pipeline_id,
        judged.label,
        judged.pipeline_label,
        judged.probability,
        judged.pipeline_order,
        judged.display_order,
        judged.is_won,
        judged.is_lost,
        coalesce(
            seeded.stage,
            case
                when labels.pipeline_count > 1 then concat_ws('', judged.label, ' (', judged.pipeline_label, ')')
                else judged.label
            end
        ) as stage
    from judged
    left join labels on {{ bare_name('judged.label') }} = labels.bare_label
    left join seeded
        on {{ bare_name('judged.label') }} = seeded.bare_stage
        and judged.is_won = seeded.is_won
        and judged.is_lost = seeded.is_lost
),

-- two of one name and pipeline that end otherwise, or one of a listed name that does, are told apart by id
doubtful as (
    select named.stage
    from named
    left join seeded on named.stage = seeded.stage
    group by named.stage
    having
        max(case when named.is_won then 2 when named.is_lost then 1 else 0 end)
        <> min(case when named.is_won then 2 when named.is_lost then 1 else 0 end)
        or max(
            case
                when seeded.is_won <> named.is_won or seeded.is_lost <> named.is_lost then 1
                else 0
            end
        ) = 1
)

select
    named.stage_id,
    named.pipeline_id,
    named.label,
    named.pipeline_label,
    case
        when doubtful.stage is null then named.stage
        else concat_ws('', named.stage, ' [', named.stage_id, ']')
    end as stage,
    cast(
        row_number() over (
            order by named.pipeline_order, named.pipeline_id, named.display_order, named.stage_id
        ) as integer
    ) as stage_order,
    named.probability,
    named.is_won,
    named.is_lost
from named
left join doubtful on named.stage = doubtful.stage
