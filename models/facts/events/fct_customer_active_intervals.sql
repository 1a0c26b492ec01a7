with

-- a sale keeps a customer active for customer_active_days, its own day included
sale_spans as (
    select
        account_id,
        sold_on as active_from,
        {{ days_after('sold_on', var('customer_active_days')) }} as active_to
    from {{ ref('fct_sales') }}
    where account_id <> 'unknown'
),

subscription_spans as (
    select account_id, valid_from as active_from, valid_to as active_to
    from {{ ref('fct_mrr_intervals') }}
    where account_id <> 'unknown'
),

spans as (
    select account_id, active_from, active_to from sale_spans
    union all
    select account_id, active_from, active_to from subscription_spans
),

-- of the spans that begin on one day the longest says it all; so an account's spans have an order without ties
longest_spans as (
    select account_id, active_from, max(active_to) as active_to
    from spans
    group by account_id, active_from
),

-- spans that touch or overlap are one: a new one begins where none of the earlier reaches
reaches as (
    select
        account_id,
        active_from,
        active_to,
        max(active_to) over (
            partition by account_id order by active_from
            rows between unbounded preceding and 1 preceding
        ) as reached_to
    from longest_spans
),

numbered as (
    select
        account_id,
        active_from,
        active_to,
        sum(case when reached_to >= active_from then 0 else 1 end) over (
            partition by account_id order by active_from
            rows between unbounded preceding and current row
        ) as interval_number
    from reaches
)

select
    account_id,
    cast(interval_number as bigint) as interval_number,
    min(active_from) as active_from,
    max(active_to) as active_to
from numbered
group by account_id, interval_number
