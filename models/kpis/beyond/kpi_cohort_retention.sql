with

-- the months that are over
months as (
    select period_start from {{ ref('dim_periods') }}
    where period_grain = 'month' and is_complete
),

customers as (
    select account_id, {{ period_start('month', 'became_customer_on') }} as cohort_month
    from {{ ref('fct_customers') }}
),

-- what a customer did in a month: bought, paid at its end, was active at its end
purchases as (
    select account_id, {{ period_start('month', 'sold_on') }} as month
    from {{ ref('fct_sales') }}
    where account_id <> 'unknown'
    group by account_id, {{ period_start('month', 'sold_on') }}
),

payers as (
    select account_id, period_start as month
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and period_grain = 'month' and closing_mrr > 0
),

active as (
    select account_id, period_start as month
    from {{ ref('fct_customer_periods') }}
    where period_grain = 'month' and is_active_at_end
),

-- what was refunded before the account came belongs to its first month
revenue as (
    select
        lines.account_id,
        greatest({{ period_start('month', 'lines.revenue_on') }}, customers.cohort_month) as month,
        sum(lines.amount) as revenue
    from {{ ref('fct_revenue_lines') }} as lines
    inner join customers on lines.account_id = customers.account_id
    group by
        lines.account_id, greatest({{ period_start('month', 'lines.revenue_on') }}, customers.cohort_month)
),

-- each customer in every month that is over, from its cohort's own on
ages as (
    select
        customers.cohort_month,
        customers.account_id,
        months.period_start as month,
        {{ months_between('customers.cohort_month', 'months.period_start') }} as age_months
    from customers
    inner join months on customers.cohort_month <= months.period_start
),

latest as (
    select cohort_month, max(age_months) as age_months from ages
    group by cohort_month
),

states as (
    select
        ages.cohort_month,
        ages.account_id,
        ages.age_months,
        ages.age_months = latest.age_months as is_latest,
        -- in the month itself all of them came
        ages.age_months = 0 or purchases.account_id is not null or payers.account_id is not null as is_retained,
        active.account_id is not null as is_active,
        sum(coalesce(revenue.revenue, 0)) over (
            partition by ages.account_id order by ages.month
        ) as revenue_to_date
    from ages
    inner join latest on ages.cohort_month = latest.cohort_month
    left join purchases on ages.account_id = purchases.account_id and ages.month = purchases.month
    left join payers on ages.account_id = payers.account_id and ages.month = payers.month
    left join active on ages.account_id = active.account_id and ages.month = active.month
    left join revenue on ages.account_id = revenue.account_id and ages.month = revenue.month
),

-- all stands for the latest month that is over; a cohort that has none yet is counted, and no more
moments as (
    select
        'month' as period_grain, cohort_month as period_start, account_id as fact_key, true as is_in_all,
        true as is_over, is_retained, is_active, revenue_to_date, cast(null as {{ text_type() }}) as months_since
    from states
    where is_latest
    union all
    select
        'month' as period_grain, cohort_month as period_start, account_id as fact_key, false as is_in_all,
        true as is_over, is_retained, is_active, revenue_to_date, {{ padded('age_months', 3) }} as months_since
    from states
    union all
    select
        'month' as period_grain, customers.cohort_month as period_start, customers.account_id as fact_key,
        true as is_in_all, false as is_over, false as is_retained, false as is_active, 0 as revenue_to_date,
        null as months_since
    from customers
    left join latest on customers.cohort_month = latest.cohort_month
    where latest.cohort_month is null
)

{{ kpi('cohort_retention', 'moments',
    cuts=['months_since'],
    numerator=one_if('is_retained'),
    denominator=one_if('is_over'),
    fact='fct_customers',
    sums={'cohort_customers': 'count(*)'},
    stats={
        'still_active': ratio(count_if('is_active'), count_if('is_over')),
        'revenue_per_customer': ratio('sum(revenue_to_date)', count_if('is_over')),
    },
    dated_by=none,
    grains=['month'],
    in_all='is_in_all',
    is_compared=false,
) }}
