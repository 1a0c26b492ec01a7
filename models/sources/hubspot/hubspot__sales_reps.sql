-- owners are reps
with

owners as (
    {{ source_rows('hubspot', 'owner') }}
),

-- an owner who is a rep of another file or system, by the same e-mail address
links as (
    select rep_id, linked_rep_id from {{ ref('rep_links') }}
),

keyed as (
    select
        _file_id, _line, email, first_name, last_name, updated_at, is_deleted, owner_id,
        {{ system_key('hubspot', 'owner_id') }} as rep_id
    from owners
)

select
    keyed._file_id,
    keyed._line,
    1 as _part,
    case
        when {{ is_set('keyed.is_deleted') }} then 'deleted'
        when links.linked_rep_id is not null then 'same_rep_elsewhere'
    end as _left_out,
    keyed.rep_id,
    coalesce(nullif(concat_ws(' ', keyed.first_name, keyed.last_name), ''), keyed.email, keyed.owner_id) as rep_name,
    lower(keyed.email) as email,
    {{ instant('keyed.updated_at') }} as updated_at
from keyed
left join links on keyed.rep_id = links.rep_id
