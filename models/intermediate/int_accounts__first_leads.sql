-- the earliest lead of each account, by creation, then key as people count
with

leads as (
    select lead_id, account_id, created_at, lead_source
    from {{ ref('stg_crm__leads') }}
    where account_id is not null and {{ local_date('created_at') }} <= {{ as_of_date() }}
),

ranked as (
    select
        account_id,
        lead_id,
        lead_source,
        row_number() over (
            partition by account_id order by created_at, {{ natural_order('lead_id') }}, lead_id
        ) as lead_number
    from leads
)

select
    account_id,
    lead_id,
    lead_source
from ranked
where lead_number = 1
