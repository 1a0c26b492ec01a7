with

lifetime_values as (
    select
        period_grain, period_start, dimension, dimension_value, metric_value as realised_value,
        predicted_lifetime_value
    from {{ ref('kpi_customer_lifetime_value') }}
    where dimension in ('all', 'lead_source')
),

costs as (
    select period_grain, period_start, dimension, dimension_value, metric_value as acquisition_cost
    from {{ ref('kpi_customer_acquisition_cost') }}
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
        dates.period_grain, dates.period_start, 'denominator: acquisition cost' as part, acquisition.fact,
        acquisition.fact_key, acquisition.cost as numerator, acquisition.new_customers as denominator,
        acquisition.lead_source
    from acquisition
    inner join {{ ref('dim_period_dates') }} as dates on acquisition.event_on = dates.date_on
),

{{ rows_behind('clv_to_cac', 'parts',
    cuts=['lead_source'], numerator='numerator', denominator='denominator', dated_by=none, part='part',
) }},

-- a channel may have cost something and won nobody yet
compared as (
    {{ side_by_side('lifetime_values', ['realised_value', 'predicted_lifetime_value'], 'costs', ['acquisition_cost']) }}
),

-- a source without a cost in the period has no ratio
measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        predicted_lifetime_value as numerator,
        acquisition_cost as denominator,
        {{ ratio('predicted_lifetime_value', 'acquisition_cost') }} as metric_value,
        {{ ratio('realised_value', 'acquisition_cost') }} as realised_clv_to_cac
    from compared
)

{{ kpi_mart('clv_to_cac', extras=['realised_clv_to_cac']) }}
