-- which rep is meant where a record names its owner: by id, by e-mail address or, in exports, by name. A name of
-- several reps names none of them
with

owners as (
    {{ current_rows('hubspot', 'owner') }}
),

links as (
    select rep_id, linked_rep_id from {{ ref('rep_links') }}
),

linked as (
    select
        owners.owner_id,
        lower(owners.email) as email,
        lower(concat_ws(' ', owners.first_name, owners.last_name)) as full_name,
        coalesce(links.linked_rep_id, {{ system_key('hubspot', 'owners.owner_id') }}) as rep_id
    from owners
    left join links on {{ system_key('hubspot', 'owners.owner_id') }} = links.rep_id
    where owners.owner_id is not null
),

named as (
    select owner_id as named, rep_id from linked
    union all
    select email as named, rep_id from linked
    where email is not null
    union all
    select full_name as named, rep_id from linked
    where full_name <> ''
    union all
    -- the reps of the contract's own file
    select email as named, rep_id from {{ ref('rep_emails') }}
    union all
    select lower({{ trimmed('rep_name') }}) as named, {{ trimmed('rep_id') }} as rep_id
    from {{ source('crm', 'sales_reps') }}
)

select named, min(rep_id) as rep_id
from named
where named is not null and rep_id is not null
group by named
having min(rep_id) = max(rep_id)
