with

deals as (
    select
        deal_id, account_id, lead_id, owner_rep_id, deal_type, stage, has_amount, amount, probability, created_at,
        created_at_is_day, created_on, is_closed, is_won, is_lost, closed_at, closed_at_is_day, closed_on,
        expected_close_on, lost_reason
    from {{ ref('int_deals__amounts') }}
),

stages as (
    select stage, default_probability from {{ ref('deal_stages_in_force') }}
),

leads as (
    select lead_id, created_at, created_at_is_day, lead_source, is_qualified from {{ ref('fct_leads') }}
),

touches as (
    select deal_id, lead_id, occurred_at, occurred_at_is_day from {{ ref('int_activities__touches') }}
),

-- a deal's lead, and the touches on either
meetings as (
    select deals.deal_id, leads.created_at as met_at, leads.created_at_is_day as met_at_is_day
    from deals
    inner join leads on deals.lead_id = leads.lead_id
    union all
    select deal_id, occurred_at as met_at, occurred_at_is_day as met_at_is_day
    from touches
    where deal_id is not null
    union all
    select deals.deal_id, touches.occurred_at as met_at, touches.occurred_at_is_day as met_at_is_day
    from deals
    inner join touches on deals.lead_id = touches.lead_id
),

first_contacts as (
    {{ first_moments('meetings', of='deal_id', at='met_at') }}
),

-- the earliest of them, else the deal's creation
starts as (
    select
        deals.deal_id,
        deals.created_at,
        deals.created_at_is_day,
        deals.closed_at,
        deals.closed_at_is_day,
        {%- if var('sales_cycle_start') == 'deal_created' %}
        deals.created_at as started_at,
        deals.created_at_is_day as started_at_is_day
        {%- else %}
        coalesce(first_contacts.met_at, deals.created_at) as started_at,
        case
            when first_contacts.met_at is null then deals.created_at_is_day else first_contacts.met_at_is_day
        end as started_at_is_day
        {%- endif %}
    from deals
    left join first_contacts on deals.deal_id = first_contacts.deal_id
),

spans as (
    select
        deal_id,
        {{ seconds_from('started_at', 'closed_at') }} / 86400 as cycle_days,
        {{ seconds_from('created_at', 'closed_at') }} / 86400 as age_days
    from starts
)

select
    deals.deal_id,
    deals.deal_type,
    deals.stage,
    deals.created_on,
    deals.is_closed,
    deals.is_won,
    deals.is_lost,
    deals.closed_on,
    deals.expected_close_on,
    deals.lost_reason,
    {{ known('accounts.account_id') }} as account_id,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    case
        when deals.lead_id is null then {{ known('accounts.lead_source') }}
        else {{ known('leads.lead_source') }}
    end as lead_source,
    deals.lead_id,
    coalesce(leads.is_qualified, false) as is_lead_qualified,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    {{ known('creation_accounts.region') }} as created_region,
    {{ known('creation_accounts.segment') }} as created_segment,
    {{ known('creation_reps.team') }} as created_team,
    deals.owner_rep_id,
    deals.has_amount,
    deals.amount,
    cast(coalesce(deals.probability, stages.default_probability) as decimal(7, 6)) as probability,
    cast(deals.probability as decimal(7, 6)) as own_probability,
    -- a deal closed before it was created, or before its first contact, has no duration
    case when spans.cycle_days >= 0 and spans.age_days >= 0 then spans.cycle_days end as sales_cycle_days,
    case when spans.cycle_days >= 0 and spans.age_days >= 0 then spans.age_days end as deal_age_days
from deals
inner join spans on deals.deal_id = spans.deal_id
inner join stages on deals.stage = stages.stage
left join leads on deals.lead_id = leads.lead_id
-- a closed deal is of its members as they were on the day it closed, and beside that as on the day of its creation
{{ join_account('deals.account_id', 'coalesce(deals.closed_on, deals.created_on)') }}
{{ join_rep('deals.owner_rep_id', 'coalesce(deals.closed_on, deals.created_on)') }}
{{ join_account('deals.account_id', 'deals.created_on', alias='creation_accounts') }}
{{ join_rep('deals.owner_rep_id', 'deals.created_on', alias='creation_reps') }}
