with

customers as (
    select period_grain, period_start, account_id, segment, region
    from {{ ref('fct_customer_periods') }}
    where is_active_before
),

-- deals won, and products sold to a customer that had bought before, but not these
dated_expansions as (
    select account_id, closed_on as event_on, deal_type as expansion_type
    from {{ ref('fct_deals') }}
    where is_won and deal_type in ('upsell', 'cross_sell')
    union all
    select account_id, sold_on as event_on, 'cross_sell' as expansion_type
    from {{ ref('fct_product_first_sales') }}
    where account_sale_number > 1
),

-- and MRR that grew between the ends of the period, exchange rates aside
expansions as (
    select periods.period_grain, periods.period_start, dated_expansions.account_id, dated_expansions.expansion_type
    from dated_expansions
    inner join {{ ref('dim_period_dates') }} as periods on dated_expansions.event_on = periods.date_on
    union all
    select period_grain, period_start, account_id, 'upsell' as expansion_type
    from {{ ref('fct_mrr_movements') }}
    where movement_scope = 'account' and movement = 'expansion'
),

account_expansions as (
    select
        period_grain,
        period_start,
        account_id,
        bool_or(expansion_type = 'upsell') as is_upsold,
        bool_or(expansion_type = 'cross_sell') as is_cross_sold
    from expansions
    group by period_grain, period_start, account_id
),

-- a customer counts once, whatever they bought on top
customer_expansions as (
    select
        customers.period_grain,
        customers.period_start,
        {{ key_of('fct_customer_periods', 'customers') }} as fact_key,
        coalesce(account_expansions.is_upsold, false) as is_upsold,
        coalesce(account_expansions.is_cross_sold, false) as is_cross_sold,
        customers.segment,
        customers.region
    from customers
    left join account_expansions
        on customers.period_grain = account_expansions.period_grain
        and customers.period_start = account_expansions.period_start
        and customers.account_id = account_expansions.account_id
)

{{ kpi('upsell_cross_sell_rate', 'customer_expansions',
    cuts=['segment', 'region'],
    numerator=one_if('is_upsold or is_cross_sold'),
    denominator='1',
    fact='fct_customer_periods',
    sums={'upsold_customers': count_if('is_upsold'), 'cross_sold_customers': count_if('is_cross_sold')},
    dated_by=none,
) }}
