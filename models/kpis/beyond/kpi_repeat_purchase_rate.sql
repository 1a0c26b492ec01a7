with

-- per period each known account that bought, and whether it had bought before that purchase
buyers as (
    select
        periods.period_grain,
        periods.period_start,
        sales.account_id as fact_key,
        sales.region,
        sales.segment,
        sales.lead_source,
        max(sales.account_sale_number) > 1 as is_repeat
    from {{ ref('fct_sales') }} as sales
    inner join {{ ref('dim_period_dates') }} as periods on sales.sold_on = periods.date_on
    where sales.account_id <> 'unknown'
    group by
        periods.period_grain, periods.period_start, sales.account_id, sales.region, sales.segment, sales.lead_source
)

{{ kpi('repeat_purchase_rate', 'buyers',
    cuts=['region', 'segment', 'lead_source'],
    numerator=one_if('is_repeat'),
    denominator='1',
    fact='fct_customers',
    dated_by=none,
) }}
