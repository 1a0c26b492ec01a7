with

parts as (
    select
        period_grain, period_start, lead_source, year_revenue, year_margin_revenue, year_margin_cost, active_customers
    from {{ ref('fct_customer_values') }}
),

rolled as (
    {{ roll_up('parts',
        cuts=['lead_source'],
        sums={
            'year_revenue': 'sum(year_revenue)',
            'year_margin_revenue': 'sum(year_margin_revenue)',
            'year_margin_cost': 'sum(year_margin_cost)',
            'active_customers': 'sum(active_customers)',
        },
        dated_by=none,
    ) }}
),

costs as (
    select period_grain, period_start, dimension, dimension_value, metric_value as acquisition_cost
    from {{ ref('kpi_customer_acquisition_cost') }}
),

-- what an active customer leaves in a month, over the last twelve
profits as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        {{ ratio('year_revenue', 'active_customers') }} / 12
        * {{ ratio('(year_margin_revenue - year_margin_cost)', 'year_margin_revenue') }} as monthly_gross_profit
    from rolled
),

measured as (
    select
        profits.period_grain,
        profits.period_start,
        profits.dimension,
        profits.dimension_value,
        costs.acquisition_cost as numerator,
        profits.monthly_gross_profit as denominator,
        case
            when profits.monthly_gross_profit > 0
                then {{ ratio('costs.acquisition_cost', 'profits.monthly_gross_profit') }}
        end as metric_value
    from profits
    left join costs
        on profits.period_grain = costs.period_grain
        and profits.period_start = costs.period_start
        and profits.dimension = costs.dimension
        and profits.dimension_value = costs.dimension_value
)

{{ kpi_mart('measured', 'cac_payback_months') }}
