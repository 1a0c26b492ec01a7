with

deals as (
    select
        deal_id, stage, created_on, is_closed, closed_on, amount, own_probability,
        account_id, sales_rep_id, lead_source, deal_type
    from {{ ref('fct_deals') }}
),

reps as (
    select sales_rep_id, team, valid_from, valid_to from {{ ref('dim_sales_rep_versions') }}
),

accounts as (
    select account_id, region, segment, valid_from, valid_to from {{ ref('dim_account_versions') }}
),

stages as (
    select stage, default_probability, is_won or is_lost as is_closed_stage from {{ ref('deal_stages_in_force') }}
),

-- what a day ends with is its last change; a change into the stage that the deal is in enters nothing
day_changes as (
    select
        deal_id,
        stage,
        changed_on,
        max(case when previous_stage is null or previous_stage <> stage then changed_on end) over (
            partition by deal_id order by change_number
            rows between unbounded preceding and current row
        ) as entered_on,
        row_number() over (
            partition by deal_id, changed_on order by change_number desc
        ) as rank_of_day
    from {{ ref('fct_deal_stage_changes') }}
),

changed_segments as (
    select
        deal_id,
        stage,
        entered_on as in_stage_since,
        changed_on as valid_from,
        coalesce(lead(changed_on) over (partition by deal_id order by changed_on), {{ end_of_time() }}) as valid_to
    from day_changes
    where rank_of_day = 1
),

first_changes as (
    select deal_id, min(valid_from) as first_changed_on from changed_segments
    group by deal_id
),

-- before its first change a deal's stage is not known; without any change its current one is taken
initial_segments as (
    select
        deals.deal_id,
        case
            when first_changes.first_changed_on is null and not stages.is_closed_stage then deals.stage
            else 'unknown'
        end as stage,
        deals.created_on as in_stage_since,
        deals.created_on as valid_from,
        coalesce(first_changes.first_changed_on, {{ end_of_time() }}) as valid_to
    from deals
    inner join stages on deals.stage = stages.stage
    left join first_changes on deals.deal_id = first_changes.deal_id
),

segments as (
    select deal_id, stage, in_stage_since, valid_from, valid_to from initial_segments
    union all
    select deal_id, stage, in_stage_since, valid_from, valid_to from changed_segments
),

-- only the days on which the deal existed, was not closed, and stood in an open stage
open_segments as (
    select
        segments.deal_id,
        segments.stage,
        segments.in_stage_since,
        greatest(segments.valid_from, deals.created_on) as open_from,
        least(segments.valid_to, coalesce(deals.closed_on, {{ end_of_time() }})) as open_to,
        deals.created_on,
        deals.amount,
        cast(coalesce(deals.own_probability, stages.default_probability, 0) as decimal(7, 6)) as probability,
        deals.account_id,
        deals.sales_rep_id,
        deals.lead_source,
        deals.deal_type
    from segments
    inner join deals on segments.deal_id = deals.deal_id
    left join stages on segments.stage = stages.stage
    where not coalesce(stages.is_closed_stage, false)
),

-- a span in which its rep or account becomes another falls into several
member_segments as (
    select
        open_segments.deal_id,
        open_segments.stage,
        open_segments.in_stage_since,
        {{ later_start('open_segments.open_from', ['reps', 'accounts']) }} as open_from,
        {{ earlier_end('open_segments.open_to', ['reps', 'accounts']) }} as open_to,
        open_segments.created_on,
        open_segments.amount,
        open_segments.probability,
        open_segments.sales_rep_id,
        {{ known('reps.team') }} as team,
        {{ known('accounts.region') }} as region,
        {{ known('accounts.segment') }} as segment,
        open_segments.lead_source,
        open_segments.deal_type
    from open_segments
    left join reps on open_segments.sales_rep_id = reps.sales_rep_id
    left join accounts on open_segments.account_id = accounts.account_id
)

select
    deal_id,
    stage,
    in_stage_since,
    open_from,
    open_to,
    created_on,
    amount,
    probability,
    sales_rep_id,
    team,
    region,
    segment,
    lead_source,
    deal_type
from member_segments
where open_from < open_to
