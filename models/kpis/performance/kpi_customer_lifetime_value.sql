with

parts as (
    select
        period_grain, period_start, region, segment, lead_source, revenue_to_date, customers_to_date, year_revenue,
        year_margin_revenue, year_margin_cost, active_customers, active_year_before, lapsed_in_year
    from {{ ref('fct_customer_values') }}
),

rolled as (
    {{ roll_up('parts',
        cuts=['region', 'segment', 'lead_source'],
        sums={
            'revenue_to_date': 'sum(revenue_to_date)',
            'customers_to_date': 'sum(customers_to_date)',
            'year_revenue': 'sum(year_revenue)',
            'year_margin_revenue': 'sum(year_margin_revenue)',
            'year_margin_cost': 'sum(year_margin_cost)',
            'active_customers': 'sum(active_customers)',
            'active_year_before': 'sum(active_year_before)',
            'lapsed_in_year': 'sum(lapsed_in_year)',
        },
        dated_by=none,
    ) }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        revenue_to_date as numerator,
        customers_to_date as denominator,
        {{ ratio('revenue_to_date', 'customers_to_date') }} as metric_value,
        -- what a customer brings in a year x what stays of it x how many years it stays
        {{ ratio('year_revenue', 'active_customers') }}
        * {{ ratio('(year_margin_revenue - year_margin_cost)', 'year_margin_revenue') }}
        / nullif({{ ratio('lapsed_in_year', 'active_year_before') }}, 0) as predicted_lifetime_value
    from rolled
)

{{ kpi_mart('measured', 'customer_lifetime_value', extras=['predicted_lifetime_value']) }}
