with

leads as (
    select lead_id, created_at, created_at_is_day, lead_source, owner_rep_id, account_id, qualified_at, referrer_type
    from {{ ref('stg_crm__leads') }}
    where {{ local_date('created_at') }} <= {{ as_of_date() }}
),

accounts as (
    select account_id from {{ ref('dim_accounts') }}
),

dated as (
    select
        leads.lead_id,
        leads.created_at,
        leads.created_at_is_day,
        {{ local_date('leads.created_at') }} as created_on,
        leads.lead_source,
        leads.referrer_type,
        leads.owner_rep_id,
        accounts.account_id,
        case
            when {{ local_date('leads.qualified_at') }} <= {{ as_of_date() }} then leads.qualified_at
        end as qualified_at
    from leads
    left join accounts on leads.account_id = accounts.account_id
),

sales as (
    select sale_id, account_id, sold_on, account_sale_number from {{ ref('fct_sales') }}
    where account_id <> 'unknown'
),

-- the first sale to its account on or after the day a lead was created
converting_sales as (
    select
        dated.lead_id,
        sales.sale_id,
        sales.sold_on,
        row_number() over (partition by dated.lead_id order by sales.account_sale_number, sales.sale_id) as sale_rank
    from dated
    inner join sales on dated.account_id = sales.account_id and sales.sold_on >= dated.created_on
),

conversions as (
    select lead_id, sale_id, sold_on as converted_on from converting_sales
    where sale_rank = 1
)

select
    dated.lead_id,
    dated.created_at,
    dated.created_at_is_day,
    dated.created_on,
    {{ known('dated.account_id') }} as account_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    {{ known('conversion_reps.team') }} as converted_team,
    {{ known('dated.lead_source') }} as lead_source,
    dated.referrer_type,
    dated.qualified_at is not null as is_qualified,
    conversions.sale_id as converting_sale_id,
    conversions.converted_on,
    conversions.converted_on is not null as is_converted
from dated
left join conversions on dated.lead_id = conversions.lead_id
{{ join_rep('dated.owner_rep_id', 'dated.created_on') }}
-- unconverted, by its creation
{{ join_rep('dated.owner_rep_id', 'coalesce(conversions.converted_on, dated.created_on)', alias='conversion_reps') }}
