-- which rep an e-mail address is of: one of the contract's own file, else of the system that comes first
with

precedences as (
    select system, precedence from {{ ref('account_precedence') }}
),

reps as (
    select {{ trimmed('rep_id') }} as rep_id, lower({{ trimmed('email') }}) as email
    from {{ source('crm', 'sales_reps') }}
    {% for model in source_models('rep_identities') %}
    union all
    select rep_id, email from {{ ref(model) }}
    {% endfor %}
),

-- two reps of one system with one address are told apart by nothing: the address is of none of them
ranked as (
    select
        reps.email,
        reps.rep_id,
        rank() over (
            partition by reps.email
            order by case when reps.rep_id not like '%:%' then 0 else coalesce(precedences.precedence, 50) end
        ) as rep_rank
    from reps
    left join precedences on {{ system_of('reps.rep_id') }} = precedences.system
    where reps.email is not null and reps.rep_id is not null
)

select email, min(rep_id) as rep_id
from ranked
where rep_rank = 1
group by email
having min(rep_id) = max(rep_id)
