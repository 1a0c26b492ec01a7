with

changes as (
    select deal_id, stage, changed_at, {{ local_date('changed_at') }} as changed_on
    from {{ ref('stg_crm__deal_stage_changes') }}
    where {{ local_date('changed_at') }} <= {{ as_of_date() }}
),

stages as (
    select stage, stage_order, is_won, is_lost from {{ ref('deal_stages') }}
),

ordered as (
    select
        changes.deal_id,
        changes.stage,
        changes.changed_at,
        changes.changed_on,
        stages.stage_order,
        stages.is_won,
        stages.is_lost,
        row_number() over (
            partition by changes.deal_id order by changes.changed_at, stages.stage_order
        ) as change_number
    from changes
    inner join stages on changes.stage = stages.stage
)

select
    ordered.deal_id,
    ordered.stage,
    ordered.changed_at,
    ordered.changed_on,
    ordered.change_number,
    ordered.stage_order,
    ordered.is_won,
    ordered.is_lost,
    previous.stage as previous_stage,
    previous.stage_order as previous_stage_order,
    coalesce(previous.is_won or previous.is_lost, false) as was_closed,
    previous.changed_at as previous_changed_at
from ordered
left join ordered as previous
    on ordered.deal_id = previous.deal_id and ordered.change_number = previous.change_number + 1
