-- accounts of source systems that are an account of another system: by an explicit link file, by an id that one stores
-- of the other, or by the same e-mail address; where a rule names several, they stay apart
with

precedences as (
    select system, precedence from {{ ref('account_precedence') }}
),

identities as (
    {% for model in source_models('identities') %}
    select account_id, same_as_account_id, email from {{ ref(model) }}
    union all
    {% endfor %}
    select
        cast(null as {{ text_type() }}) as account_id,
        cast(null as {{ text_type() }}) as same_as_account_id,
        cast(null as {{ text_type() }}) as email
    where false
),

emails as (
    select account_id, email from identities
    where email is not null
    group by account_id, email
),

-- what each rule says, whichever way round
said as (
    {% if 'identities' in (var('enabled_sources') or []) %}
    select source_system || ':' || source_id as account_id, account_id as other_account_id, 1 as rule_number
    from (
        {{ current_rows('identities', 'account_links') }}
    ) as link_file
    where source_system is not null and source_id is not null and account_id is not null
    union all
    {% endif %}
    select account_id, same_as_account_id as other_account_id, 2 as rule_number from identities
    where same_as_account_id is not null
    union all
    select same_as_account_id as account_id, account_id as other_account_id, 2 as rule_number from identities
    where same_as_account_id is not null
    union all
    select emails.account_id, others.account_id as other_account_id, 3 as rule_number
    from emails
    inner join emails as others on emails.email = others.email and emails.account_id <> others.account_id
),

-- an account is linked to one of a system that comes before its own; a file may say otherwise
candidates as (
    select
        said.account_id,
        said.other_account_id,
        said.rule_number,
        case
            when said.other_account_id not like '%:%' then 0
            else coalesce(other_systems.precedence, 50)
        end as precedence
    from said
    left join precedences as systems on {{ system_of('said.account_id') }} = systems.system
    left join precedences as other_systems on {{ system_of('said.other_account_id') }} = other_systems.system
    where
        said.rule_number = 1
        or said.other_account_id not like '%:%'
        or coalesce(other_systems.precedence, 50) < coalesce(systems.precedence, 50)
    group by
        said.account_id, said.other_account_id, said.rule_number,
        case
            when said.other_account_id not like '%:%' then 0
            else coalesce(other_systems.precedence, 50)
        end
),

-- the first rule that says something, and of what it says the system that comes first
ranked as (
    select
        account_id,
        other_account_id,
        rule_number,
        rank() over (partition by account_id order by rule_number, precedence) as candidate_rank
    from candidates
),

linked as (
    select
        account_id,
        min(rule_number) as rule_number,
        count(*) as candidate_count,
        case when count(*) = 1 then min(other_account_id) end as linked_account_id,
        {{ texts_together('other_account_id') }} as candidates
    from ranked
    where candidate_rank = 1
    group by account_id
)

-- an account that is linked to one that is linked itself stands with that one
select
    linked.account_id,
    coalesce(onward.linked_account_id, linked.linked_account_id) as linked_account_id,
    case linked.rule_number when 1 then 'link_file' when 2 then 'stored_id' else 'email' end as rule,
    linked.candidate_count > 1 as is_conflict,
    linked.candidates
from linked
left join linked as onward on linked.linked_account_id = onward.account_id
