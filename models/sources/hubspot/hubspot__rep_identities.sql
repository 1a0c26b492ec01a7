-- the e-mail addresses by which owners are reps of other files and systems: of two with one address the one still there
with

owners as (
    {{ current_rows('hubspot', 'owner') }}
),

ranked as (
    select
        owner_id,
        lower(email) as email,
        rank() over (
            partition by lower(email)
            order by case when {{ is_set('is_deleted') }} or {{ is_set('_fivetran_deleted') }} then 1 else 0 end
        ) as address_rank
    from owners
    where owner_id is not null and email is not null
)

select
    {{ system_key('hubspot', 'owner_id') }} as rep_id,
    email
from ranked
where address_rank = 1
