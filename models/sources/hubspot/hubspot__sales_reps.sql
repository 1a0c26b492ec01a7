-- owners are reps; one who is archived is a rep who has left, whose deals stay
with

owners as (
    {{ source_rows('hubspot', 'owner') }}
),

memberships as (
    {{ current_rows('hubspot', 'owner_team') }}
),

teams as (
    {{ current_rows('hubspot', 'team') }}
),

-- an owner who is a rep of another file or system, by the same e-mail address
links as (
    select rep_id, linked_rep_id from {{ ref('rep_links') }}
),

-- the main team; of several, or none called so, the oldest
ranked_teams as (
    select
        memberships.owner_id,
        coalesce(teams.name, memberships.team_id) as team,
        row_number() over (
            partition by memberships.owner_id
            order by
                case when {{ is_set('memberships.is_team_primary') }} then 0 else 1 end,
                {{ natural_order('memberships.team_id') }},
                memberships.team_id
        ) as team_number
    from memberships
    left join teams on memberships.team_id = teams.id
    where not {{ is_set('memberships._fivetran_deleted') }}
),

main_teams as (
    select owner_id, team from ranked_teams
    where team_number = 1
),

keyed as (
    select
        _file_id, _line, email, first_name, last_name, owner_id, updated_at,
        {{ is_set('is_deleted') }} or {{ is_set('_fivetran_deleted') }} or {{ is_false('is_active') }} as is_gone,
        {{ system_key('hubspot', 'owner_id') }} as rep_id
    from owners
)

select
    keyed._file_id,
    keyed._line,
    1 as _part,
    case when links.linked_rep_id is not null then 'same_rep_elsewhere' end as _left_out,
    keyed.rep_id,
    coalesce(nullif(concat_ws(' ', keyed.first_name, keyed.last_name), ''), keyed.email, keyed.owner_id) as rep_name,
    lower(keyed.email) as email,
    main_teams.team,
    case when keyed.is_gone then {{ day_of('keyed.updated_at') }} end as left_on,
    {{ instant('keyed.updated_at') }} as updated_at
from keyed
left join links on keyed.rep_id = links.rep_id
left join main_teams on keyed.owner_id = main_teams.owner_id
