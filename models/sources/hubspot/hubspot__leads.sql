-- contacts are leads, but for subscribers, others (lifecycle stage `other`) and the company's own people
with

contacts as (
    {{ source_rows('hubspot', 'contact') }}
),

exported as (
    {{ source_rows('hubspot', 'all_contacts') }}
),

users as (
    {{ current_rows('hubspot', 'owner') }}
),

merged as (
    select merged_id, into_id from {{ ref('hubspot__merged') }}
    where object = 'contact'
),

owners as (
    select named, rep_id from {{ ref('hubspot__owners') }}
),

contact_companies as (
    select contact_id, company_id from {{ ref('hubspot__contact_companies') }}
),

accounts as (
    select company_id, account_id from {{ ref('hubspot__company_accounts') }}
),

addresses as (
    select email, account_id from {{ ref('account_emails') }}
),

colleagues as (
    select lower(email) as email from users
    where email is not null
    group by lower(email)
),

records as (
    select
        _file_id,
        _line,
        id,
        lower(property_email) as email,
        {{ instant('property_createdate') }} as created_at,
        property_lifecyclestage as lifecycle_stage,
        property_lead_source as own_source,
        property_hs_analytics_source as found_source,
        {{ whole_number('property_hubspot_owner_id') }} as owner,
        {{ whole_number('property_associatedcompanyid') }} as company_id,
        {{ instant(
            'coalesce(property_hs_lifecyclestage_salesqualifiedlead_date, property_hs_lifecyclestage_opportunity_date, '
            ~ 'property_hs_lifecyclestage_customer_date)'
        ) }} as qualified_at,
        lower(property_referrer_type) as referrer_type,
        property_referrer_id as referrer_id,
        {{ instant('coalesce(property_hs_lastmodifieddate, _fivetran_start)') }} as updated_at,
        {{ is_gone() }} as is_gone
    from contacts
    union all
    select
        _file_id,
        _line,
        record_id as id,
        lower(email) as email,
        {{ instant('create_date', naive_timezone('hubspot')) }} as created_at,
        lifecycle_stage,
        lead_source as own_source,
        original_source as found_source,
        contact_owner as owner,
        cast(null as {{ text_type() }}) as company_id,
        {{ instant('became_a_sales_qualified_lead_date', naive_timezone('hubspot')) }} as qualified_at,
        cast(null as {{ text_type() }}) as referrer_type,
        cast(null as {{ text_type() }}) as referrer_id,
        {{ instant('last_modified_date', naive_timezone('hubspot')) }} as updated_at,
        false as is_gone
    from exported
)

select
    records._file_id,
    records._line,
    1 as _part,
    case
        when records.id is null then null
        when records.is_gone then 'deleted'
        when merged.merged_id is not null then 'merged'
        when colleagues.email is not null then 'employee'
        when lower(records.lifecycle_stage) in ('subscriber', 'other') then 'not_a_lead'
    end as _left_out,
    {{ system_key('hubspot', 'records.id') }} as lead_id,
    records.created_at,
    -- what HubSpot found is named alike in its tables (ORGANIC_SEARCH) and its exports (Organic Search)
    coalesce(records.own_source, replace(lower(records.found_source), ' ', '_')) as lead_source,
    coalesce(owners.rep_id, {{ system_key('hubspot', 'records.owner') }}) as owner_rep_id,
    case
        when coalesce(records.company_id, contact_companies.company_id) is null then addresses.account_id
        else coalesce(
            accounts.account_id,
            {{ system_key('hubspot', 'coalesce(records.company_id, contact_companies.company_id)') }}
        )
    end as account_id,
    records.qualified_at,
    records.referrer_type,
    case
        when records.referrer_type = 'customer'
            then coalesce(referrers.account_id, {{ system_key('hubspot', 'records.referrer_id') }})
        else records.referrer_id
    end as referrer_id,
    records.updated_at
from records
left join merged on records.id = merged.merged_id
left join colleagues on records.email = colleagues.email
left join owners on lower(records.owner) = owners.named
left join contact_companies on records.id = contact_companies.contact_id
left join accounts on coalesce(records.company_id, contact_companies.company_id) = accounts.company_id
left join accounts as referrers on records.referrer_id = referrers.company_id
left join addresses on records.email = addresses.email
