{%- set gap_days = var('renewal_gap_days') | int -%}
with

accounts as (
    select account_id, region, segment, valid_from, valid_to from {{ ref('dim_account_versions') }}
),

changes as (
    select
        subscription_id, subscriber_id, account_id, lead_source, plan,
        changed_at, changed_on, currency,
        native_mrr, fx_rate, mrr
    from {{ ref('fct_subscription_changes') }}
),

-- what a day ends with is its last change
last_of_day as (
    select
        subscription_id, subscriber_id, account_id, lead_source, plan,
        changed_on, currency, native_mrr, fx_rate, mrr,
        row_number() over (partition by subscription_id, changed_on order by changed_at desc) as rank_of_day
    from changes
),

intervals as (
    select
        subscription_id, subscriber_id, account_id, lead_source, plan,
        currency, native_mrr, fx_rate, mrr,
        changed_on as valid_from,
        coalesce(
            lead(changed_on) over (partition by subscription_id order by changed_on), {{ end_of_time() }}
        ) as valid_to
    from last_of_day
    where rank_of_day = 1
),

paying as (
    select
        subscription_id, subscriber_id, account_id, lead_source, plan,
        currency, native_mrr, fx_rate, mrr, valid_from, valid_to,
        lag(valid_to) over (partition by subscription_id order by valid_from) as previous_to,
        lead(valid_from) over (partition by subscription_id order by valid_from) as next_from
    from intervals
    where mrr > 0
),

-- the days on which a subscription began to pay, and those on which one ended
beginnings as (
    select subscriber_id, valid_from as began_on from paying
    where previous_to is null or previous_to < valid_from
    group by subscriber_id, valid_from
),

endings as (
    select subscription_id, subscriber_id, valid_to as ended_on from paying
    where valid_to < {{ end_of_time() }} and (next_from is null or next_from > valid_to)
),

-- a renewal is no churn: an account that begins again within renewal_gap_days has kept what ended until then
renewals as (
    select endings.subscription_id, endings.ended_on, min(beginnings.began_on) as renewed_on
    from endings
    inner join beginnings
        on endings.subscriber_id = beginnings.subscriber_id
        and beginnings.began_on > endings.ended_on
        and beginnings.began_on <= {{ days_after('endings.ended_on', gap_days) }}
    group by endings.subscription_id, endings.ended_on
),

-- a span in which its account becomes another falls into several
spans as (
    select
        paying.subscription_id,
        {{ later_start('paying.valid_from', ['accounts']) }} as valid_from,
        {{ earlier_end('coalesce(renewals.renewed_on, paying.valid_to)', ['accounts']) }} as valid_to,
        paying.subscriber_id,
        paying.account_id,
        {{ known('accounts.region') }} as region,
        {{ known('accounts.segment') }} as segment,
        paying.lead_source,
        paying.plan,
        paying.currency,
        paying.native_mrr,
        paying.fx_rate,
        paying.mrr
    from paying
    left join renewals on paying.subscription_id = renewals.subscription_id and paying.valid_to = renewals.ended_on
    left join accounts on paying.account_id = accounts.account_id
)

select
    subscription_id,
    valid_from,
    valid_to,
    subscriber_id,
    account_id,
    region,
    segment,
    lead_source,
    plan,
    currency,
    native_mrr,
    fx_rate,
    mrr
from spans
where valid_from < valid_to
