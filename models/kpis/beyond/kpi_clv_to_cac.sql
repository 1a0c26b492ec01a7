with

lifetime_values as (
    select period_grain, period_start, dimension, dimension_value, metric_value, predicted_lifetime_value
    from {{ ref('kpi_customer_lifetime_value') }}
    where dimension in ('all', 'lead_source')
),

costs as (
    select period_grain, period_start, dimension, dimension_value, metric_value
    from {{ ref('kpi_customer_acquisition_cost') }}
),

-- a channel may have cost something and won nobody yet
members as (
    select period_grain, period_start, dimension, dimension_value from lifetime_values
    union
    select period_grain, period_start, dimension, dimension_value from costs
),

-- a source without a cost in the period has no ratio
measured as (
    select
        members.period_grain,
        members.period_start,
        members.dimension,
        members.dimension_value,
        lifetime_values.predicted_lifetime_value as numerator,
        costs.metric_value as denominator,
        {{ ratio('lifetime_values.predicted_lifetime_value', 'costs.metric_value') }} as metric_value,
        {{ ratio('lifetime_values.metric_value', 'costs.metric_value') }} as realised_clv_to_cac
    from members
    left join lifetime_values
        on members.period_grain = lifetime_values.period_grain
        and members.period_start = lifetime_values.period_start
        and members.dimension = lifetime_values.dimension
        and members.dimension_value = lifetime_values.dimension_value
    left join costs
        on members.period_grain = costs.period_grain
        and members.period_start = costs.period_start
        and members.dimension = costs.dimension
        and members.dimension_value = costs.dimension_value
)

{{ kpi_mart('measured', 'clv_to_cac', extras=['realised_clv_to_cac']) }}
