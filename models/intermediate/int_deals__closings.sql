-- what each deal is as of today's books: won, lost or open, and when it was closed
with

deals as (
    select deal_id, stage, closed_at, updated_at, created_at from {{ ref('stg_crm__deals') }}
),

stages as (
    select stage, is_won, is_lost from {{ ref('deal_stages') }}
),

-- the last change into a closed stage
last_closings as (
    select changes.deal_id, max(changes.changed_at) as changed_at
    from {{ ref('stg_crm__deal_stage_changes') }} as changes
    inner join stages on changes.stage = stages.stage
    where stages.is_won or stages.is_lost
    group by changes.deal_id
),

-- a closed deal without any date of its closing counts as closed when it was created
dated as (
    select
        deals.deal_id,
        stages.is_won,
        stages.is_lost,
        case
            when stages.is_won or stages.is_lost
                then coalesce(deals.closed_at, last_closings.changed_at, deals.updated_at, deals.created_at)
        end as closed_at
    from deals
    inner join stages on deals.stage = stages.stage
    left join last_closings on deals.deal_id = last_closings.deal_id
),

-- a closing after the as-of date has not happened yet
judged as (
    select
        deal_id,
        is_won,
        closed_at,
        {{ local_date('closed_at') }} as closed_on,
        coalesce({{ local_date('closed_at') }} <= {{ as_of_date() }}, false) as is_closed
    from dated
)

select
    deal_id,
    is_closed,
    is_closed and is_won as is_won,
    is_closed and not is_won as is_lost,
    case when is_closed then closed_at end as closed_at,
    case when is_closed then closed_on end as closed_on
from judged
