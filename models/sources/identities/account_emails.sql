-- which account an e-mail address is of, after linking; an address of several is of none
with

identities as (
    {% for model in source_models('identities') %}
    select account_id, email from {{ ref(model) }}
    union all
    {% endfor %}
    select cast(null as {{ text_type() }}) as account_id, cast(null as {{ text_type() }}) as email
    where false
),

links as (
    select account_id, linked_account_id from {{ ref('account_links') }}
    where linked_account_id is not null
),

resolved as (
    select identities.email, coalesce(links.linked_account_id, identities.account_id) as account_id
    from identities
    left join links on identities.account_id = links.account_id
    where identities.email is not null
)

select email, min(account_id) as account_id
from resolved
group by email
having min(account_id) = max(account_id)
