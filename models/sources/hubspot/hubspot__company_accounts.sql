-- which account a company is: itself, the one it was merged into, or the account of another system that stands for it
with

companies as (
    {{ current_rows('hubspot', 'company') }}
),

exported as (
    {{ current_rows('hubspot', 'all_companies') }}
),

merged as (
    select merged_id, into_id from {{ ref('hubspot__merged') }}
    where object = 'company'
),

links as (
    select account_id, linked_account_id from {{ ref('account_links') }}
),

ids as (
    select id as company_id, id as standing_id from companies
    union all
    select record_id as company_id, record_id as standing_id from exported
    union all
    select merged_id as company_id, into_id as standing_id from merged
),

-- a company that is there as a record and as one that was merged away is the one it went into
standing as (
    select
        ids.company_id,
        coalesce(min(merged.into_id), min(ids.standing_id)) as standing_id
    from ids
    left join merged on ids.company_id = merged.merged_id
    where ids.company_id is not null
    group by ids.company_id
)

select
    standing.company_id,
    {{ account_standing_for(system_key('hubspot', 'standing.standing_id'), 'links') }} as account_id
from standing
left join links on {{ system_key('hubspot', 'standing.standing_id') }} = links.account_id
