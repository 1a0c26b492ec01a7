-- reps of source systems that are a rep of another system, or of the contract's own file, by the same e-mail address
with

reps as (
    {% for model in source_models('rep_identities') %}
    select rep_id, email from {{ ref(model) }}
    union all
    {% endfor %}
    select cast(null as {{ text_type() }}) as rep_id, cast(null as {{ text_type() }}) as email
    where false
),

owners as (
    select email, rep_id from {{ ref('rep_emails') }}
)

select reps.rep_id, min(owners.rep_id) as linked_rep_id
from reps
inner join owners on reps.email = owners.email
where
    reps.rep_id <> owners.rep_id
    -- not two of one system, and no rep for one that comes later
    and {{ system_of('reps.rep_id') }} <> {{ system_of('owners.rep_id') }}
group by reps.rep_id
having min(owners.rep_id) = max(owners.rep_id)
