with

periods as (
    select period_grain, period_start, balance_on, opening_on
    from {{ ref('dim_periods') }}
),

intervals as (
    select account_id, active_from, active_to from {{ ref('fct_customer_active_intervals') }}
),

-- an account active on the day before a period, at its end, or both
balances as (
    select
        periods.period_grain, periods.period_start, periods.opening_on, intervals.account_id, 1 as opening,
        0 as closing
    from intervals
    inner join periods on periods.opening_on >= intervals.active_from and periods.opening_on < intervals.active_to
    union all
    select
        periods.period_grain, periods.period_start, periods.opening_on, intervals.account_id, 0 as opening,
        1 as closing
    from intervals
    inner join periods on periods.balance_on >= intervals.active_from and periods.balance_on < intervals.active_to
),

customers as (
    select
        period_grain,
        period_start,
        opening_on,
        account_id,
        max(opening) = 1 as is_active_before,
        max(closing) = 1 as is_active_at_end
    from balances
    group by period_grain, period_start, opening_on, account_id
)

select
    customers.period_grain,
    customers.period_start,
    customers.account_id,
    {{ known('accounts.region') }} as region,
    {{ known('accounts.segment') }} as segment,
    {{ known('accounts.lead_source') }} as lead_source,
    customers.is_active_before,
    customers.is_active_at_end
from customers
-- what an account was on the day before the period: who was there then is kept or lost
{{ join_account('customers.account_id', 'customers.opening_on') }}
