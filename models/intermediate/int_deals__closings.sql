-- what each deal is as of today's books: won, lost or open, and when it was closed
with

deals as (
    select
        deal_id, stage, closed_at, closed_at_is_day, updated_at, updated_at_is_day, created_at, created_at_is_day
    from {{ ref('stg_crm__deals') }}
),

stages as (
    select stage, is_won, is_lost from {{ ref('deal_stages_in_force') }}
),

last_closings as (
    {{ last_closings() }}
),

dated as (
    select
        deals.deal_id,
        stages.is_won,
        case
            when stages.is_won or stages.is_lost then {{ closing_instant('deals', 'last_closings') }}
        end as closed_at,
        {{ closing_is_day('deals', 'last_closings') }} as closed_at_is_day
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
        closed_at_is_day,
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
    is_closed and closed_at_is_day as closed_at_is_day,
    case when is_closed then closed_on end as closed_on
from judged
