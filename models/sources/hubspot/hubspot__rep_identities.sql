-- the e-mail addresses by which owners are reps of other files and systems
with

owners as (
    {{ current_rows('hubspot', 'owner') }}
)

select
    {{ system_key('hubspot', 'owner_id') }} as rep_id,
    lower(email) as email
from owners
where owner_id is not null and email is not null and not {{ is_set('is_deleted') }}
