with

changes as (
    select deal_id, stage, changed_at, changed_at_is_day, {{ local_date('changed_at') }} as changed_on
    from {{ ref('stg_crm__deal_stage_changes') }}
    where {{ local_date('changed_at') }} <= {{ as_of_date() }}
),

stages as (
    select stage, stage_order, is_won, is_lost from {{ ref('deal_stages_in_force') }}
),

ordered as (
    select
        changes.deal_id,
        changes.stage,
        changes.changed_at,
        changes.changed_at_is_day,
        changes.changed_on,
        stages.stage_order,
        stages.is_won,
        stages.is_lost,
        row_number() over (
            partition by changes.deal_id order by changes.changed_at, stages.stage_order, changes.stage
        ) as change_number
    from changes
    inner join stages on changes.stage = stages.stage
),

deals as (
    select deal_id, sales_rep_id, lead_source from {{ ref('fct_deals') }}
),

-- each change beside the one before it, and the change by which the deal had come into that one's stage
steps as (
    select
        ordered.deal_id,
        ordered.stage,
        ordered.changed_at,
        ordered.changed_at_is_day,
        ordered.changed_on,
        ordered.change_number,
        ordered.stage_order,
        ordered.is_won,
        ordered.is_lost,
        previous.stage as previous_stage,
        previous.stage_order as previous_stage_order,
        coalesce(previous.is_won or previous.is_lost, false) as was_closed,
        max(case when previous.stage is null or ordered.stage <> previous.stage then ordered.change_number end) over (
            partition by ordered.deal_id order by ordered.change_number
            rows between unbounded preceding and 1 preceding
        ) as entrance_number
    from ordered
    left join ordered as previous
        on ordered.deal_id = previous.deal_id and ordered.change_number = previous.change_number + 1
)

select
    steps.deal_id,
    steps.stage,
    steps.changed_at,
    steps.changed_on,
    cast(steps.change_number as bigint) as change_number,
    steps.stage_order,
    steps.is_won,
    steps.is_lost,
    steps.previous_stage,
    steps.previous_stage_order,
    steps.was_closed,
    case
        when steps.stage <> steps.previous_stage and not steps.was_closed
            then {{ seconds_from('entrances.changed_at', 'steps.changed_at') }} / 86400
    end as days_in_previous_stage,
    {{ known('deals.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    {{ known('deals.lead_source') }} as lead_source
from steps
left join ordered as entrances
    on steps.deal_id = entrances.deal_id and steps.entrance_number = entrances.change_number
left join deals on steps.deal_id = deals.deal_id
{{ join_rep('deals.sales_rep_id', 'steps.changed_on') }}
