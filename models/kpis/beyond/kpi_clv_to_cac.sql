with

periods as (
    select period_grain, period_start, balance_on, year_before_on from {{ ref('dim_periods') }}
),

customer_values as (
    select
        period_grain, period_start, {{ key_of('fct_customer_values') }} as fact_key, lead_source, year_revenue,
        year_margin_revenue, year_margin_cost, active_customers, active_year_before, lapsed_in_year
    from {{ ref('fct_customer_values') }}
),

acquisition as (
    {{ acquisition_costs() }}
),

acquisition_years as (
    select
        periods.period_grain, periods.period_start, acquisition.fact, acquisition.fact_key, acquisition.cost,
        acquisition.new_customers, acquisition.lead_source
    from acquisition
    inner join periods
        on acquisition.event_on > periods.year_before_on and acquisition.event_on <= periods.balance_on
),

-- what a customer brings in a year x what stays of it x how many years it stays; and cost / customers won
parts as (
    select
        period_grain, period_start, 'numerator: yearly revenue per customer' as part, 'fct_customer_values' as fact,
        fact_key, year_revenue as numerator, active_customers as denominator, lead_source
    from customer_values
    union all
    select
        period_grain, period_start, 'numerator: gross margin' as part, 'fct_customer_values' as fact, fact_key,
        year_margin_revenue - year_margin_cost as numerator, year_margin_revenue as denominator, lead_source
    from customer_values
    union all
    select
        period_grain, period_start, 'numerator: years a customer stays' as part, 'fct_customer_values' as fact,
        fact_key, active_year_before as numerator, lapsed_in_year as denominator, lead_source
    from customer_values
    union all
    select
        period_grain, period_start, 'denominator: acquisition cost' as part, fact, fact_key, cost as numerator,
        new_customers as denominator, lead_source
    from acquisition_years
),

{{ rows_behind('clv_to_cac', 'parts',
    cuts=['lead_source'], numerator='numerator', denominator='denominator', dated_by=none, part='part',
) }},

lifetime_values as (
    select period_grain, period_start, dimension, dimension_value, predicted_lifetime_value
    from {{ ref('kpi_customer_lifetime_value') }}
    where dimension in ('all', 'lead_source')
),

costs as (
    {{ acquisition_cost_of('acquisition_years') }}
),

-- a channel may have cost something and won nobody yet
compared as (
    {{ side_by_side('lifetime_values', ['predicted_lifetime_value'], 'costs', ['acquisition_cost']) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        predicted_lifetime_value as numerator,
        acquisition_cost as denominator,
        {{ ratio('predicted_lifetime_value', 'acquisition_cost') }} as metric_value,
        predicted_lifetime_value,
        acquisition_cost as customer_acquisition_cost
    from compared
)

{{ kpi_mart('clv_to_cac', extras=['predicted_lifetime_value', 'customer_acquisition_cost']) }}
