-- by what a company is an account of another system: the customer id it stores, and the addresses of its contacts
with

companies as (
    {{ current_rows('hubspot', 'company') }}
),

contacts as (
    {{ current_rows('hubspot', 'contact') }}
),

exported as (
    {{ current_rows('hubspot', 'all_contacts') }}
),

contact_companies as (
    select contact_id, company_id from {{ ref('hubspot__contact_companies') }}
),

merged as (
    select object, merged_id, into_id from {{ ref('hubspot__merged') }}
),

addresses as (
    select id as contact_id, lower(property_email) as email
    from contacts
    where property_email is not null and not {{ is_set('is_deleted') }} and not {{ is_set('_fivetran_deleted') }}
    union all
    select record_id as contact_id, lower(email) as email
    from exported
    where email is not null
),

-- a company that was merged is the one it went into
company_addresses as (
    select coalesce(merged.into_id, contact_companies.company_id) as company_id, addresses.email
    from addresses
    inner join contact_companies on addresses.contact_id = contact_companies.contact_id
    left join merged on contact_companies.company_id = merged.merged_id and merged.object = 'company'
    group by coalesce(merged.into_id, contact_companies.company_id), addresses.email
)

select
    {{ system_key('hubspot', 'companies.id') }} as account_id,
    {{ system_key('stripe', 'companies.property_stripe_customer_id') }} as same_as_account_id,
    cast(null as {{ text_type() }}) as email
from companies
left join merged on companies.id = merged.merged_id and merged.object = 'company'
where
    companies.id is not null
    and companies.property_stripe_customer_id is not null
    and merged.merged_id is null
    and not {{ is_set('companies.is_deleted') }}
    and not {{ is_set('companies._fivetran_deleted') }}
union all
select
    {{ system_key('hubspot', 'company_id') }} as account_id,
    cast(null as {{ text_type() }}) as same_as_account_id,
    email
from company_addresses
