with

accounts as (
    select account_id, region, segment, lead_source, owner_rep_id from {{ ref('dim_accounts') }}
)

{%- if var('attributes_as_of') == 'event' %},

landed as (
    {{ numbered_versions('base_crm__accounts', 'account_id', ['region', 'segment']) }}
),

versions as (
    {{ in_force('landed', 'account_id', ['region', 'segment']) }}
)

select
    accounts.account_id,
    cast(coalesce(versions.valid_from, {{ start_of_time() }}) as date) as valid_from,
    cast(coalesce(versions.valid_to, {{ end_of_time() }}) as date) as valid_to,
    coalesce(versions.region, accounts.region) as region,
    coalesce(versions.segment, accounts.segment) as segment,
    accounts.lead_source,
    accounts.owner_rep_id
from accounts
-- the unknown account has none
left join versions on accounts.account_id = versions.account_id
{%- else %}

select
    account_id,
    {{ start_of_time() }} as valid_from,
    {{ end_of_time() }} as valid_to,
    region,
    segment,
    lead_source,
    owner_rep_id
from accounts
{%- endif %}
