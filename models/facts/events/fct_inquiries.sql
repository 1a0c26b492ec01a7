with

inquiries as (
    select
        inquiry_id, channel, account_id, rep_id, received_at, received_at_is_day,
        {{ local_date('received_at') }} as received_on, first_responded_at_is_day,
        case
            when {{ local_date('first_responded_at') }} <= {{ as_of_date() }} then first_responded_at
        end as first_responded_at
    from {{ ref('stg_support__inquiries') }}
    where {{ local_date('received_at') }} <= {{ as_of_date() }}
),

accounts as (
    select account_id from {{ ref('dim_accounts') }}
)

select
    inquiries.inquiry_id,
    inquiries.channel,
    {{ known('accounts.account_id') }} as account_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    inquiries.received_on,
    inquiries.first_responded_at is not null as is_answered,
    -- a reply before the question has no duration
    case
        when {{ is_not_before('inquiries.first_responded_at', 'inquiries.received_at') }}
            then {{ response_minutes('inquiries.received_at', 'inquiries.first_responded_at') }}
    end as response_minutes
from inquiries
left join accounts on inquiries.account_id = accounts.account_id
{{ join_rep('inquiries.rep_id', 'inquiries.received_on') }}
{{ response_days('inquiries.received_at', 'inquiries.first_responded_at') }}
