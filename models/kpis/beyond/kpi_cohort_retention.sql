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

-- each customer today, and at every month end that the cohort has lived to see, from its own on
moments as (
    select
        account_id, cohort_month, true as is_in_all, {{ as_of_date() }} as moment_on,
        cast(null as {{ text_type() }}) as months_since
    from customers
    union all
    select
        customers.account_id, customers.cohort_month, false as is_in_all, months.balance_on as moment_on,
        {{ padded(months_between('customers.cohort_month', 'months.period_start'), 3) }} as months_since
    from customers
    inner join months on customers.cohort_month <= months.period_start and months.period_end <= {{ as_of_date() }}
),

ages as (
    select
        'month' as period_grain, moments.cohort_month as period_start, moments.account_id as fact_key,
        moments.is_in_all, intervals.account_id is not null as is_active, moments.months_since
    from moments
    left join intervals
        on moments.account_id = intervals.account_id
        and moments.moment_on >= intervals.active_from
        and moments.moment_on < intervals.active_to
)

{{ kpi('cohort_retention', 'ages',
    cuts=['months_since'],
    numerator=one_if('is_active'),
    denominator='1',
    fact='fct_customers',
    dated_by=none,
    grains=['month'],
    in_all='is_in_all',
) }}
