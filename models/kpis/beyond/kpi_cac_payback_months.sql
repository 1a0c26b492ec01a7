with

customer_values as (
    select
        period_grain, period_start, {{ key_of('fct_customer_values') }} as fact_key, lead_source, year_revenue,
        year_margin_revenue, year_margin_cost, active_customers, active_year_before
    from {{ ref('fct_customer_values') }}
),

acquisition as (
    {{ acquisition_costs() }}
),

-- cost / customers won, and what an active customer leaves in a month of the last twelve: unknown where there were no
-- customers that long ago
parts as (
    select
        dates.period_grain, dates.period_start, 'numerator: acquisition cost' as part, acquisition.fact,
        acquisition.fact_key, acquisition.cost as numerator, acquisition.new_customers as denominator,
        acquisition.lead_source
    from acquisition
    inner join {{ ref('dim_period_dates') }} as dates on acquisition.event_on = dates.date_on
    union all
    select
        period_grain, period_start, 'denominator: monthly revenue per customer' as part, 'fct_customer_values' as fact,
        fact_key, year_revenue / 12 as numerator, active_customers as denominator, lead_source
    from customer_values
    union all
    select
        period_grain, period_start, 'denominator: gross margin' as part, 'fct_customer_values' as fact, fact_key,
        year_margin_revenue - year_margin_cost as numerator, year_margin_revenue as denominator, lead_source
    from customer_values
    union all
    select
        period_grain, period_start, 'denominator: customers a year before' as part, 'fct_customer_values' as fact,
        fact_key, active_year_before as numerator, active_year_before as denominator, lead_source
    from customer_values
),

{{ rows_behind('cac_payback_months', 'parts',
    cuts=['lead_source'], numerator='numerator', denominator='denominator', dated_by=none, part='part',
) }},

rolled as (
    {{ roll_up('customer_values',
        cuts=['lead_source'],
        sums={
            'year_revenue': 'sum(year_revenue)',
            'year_margin_revenue': 'sum(year_margin_revenue)',
            'year_margin_cost': 'sum(year_margin_cost)',
            'active_customers': 'sum(active_customers)',
            'active_year_before': 'sum(active_year_before)',
        },
        dated_by=none,
    ) }}
),

profits as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        case
            when active_year_before > 0
                then
                    {{ ratio('year_revenue', 'active_customers') }} / 12
                    * {{ ratio('(year_margin_revenue - year_margin_cost)', 'year_margin_revenue') }}
        end as monthly_gross_profit
    from rolled
),

costs as (
    select period_grain, period_start, dimension, dimension_value, metric_value as acquisition_cost
    from {{ ref('kpi_customer_acquisition_cost') }}
),

-- a channel may have cost something and won nobody yet
compared as (
    {{ side_by_side('profits', ['monthly_gross_profit'], 'costs', ['acquisition_cost']) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        acquisition_cost as numerator,
        monthly_gross_profit as denominator,
        case
            when monthly_gross_profit > 0 then {{ ratio('acquisition_cost', 'monthly_gross_profit') }}
        end as metric_value
    from compared
)

{{ kpi_mart('cac_payback_months') }}
