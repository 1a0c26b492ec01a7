"""MRR from month to month, and from bookings to revenue: the SQL over the facts, one row a month (and member).

Both read the facts of a build attached as `build`. A close freezes its month's rows; the open months are today's.
"""

from __future__ import annotations

MRR_MOVEMENTS = ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr", "reactivation_mrr", "fx_mrr")
MONEY = "decimal(24, 4)"

# Contraction and churn are negative, fx_mrr either: opening + movements = closing.
MRR_BRIDGE = f"""
with
movements as (
    select
        movement_scope, period_start as month, region, segment, lead_source, plan, opening_mrr, closing_mrr,
        {", ".join(MRR_MOVEMENTS)}
    from build.facts.fct_mrr_movements where period_grain = 'month'
),
cells as (
    select
        month,
        case
            when grouping(region) = 0 then 'region' when grouping(segment) = 0 then 'segment'
            when grouping(lead_source) = 0 then 'lead_source' else 'all'
        end as dimension,
        coalesce(region, segment, lead_source, 'all') as dimension_value,
        sum(opening_mrr) as opening_mrr, {", ".join(f"sum({name}) as {name}" for name in MRR_MOVEMENTS)},
        sum(closing_mrr) as closing_mrr
    from movements where movement_scope = 'account'
    group by grouping sets ((month), (month, region), (month, segment), (month, lead_source))
    union all
    select
        month, 'plan', plan, sum(opening_mrr), {", ".join(f"sum({name})" for name in MRR_MOVEMENTS)}, sum(closing_mrr)
    from movements where movement_scope = 'account_plan'
    group by month, plan
),
months as (
    select period_start as month from build.facts.dim_periods where period_grain = 'month'
),
every_month as (
    select month, dimension, dimension_value, opening_mrr, {", ".join(MRR_MOVEMENTS)}, closing_mrr from cells
    union all
    select month, 'all', 'all', 0, {", ".join("0" for _ in MRR_MOVEMENTS)}, 0
    from months anti join (from cells where dimension = 'all') using (month)
)
select
    month, dimension, dimension_value, cast(opening_mrr as {MONEY}) as opening_mrr,
    {", ".join(f"cast({name} as {MONEY}) as {name}" for name in MRR_MOVEMENTS)},
    cast(closing_mrr as {MONEY}) as closing_mrr
from every_month
"""

# Where each sale comes from: its deal and its subscription, as the order says.
SALE_ORIGINS = """
select
    sales.sale_id, sales.sale_type,
    case when sales.sale_type = 'deal' then sales.sale_id else orders.deal_id end as deal_id,
    orders.subscription_id
from build.facts.fct_sales as sales
left join build.staging.stg_billing__orders as orders
    on sales.sale_type = 'order' and sales.sale_id = orders.order_id
"""

BOOKINGS_TO_REVENUE = f"""
with
origins as ({SALE_ORIGINS}),
deals as (
    select deal_id, is_won, closed_on, amount from build.facts.fct_deals
),
months as (
    select period_start as month from build.facts.dim_periods where period_grain = 'month'
),
bookings as (
    select cast(date_trunc('month', closed_on) as date) as month, sum(amount) as bookings, count(*) as deals_won
    from deals where is_won group by all
),
lines as (
    select
        cast(date_trunc('month', lines.revenue_on) as date) as month,
        case
            when lines.line_type = 'refund' then 'refunds'
            when deals.is_won and date_trunc('month', deals.closed_on) = date_trunc('month', lines.revenue_on)
                then 'month'
            when deals.is_won and deals.closed_on < lines.revenue_on then 'earlier'
            when deals.deal_id is not null then 'not_won'
            when origins.subscription_id is not null then 'subscriptions'
            else 'direct'
        end as origin,
        lines.amount
    from build.facts.fct_revenue_lines as lines
    inner join origins using (sale_id)
    left join deals using (deal_id)
),
billed as (
    select
        month,
        coalesce(sum(amount) filter (origin = 'month'), 0) as billed_of_month_bookings,
        coalesce(sum(amount) filter (origin = 'earlier'), 0) as billed_of_earlier_bookings,
        coalesce(sum(amount) filter (origin = 'not_won'), 0) as billed_before_won,
        coalesce(sum(amount) filter (origin = 'subscriptions'), 0) as subscription_sales,
        coalesce(sum(amount) filter (origin = 'direct'), 0) as direct_sales,
        coalesce(-sum(amount) filter (origin = 'refunds'), 0) as refunds,
        sum(amount) as revenue
    from lines group by month
)
select
    month,
    cast(coalesce(bookings, 0) as {MONEY}) as bookings,
    coalesce(deals_won, 0) as deals_won,
    cast(coalesce(bookings, 0) - coalesce(billed_of_month_bookings, 0) as {MONEY}) as bookings_not_billed,
    cast(coalesce(billed_of_earlier_bookings, 0) as {MONEY}) as billed_of_earlier_bookings,
    cast(coalesce(billed_before_won, 0) as {MONEY}) as billed_before_won,
    cast(coalesce(subscription_sales, 0) as {MONEY}) as subscription_sales,
    cast(coalesce(direct_sales, 0) as {MONEY}) as direct_sales,
    cast(coalesce(refunds, 0) as {MONEY}) as refunds,
    cast(coalesce(revenue, 0) as {MONEY}) as revenue
from months left join bookings using (month) left join billed using (month)
"""
