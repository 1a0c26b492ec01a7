with

periods as (
    select period_grain, period_start, balance_on, year_before_on from {{ ref('dim_periods') }}
),

accounts as (
    select account_id, region, segment, lead_source, valid_from, valid_to from {{ ref('dim_account_versions') }}
),

-- what known accounts brought, and what it cost, and when they became customers
events as (
    select
        revenue_on as event_on, account_id, amount as revenue, 0 as customers,
        cast(0 as {{ money() }}) as margin_revenue, cast(0 as {{ money() }}) as margin_cost
    from {{ ref('fct_revenue_lines') }}
    where account_id <> 'unknown'
    union all
    select
        became_customer_on as event_on, account_id, 0 as revenue, 1 as customers, 0 as margin_revenue, 0 as margin_cost
    from {{ ref('fct_customers') }}
    union all
    select
        revenue_on as event_on, account_id, 0 as revenue, 0 as customers, amount as margin_revenue,
        cost_amount as margin_cost
    from {{ ref('fct_margin_lines') }}
    where account_id <> 'unknown'
),

-- day by day; all of an account's counts where the account is at the time: from its day on, while a version is in force
daily as (
    select
        events.event_on,
        {{ later_start('events.event_on', ['accounts']) }} as counted_from,
        {{ earlier_end(end_of_time(), ['accounts']) }} as counted_to,
        accounts.region,
        accounts.segment,
        accounts.lead_source,
        sum(events.revenue) as revenue,
        sum(events.customers) as customers,
        sum(events.margin_revenue) as margin_revenue,
        sum(events.margin_cost) as margin_cost
    from events
    inner join accounts on events.account_id = accounts.account_id
    group by
        events.event_on,
        {{ later_start('events.event_on', ['accounts']) }},
        {{ earlier_end(end_of_time(), ['accounts']) }},
        accounts.region,
        accounts.segment,
        accounts.lead_source
),

-- everything up to the period's end, and of it the last twelve months
to_date as (
    select
        periods.period_grain,
        periods.period_start,
        daily.region,
        daily.segment,
        daily.lead_source,
        sum(daily.revenue) as revenue_to_date,
        sum(daily.customers) as customers_to_date,
        {{ sum_if('daily.revenue', 'daily.event_on > periods.year_before_on') }} as year_revenue,
        {{ sum_if('daily.margin_revenue', 'daily.event_on > periods.year_before_on') }} as year_margin_revenue,
        {{ sum_if('daily.margin_cost', 'daily.event_on > periods.year_before_on') }} as year_margin_cost
    from daily
    inner join periods on periods.balance_on >= daily.counted_from and periods.balance_on < daily.counted_to
    group by periods.period_grain, periods.period_start, daily.region, daily.segment, daily.lead_source
),

intervals as (
    select intervals.account_id, intervals.active_from, intervals.active_to
    from {{ ref('fct_customer_active_intervals') }} as intervals
),

-- customers active now, those active a year before, and of these the ones that are no longer
active_now as (
    select periods.period_grain, periods.period_start, periods.balance_on, intervals.account_id
    from intervals
    inner join periods on periods.balance_on >= intervals.active_from and periods.balance_on < intervals.active_to
),

active_before as (
    select periods.period_grain, periods.period_start, periods.balance_on, intervals.account_id
    from intervals
    inner join periods
        on periods.year_before_on >= intervals.active_from and periods.year_before_on < intervals.active_to
),

activity as (
    select
        coalesce(active_now.period_grain, active_before.period_grain) as period_grain,
        coalesce(active_now.period_start, active_before.period_start) as period_start,
        coalesce(active_now.balance_on, active_before.balance_on) as balance_on,
        coalesce(active_now.account_id, active_before.account_id) as account_id,
        active_now.account_id is not null as is_active,
        active_before.account_id is not null as was_active
    from active_now
    full outer join active_before
        on active_now.period_grain = active_before.period_grain
        and active_now.period_start = active_before.period_start
        and active_now.account_id = active_before.account_id
),

parts as (
    select
        period_grain, period_start, region, segment, lead_source, revenue_to_date, customers_to_date, year_revenue,
        year_margin_revenue, year_margin_cost, 0 as active_customers, 0 as active_year_before, 0 as lapsed_in_year
    from to_date
    union all
    select
        activity.period_grain, activity.period_start, accounts.region, accounts.segment, accounts.lead_source,
        0 as revenue_to_date, 0 as customers_to_date, 0 as year_revenue, 0 as year_margin_revenue,
        0 as year_margin_cost,
        {{ count_if('activity.is_active') }} as active_customers,
        {{ count_if('activity.was_active') }} as active_year_before,
        {{ count_if('activity.was_active and not activity.is_active') }} as lapsed_in_year
    from activity
    {{ join_account('activity.account_id', 'activity.balance_on') }}
    group by activity.period_grain, activity.period_start, accounts.region, accounts.segment, accounts.lead_source
)

select
    period_grain,
    period_start,
    region,
    segment,
    lead_source,
    cast(sum(revenue_to_date) as {{ money() }}) as revenue_to_date,
    cast(sum(customers_to_date) as bigint) as customers_to_date,
    cast(sum(year_revenue) as {{ money() }}) as year_revenue,
    cast(sum(year_margin_revenue) as {{ money() }}) as year_margin_revenue,
    cast(sum(year_margin_cost) as {{ money() }}) as year_margin_cost,
    cast(sum(active_customers) as bigint) as active_customers,
    cast(sum(active_year_before) as bigint) as active_year_before,
    cast(sum(lapsed_in_year) as bigint) as lapsed_in_year
from parts
group by period_grain, period_start, region, segment, lead_source
