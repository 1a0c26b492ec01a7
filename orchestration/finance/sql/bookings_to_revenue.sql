insert into finance.bookings_to_revenue
select
    month, is_closed, version,
    month + interval 1 month <= cast(? as date) as is_complete,
    bookings, deals_won, bookings_not_billed, billed_of_earlier_bookings, billed_before_won, subscription_sales,
    direct_sales, refunds, revenue
from bridge_months
order by month
