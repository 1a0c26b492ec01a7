with

revenue as (
    select period_grain, period_start, dimension, dimension_value, refunds, gross_revenue
    from {{ ref('kpi_revenue') }}
),

measured as (
    select
        period_grain,
        period_start,
        dimension,
        dimension_value,
        refunds as numerator,
        gross_revenue as denominator,
        {{ ratio('refunds', 'gross_revenue') }} as metric_value
    from revenue
)

{{ kpi_mart('measured', 'refund_rate') }}
