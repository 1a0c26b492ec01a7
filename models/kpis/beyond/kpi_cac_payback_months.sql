with

parts as (
    select
        period_grain, period_start, lead_source, year_revenue, year_margin_revenue, year_margin_cost,
        active_customers, active_year_before
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
            'active_year_before': 'sum(active_year_before)',
        },
        dated_by=none,
    ) }}
),

costs as (
    select period_grain, period_start, dimension, dimension_value, metric_value as acquisition_cost
    from {{ ref('kpi_customer_acquisition_cost') }}
),

-- what an active customer leaves in a month, over the last twelve: unknown where there were no customers that long ago
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

-- a channel may have cost something and won nobody yet
members as (
    select period_grain, period_start, dimension, dimension_value from profits
    union
    select period_grain, period_start, dimension, dimension_value from costs
),

measured as (
    select
        members.period_grain,
        members.period_start,
        members.dimension,
        members.dimension_value,
        costs.acquisition_cost as numerator,
        profits.monthly_gross_profit as denominator,
        case
            when profits.monthly_gross_profit > 0
                then {{ ratio('costs.acquisition_cost', 'profits.monthly_gross_profit') }}
        end as metric_value
    from members
    left join profits
        on members.period_grain = profits.period_grain
        and members.period_start = profits.period_start
        and members.dimension = profits.dimension
        and members.dimension_value = profits.dimension_value
    left join costs
        on members.period_grain = costs.period_grain
        and members.period_start = costs.period_start
        and members.dimension = costs.dimension
        and members.dimension_value = costs.dimension_value
)

{{ kpi_mart('measured', 'cac_payback_months') }}
