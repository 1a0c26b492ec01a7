-- companies are accounts
with

companies as (
    {{ source_rows('hubspot', 'company') }}
),

exported as (
    {{ source_rows('hubspot', 'all_companies') }}
),

merged as (
    select merged_id, into_id from {{ ref('hubspot__merged') }}
    where object = 'company'
),

links as (
    select account_id, linked_account_id from {{ ref('account_links') }}
),

owners as (
    select named, rep_id from {{ ref('hubspot__owners') }}
),

records as (
    select
        _file_id,
        _line,
        id,
        coalesce(property_name, property_domain, id) as account_name,
        property_segment as segment,
        property_industry as industry,
        coalesce(property_region, property_country) as region,
        {{ whole_number('property_hubspot_owner_id') }} as owner,
        {{ instant('property_createdate') }} as created_at,
        {{ instant('coalesce(property_hs_lastmodifieddate, _fivetran_start)') }} as updated_at,
        {{ is_gone() }} as is_gone
    from companies
    union all
    select
        _file_id,
        _line,
        record_id as id,
        coalesce(company_name, record_id) as account_name,
        segment,
        industry,
        coalesce(region, country_region) as region,
        company_owner as owner,
        {{ instant('create_date', naive_timezone('hubspot')) }} as created_at,
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
        when links.linked_account_id is not null then 'same_account_elsewhere'
    end as _left_out,
    {{ system_key('hubspot', 'records.id') }} as account_id,
    records.account_name,
    records.segment,
    records.industry,
    records.region,
    coalesce(owners.rep_id, {{ system_key('hubspot', 'records.owner') }}) as owner_rep_id,
    records.created_at,
    records.updated_at
from records
left join merged on records.id = merged.merged_id
left join links on {{ system_key('hubspot', 'records.id') }} = links.account_id
left join owners on lower(records.owner) = owners.named
