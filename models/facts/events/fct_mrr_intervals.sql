with

changes as (
    select
        subscription_id, subscriber_id, account_id, region, segment, lead_source, plan,
        changed_at, changed_on, currency,
        native_mrr, fx_rate, mrr
    from {{ ref('fct_subscription_changes') }}
),

-- what a day ends with is its last change
last_of_day as (
    select
        subscription_id, subscriber_id, account_id, region, segment, lead_source, plan,
        changed_on, currency, native_mrr, fx_rate, mrr,
        row_number() over (partition by subscription_id, changed_on order by changed_at desc) as rank_of_day
    from changes
),

intervals as (
    select
        subscription_id, subscriber_id, account_id, region, segment, lead_source, plan,
        currency, native_mrr, fx_rate, mrr,
        changed_on as valid_from,
        coalesce(
            lead(changed_on) over (partition by subscription_id order by changed_on), {{ end_of_time() }}
        ) as valid_to
    from last_of_day
    where rank_of_day = 1
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
from intervals
where mrr > 0
