with

months as (
    select period_start, period_end, balance_on from {{ ref('dim_periods') }}
    where period_grain = 'month'
),

customers as (
    select account_id, {{ period_start('month', 'became_customer_on') }} as cohort_month from {{ ref('fct_customers') }}
),

intervals as (
    select account_id, active_from, active_to from {{ ref('fct_customer_active_intervals') }}
),

sizes as (
    select cohort_month, count(*) as cohort_size from customers
    group by cohort_month
),

-- every month end that a cohort has lived to see, from its own on
ages as (
    select
        sizes.cohort_month,
        sizes.cohort_size,
        months.balance_on,
        {{ months_between('sizes.cohort_month', 'months.period_start') }} as months_since
    from sizes
    inner join months on sizes.cohort_month <= months.period_start and months.period_end <= {{ as_of_date() }}
),

active as (
    select ages.cohort_month, ages.months_since, count(*) as active_customers
    from ages
    inner join customers on ages.cohort_month = customers.cohort_month
    inner join intervals
        on customers.account_id = intervals.account_id
        and ages.balance_on >= intervals.active_from
        and ages.balance_on < intervals.active_to
    group by ages.cohort_month, ages.months_since
),

active_now as (
    select customers.cohort_month, count(*) as active_customers
    from customers
    inner join intervals
        on customers.account_id = intervals.account_id
        and {{ as_of_date() }} >= intervals.active_from
        and {{ as_of_date() }} < intervals.active_to
    group by customers.cohort_month
),

-- all: how many of the month's customers are active today; months_since: how many were, so many months on
measured as (
    select
        'month' as period_grain,
        months.period_start,
        'all' as dimension,
        'all' as dimension_value,
        coalesce(active_now.active_customers, 0) as numerator,
        coalesce(sizes.cohort_size, 0) as denominator,
        {{ ratio('coalesce(active_now.active_customers, 0)', 'sizes.cohort_size') }} as metric_value
    from months
    left join sizes on months.period_start = sizes.cohort_month
    left join active_now on months.period_start = active_now.cohort_month
    union all
    select
        'month' as period_grain,
        ages.cohort_month as period_start,
        'months_since' as dimension,
        {{ padded('ages.months_since', 3) }} as dimension_value,
        coalesce(active.active_customers, 0) as numerator,
        ages.cohort_size as denominator,
        {{ ratio('coalesce(active.active_customers, 0)', 'ages.cohort_size') }} as metric_value
    from ages
    left join active on ages.cohort_month = active.cohort_month and ages.months_since = active.months_since
)

{{ kpi_mart('measured', 'cohort_retention') }}
