-- by what customers are accounts of other files and systems: their address, and ids that their metadata store. A
-- customer who was deleted still was that account
with

customers as (
    {{ current_rows('stripe', 'customer') }}
),

keyed as (
    select
        {{ system_key('stripe', 'id') }} as account_id,
        lower(email) as email,
        {{ json_member('metadata', "'account_id'") }} as stored_account_id,
        {{ json_member('metadata', "'hubspot_company_id'") }} as hubspot_company_id,
        {{ json_member('metadata', "'salesforce_account_id'") }} as salesforce_account_id
    from customers
    where id is not null and not {{ is_false('livemode') }}
)

select account_id, cast(null as {{ text_type() }}) as same_as_account_id, email from keyed
where email is not null
union all
select account_id, stored_account_id as same_as_account_id, cast(null as {{ text_type() }}) as email from keyed
where stored_account_id is not null
-- an id of a system of which nothing landed is that of no account
{%- for system, stored_id in [('hubspot', 'hubspot_company_id'), ('salesforce', 'salesforce_account_id')] %}
{%- if system in (var('enabled_sources') or []) %}
union all
select
    account_id,
    {{ system_key(system, stored_id) }} as same_as_account_id,
    cast(null as {{ text_type() }}) as email
from keyed
where {{ stored_id }} is not null
{%- endif %}
{%- endfor %}
