{%- set is_billing = var('revenue_basis') == 'billing' -%}
with

orders as (
    select order_id, account_id, deal_id, rep_id, ordered_at, status from {{ ref('stg_billing__orders') }}
    where status in ('paid', 'refunded') and {{ local_date('ordered_at') }} <= {{ as_of_date() }}
),

order_amounts as (
    select order_id, sum(amount) as amount from {{ ref('int_order_items__amounts') }}
    group by order_id
),

deals as (
    select deal_id, account_id, owner_rep_id, amount, currency from {{ ref('stg_crm__deals') }}
    where {{ local_date('created_at') }} <= {{ as_of_date() }}
),

{% if not is_billing -%}
closings as (
    select deal_id, is_won, closed_at, closed_on from {{ ref('int_deals__closings') }}
),

{% endif -%}

sales as (
    {% if is_billing %}
    select
        orders.order_id as sale_id,
        'order' as sale_type,
        orders.ordered_at as sold_at,
        {{ local_date('orders.ordered_at') }} as sold_on,
        orders.account_id,
        coalesce(orders.rep_id, deals.owner_rep_id) as rep_id,
        cast(coalesce(order_amounts.amount, 0) as {{ money() }}) as amount
    from orders
    left join order_amounts on orders.order_id = order_amounts.order_id
    left join deals on orders.deal_id = deals.deal_id
    {% else %}
    select
        deals.deal_id as sale_id,
        'deal' as sale_type,
        closings.closed_at as sold_at,
        closings.closed_on as sold_on,
        deals.account_id,
        deals.owner_rep_id as rep_id,
        {{ converted('deals.amount', 'rates.rate') }} as amount
    from deals
    inner join closings on deals.deal_id = closings.deal_id
    {{ join_rate('deals.currency', 'closings.closed_on') }}
    where closings.is_won
    {% endif %}
),

reps as (
    select sales_rep_id, team from {{ ref('dim_sales_reps') }}
),

accounts as (
    select account_id, region, segment, lead_source from {{ ref('dim_accounts') }}
)

select
    sales.sale_id,
    sales.sale_type,
    sales.sold_at,
    sales.sold_on,
    {{ known('accounts.account_id') }} as account_id,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    {{ known('accounts.lead_source') }} as lead_source,
    {{ known('reps.sales_rep_id') }} as sales_rep_id,
    {{ known('reps.team') }} as team,
    sales.amount,
    cast(
        row_number() over (
            partition by accounts.account_id order by sales.sold_on, sales.sold_at, sales.sale_id
        ) as bigint
    ) as account_sale_number
from sales
left join accounts on sales.account_id = accounts.account_id
left join reps on sales.rep_id = reps.sales_rep_id
