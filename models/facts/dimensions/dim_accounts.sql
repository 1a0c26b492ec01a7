with

accounts as (
    select account_id, account_name, segment, industry, region, owner_rep_id from {{ ref('stg_crm__accounts') }}
),

first_leads as (
    select account_id, lead_source from {{ ref('int_accounts__first_leads') }}
)

select
    accounts.account_id,
    accounts.account_name,
    {{ known('accounts.segment') }} as segment,
    {{ known('accounts.industry') }} as industry,
    {{ known('accounts.region') }} as region,
    {{ known('first_leads.lead_source') }} as lead_source,
    accounts.owner_rep_id
from accounts
left join first_leads on accounts.account_id = first_leads.account_id

union all

select
    'unknown' as account_id,
    'unknown' as account_name,
    'unknown' as segment,
    'unknown' as industry,
    'unknown' as region,
    'unknown' as lead_source,
    cast(null as {{ text_type() }}) as owner_rep_id
