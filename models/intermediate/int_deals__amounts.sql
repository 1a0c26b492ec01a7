-- each deal created by the as-of date, with its closing, and its amount converted on the day it closed, else that of
-- its creation
with

deals as (
    select
        deal_id, account_id, lead_id, owner_rep_id, deal_type, stage, amount, currency, probability, created_at,
        created_at_is_day,
        {{ local_date('created_at') }} as created_on,
        expected_close_on, lost_reason
    from {{ ref('stg_crm__deals') }}
    where {{ local_date('created_at') }} <= {{ as_of_date() }}
),

closings as (
    select deal_id, is_closed, is_won, is_lost, closed_at, closed_at_is_day, closed_on
    from {{ ref('int_deals__closings') }}
)

select
    deals.deal_id,
    deals.account_id,
    deals.lead_id,
    deals.owner_rep_id,
    deals.deal_type,
    deals.stage,
    deals.created_at,
    deals.created_at_is_day,
    deals.created_on,
    closings.is_closed,
    closings.is_won,
    closings.is_lost,
    closings.closed_at,
    closings.closed_at_is_day,
    closings.closed_on,
    deals.expected_close_on,
    deals.lost_reason,
    deals.probability,
    -- a deal without an amount counts, and adds nothing
    deals.amount is not null as has_amount,
    coalesce({{ converted('deals.amount', 'rates.rate') }}, 0) as amount
from deals
inner join closings on deals.deal_id = closings.deal_id
{{ join_rate('deals.currency', 'coalesce(closings.closed_on, deals.created_on)') }}
