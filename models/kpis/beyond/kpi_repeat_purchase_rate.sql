with

-- what a subscription bills is no purchase
purchases as (
    select account_id, sold_on, region, segment, lead_source, account_purchase_number as purchase_number
    from {{ ref('fct_sales') }}
    where account_id <> 'unknown' and account_purchase_number is not null
),

-- per period each known account that bought, and whether it had bought before that purchase
buyers as (
    select
        periods.period_grain,
        periods.period_start,
        purchases.account_id as fact_key,
        purchases.region,
        purchases.segment,
        purchases.lead_source,
        max(purchases.purchase_number) > 1 as is_repeat
    from purchases
    inner join {{ ref('dim_period_dates') }} as periods on purchases.sold_on = periods.date_on
    group by
        periods.period_grain, periods.period_start, purchases.account_id, purchases.region, purchases.segment,
        purchases.lead_source
)

{{ kpi('repeat_purchase_rate', 'buyers',
    cuts=['region', 'segment', 'lead_source'],
    numerator=one_if('is_repeat'),
    denominator='1',
    fact='fct_customers',
    dated_by=none,
) }}
