with

months as (
    select period_start as month
    from {{ ref('dim_periods') }}
    where period_grain = 'month'
),

deals as (
    select deal_id, is_won, closed_on, {{ period_start('month', 'closed_on') }} as closed_month, amount
    from {{ ref('fct_deals') }}
),

origins as (
    select sale_id, deal_id, subscription_id
    from {{ ref('fin_sale_origins') }}
),

revenue_lines as (
    select
        sale_id, line_type, revenue_on, {{ period_start('month', 'revenue_on') }} as month, amount
    from {{ ref('fct_revenue_lines') }}
),

bookings as (
    select closed_month as month, sum(amount) as bookings, count(*) as deals_won
    from deals
    where is_won
    group by closed_month
),

-- a line is of one kind: a refund, of a deal won this month, earlier, or not by then, of a subscription, or of neither
lines as (
    select
        revenue_lines.month,
        case
            when revenue_lines.line_type = 'refund' then 'refund'
            when deals.is_won and deals.closed_month = revenue_lines.month then 'won_this_month'
            when deals.is_won and deals.closed_on < revenue_lines.revenue_on then 'won_earlier'
            when deals.deal_id is not null then 'not_won'
            when origins.subscription_id is not null then 'subscription'
            else 'direct'
        end as kind,
        revenue_lines.amount
    from revenue_lines
    inner join origins on revenue_lines.sale_id = origins.sale_id
    left join deals on origins.deal_id = deals.deal_id
),

billed as (
    select
        month,
        sum(case when kind = 'won_this_month' then amount else 0 end) as billed_of_month_bookings,
        sum(case when kind = 'won_earlier' then amount else 0 end) as billed_of_earlier_bookings,
        sum(case when kind = 'not_won' then amount else 0 end) as billed_before_won,
        sum(case when kind = 'subscription' then amount else 0 end) as subscription_sales,
        sum(case when kind = 'direct' then amount else 0 end) as direct_sales,
        sum(case when kind = 'refund' then -amount else 0 end) as refunds,
        sum(amount) as revenue
    from lines
    group by month
)

select
    months.month,
    cast(coalesce(bookings.bookings, 0) as {{ money() }}) as bookings,
    coalesce(bookings.deals_won, 0) as deals_won,
    cast(
        coalesce(bookings.bookings, 0) - coalesce(billed.billed_of_month_bookings, 0) as {{ money() }}
    ) as bookings_not_billed,
    cast(coalesce(billed.billed_of_earlier_bookings, 0) as {{ money() }}) as billed_of_earlier_bookings,
    cast(coalesce(billed.billed_before_won, 0) as {{ money() }}) as billed_before_won,
    cast(coalesce(billed.subscription_sales, 0) as {{ money() }}) as subscription_sales,
    cast(coalesce(billed.direct_sales, 0) as {{ money() }}) as direct_sales,
    cast(coalesce(billed.refunds, 0) as {{ money() }}) as refunds,
    cast(coalesce(billed.revenue, 0) as {{ money() }}) as revenue
from months
left join bookings on months.month = bookings.month
left join billed on months.month = billed.month
