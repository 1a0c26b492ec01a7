{%- set starts = {'deal_created': 'deals.created_at', 'first_contact': 'contacts.first_contact_at'} -%}
with

deals as (
    select
        deal_id, account_id, lead_id, owner_rep_id, deal_type, stage, amount, probability, created_at, created_on,
        is_closed, is_won, is_lost, closed_at, closed_on, expected_close_on, lost_reason
    from {{ ref('int_deals__amounts') }}
),

stages as (
    select stage, default_probability from {{ ref('deal_stages') }}
),

leads as (
    select lead_id, created_at, lead_source, is_qualified from {{ ref('fct_leads') }}
),

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
),

accounts as (
    select account_id, region, segment, lead_source from {{ ref('dim_accounts') }}
),

-- the first touch on the deal itself or on its lead
deal_touches as (
    select deal_id, min(occurred_at) as touched_at
    from {{ ref('int_activities__touches') }}
    where deal_id is not null
    group by deal_id
),

lead_touches as (
    select lead_id, min(occurred_at) as touched_at
    from {{ ref('int_activities__touches') }}
    where lead_id is not null
    group by lead_id
),

-- the earliest of the lead's creation and these touches, else the deal's creation
contacts as (
    select
        deals.deal_id,
        coalesce(
            least(leads.created_at, deal_touches.touched_at, lead_touches.touched_at), deals.created_at
        ) as first_contact_at
    from deals
    left join leads on deals.lead_id = leads.lead_id
    left join deal_touches on deals.deal_id = deal_touches.deal_id
    left join lead_touches on deals.lead_id = lead_touches.lead_id
),

spans as (
    select
        deals.deal_id,
        {{ seconds_between(starts[var('sales_cycle_start')], 'deals.closed_at') }} / 86400 as cycle_days,
        {{ seconds_between('deals.created_at', 'deals.closed_at') }} / 86400 as age_days
    from deals
    inner join contacts on deals.deal_id = contacts.deal_id
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
    deals.owner_rep_id,
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
left join accounts on deals.account_id = accounts.account_id
left join reps on deals.owner_rep_id = reps.sales_rep_id
