{%- set is_billing = var('revenue_basis') == 'billing' -%}
with

deals as (
    select deal_id, account_id, owner_rep_id, is_won, closed_at, closed_on, amount from {{ ref('int_deals__amounts') }}
),

{% if is_billing -%}
orders as (
    select order_id, account_id, deal_id, rep_id, subscription_id, ordered_at, ordered_on, amount
    from {{ ref('int_orders__amounts') }}
    where status in ('paid', 'refunded') and ordered_on <= {{ as_of_date() }}
),

-- an order without a rep is credited to the owner of its deal, else of its account
sales as (
    select
        orders.order_id as sale_id,
        'order' as sale_type,
        orders.ordered_at as sold_at,
        orders.ordered_on as sold_on,
        orders.account_id,
        orders.deal_id,
        orders.subscription_id,
        coalesce(orders.rep_id, deals.owner_rep_id) as rep_id,
        orders.amount
    from orders
    left join deals on orders.deal_id = deals.deal_id
)
{%- else -%}
sales as (
    select
        deal_id as sale_id,
        'deal' as sale_type,
        closed_at as sold_at,
        closed_on as sold_on,
        account_id,
        deal_id,
        cast(null as {{ text_type() }}) as subscription_id,
        owner_rep_id as rep_id,
        amount
    from deals
    where is_won
)
{%- endif %}

select
    sales.sale_id,
    sales.sale_type,
    sales.sold_on,
    {{ known('accounts.account_id') }} as account_id,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    {{ known('accounts.lead_source') }} as lead_source,
    sales.deal_id,
    sales.subscription_id,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    sales.amount,
    cast(
        row_number() over (
            partition by {{ known('accounts.account_id') }}
            order by sales.sold_on, sales.sold_at, {{ natural_order('sales.sale_id') }}, sales.sale_id
        ) as bigint
    ) as account_sale_number,
    -- what a subscription bills is no purchase
    case
        when sales.subscription_id is null
            then cast(
                row_number() over (
                    partition by
                        {{ known('accounts.account_id') }},
                        case when sales.subscription_id is null then 1 else 0 end
                    order by sales.sold_on, sales.sold_at, {{ natural_order('sales.sale_id') }}, sales.sale_id
                ) as bigint
            )
    end as account_purchase_number
from sales
{{ join_account('sales.account_id', 'sales.sold_on') }}
-- nobody is named: whoever looks after the account
{{ join_rep('coalesce(sales.rep_id, accounts.owner_rep_id)', 'sales.sold_on') }}
