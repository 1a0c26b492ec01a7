with

-- per period each known account that bought, and whether it had bought before that purchase
buyers as (
    select
        periods.period_grain,
        periods.period_start,
        sales.account_id,
        sales.region,
        sales.segment,
        sales.lead_source,
        max(sales.account_sale_number) > 1 as is_repeat
    from {{ ref('fct_sales') }} as sales
    inner join {{ ref('dim_period_dates') }} as periods on sales.sold_on = periods.date_on
    where sales.account_id <> 'unknown'
    group by
        periods.period_grain, periods.period_start, sales.account_id, sales.region, sales.segment, sales.lead_source
),

rolled as (
    {{ roll_up('buyers',
        cuts=['region', 'segment', 'lead_source'],
        sums={'repeat_buyers': count_if('is_repeat'), 'buyers': 'count(*)'},
        dated_by=none,
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        repeat_buyers as numerator,
        buyers as denominator,
        {{ ratio('repeat_buyers', 'buyers') }} as metric_value
    from rolled
)

{{ kpi_mart('measured', 'repeat_purchase_rate') }}
