with

responses as (
    select response_id, inquiry_id, account_id, rep_id, score, responded_at
    from {{ ref('stg_support__csat_responses') }}
    -- a survey without a score was not answered
    where score is not null and {{ local_date('responded_at') }} <= {{ as_of_date() }}
),

inquiries as (
    select inquiry_id, channel, account_id, rep_id from {{ ref('stg_support__inquiries') }}
),

-- who and whose: the response's own, else its inquiry's
attributed as (
    select
        responses.response_id,
        responses.score,
        {{ local_date('responses.responded_at') }} as responded_on,
        {{ known('inquiries.channel') }} as channel,
        coalesce(responses.account_id, inquiries.account_id) as account_id,
        coalesce(responses.rep_id, inquiries.rep_id) as rep_id
    from responses
    left join inquiries on responses.inquiry_id = inquiries.inquiry_id
)

select
    attributed.response_id,
    attributed.responded_on,
    attributed.channel,
    {{ known('accounts.account_id') }} as account_id,
    {{ known('accounts.segment') }} as segment,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    attributed.score
from attributed
{{ join_account('attributed.account_id', 'attributed.responded_on') }}
{{ join_rep('attributed.rep_id', 'attributed.responded_on') }}
