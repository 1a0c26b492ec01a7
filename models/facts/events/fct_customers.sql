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

-- one of the two dates may be missing
customers as (
    select
        coalesce(first_sales.account_id, first_subscriptions.account_id) as account_id,
        least(first_sales.sold_on, first_subscriptions.subscribed_on) as became_customer_on,
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
    from first_sales
    full outer join first_subscriptions on first_sales.account_id = first_subscriptions.account_id
)

select
    customers.account_id,
    customers.became_customer_on,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    {{ known('accounts.lead_source') }} as lead_source,
    customers.sales_rep_id,
    customers.team
from customers
{{ join_account('customers.account_id', 'customers.became_customer_on') }}
