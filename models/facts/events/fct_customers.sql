with

first_sales as (
    select account_id, sold_on, sales_rep_id, team
    from {{ ref('fct_sales') }}
    where account_id <> 'unknown' and account_sale_number = 1
),

first_subscriptions as (
    select account_id, min(changed_on) as subscribed_on
    from {{ ref('fct_subscription_changes') }}
    where account_id <> 'unknown' and mrr > 0
    group by account_id
),

accounts as (
    select account_id, region, segment, lead_source from {{ ref('dim_accounts') }}
    where account_id <> 'unknown'
)

select
    accounts.account_id,
    least(first_sales.sold_on, first_subscriptions.subscribed_on) as became_customer_on,
    accounts.region,
    accounts.segment,
    accounts.lead_source,
    -- who won it: the first sale's rep, unless a subscription came before any sale
    case
        when first_sales.sold_on <= coalesce(first_subscriptions.subscribed_on, first_sales.sold_on)
            then first_sales.sales_rep_id
        else 'unknown'
    end as sales_rep_id,
    case
        when first_sales.sold_on <= coalesce(first_subscriptions.subscribed_on, first_sales.sold_on)
            then first_sales.team
        else 'unknown'
    end as team
from accounts
left join first_sales on accounts.account_id = first_sales.account_id
left join first_subscriptions on accounts.account_id = first_subscriptions.account_id
where first_sales.account_id is not null or first_subscriptions.account_id is not null
