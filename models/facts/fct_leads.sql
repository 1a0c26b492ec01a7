with

leads as (
    select lead_id, created_at, lead_source, owner_rep_id, account_id, qualified_at, referrer_type
    from {{ ref('stg_crm__leads') }}
    where {{ local_date('created_at') }} <= {{ as_of_date() }}
),

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
),

accounts as (
    select account_id from {{ ref('dim_accounts') }}
),

dated as (
    select
        leads.lead_id,
        leads.created_at,
        {{ local_date('leads.created_at') }} as created_on,
        leads.lead_source,
        leads.referrer_type,
        reps.sales_rep_id,
        reps.team,
        accounts.account_id,
        case
            when {{ local_date('leads.qualified_at') }} <= {{ as_of_date() }} then leads.qualified_at
        end as qualified_at
    from leads
    left join reps on leads.owner_rep_id = reps.sales_rep_id
    left join accounts on leads.account_id = accounts.account_id
),

-- the first day on or after a lead's creation that its account bought
conversions as (
    select dated.lead_id, min(sales.sold_on) as converted_on
    from dated
    inner join {{ ref('fct_sales') }} as sales
        on dated.account_id = sales.account_id and sales.sold_on >= dated.created_on
    where sales.account_id <> 'unknown'
    group by dated.lead_id
)

select
    dated.lead_id,
    dated.created_at,
    dated.created_on,
    {{ known('dated.account_id') }} as account_id,
    {{ known('dated.sales_rep_id') }} as sales_rep_id,
    {{ known('dated.team') }} as team,
    {{ known('dated.lead_source') }} as lead_source,
    dated.referrer_type,
    dated.qualified_at,
    dated.qualified_at is not null as is_qualified,
    conversions.converted_on,
    conversions.converted_on is not null as is_converted
from dated
left join conversions on dated.lead_id = conversions.lead_id
