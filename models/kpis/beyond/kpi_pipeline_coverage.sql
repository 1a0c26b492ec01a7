with

pipeline as (
    select period_grain, period_start, dimension, dimension_value, numerator as open_amount
    from {{ ref('kpi_pipeline_value') }}
),

attainment as (
    select period_grain, period_start, dimension, dimension_value, gap_amount
    from {{ ref('kpi_sales_target_attainment') }}
    where target_amount is not null or dimension = 'all'
),

-- a target that is beaten lacks nothing, so there is nothing to cover
measured as (
    select
        attainment.period_grain,
        attainment.period_start,
        attainment.dimension,
        attainment.dimension_value,
        coalesce(pipeline.open_amount, 0) as numerator,
        case when attainment.gap_amount > 0 then attainment.gap_amount end as denominator,
        case
            when attainment.gap_amount > 0 then {{ ratio('coalesce(pipeline.open_amount, 0)', 'attainment.gap_amount') }}
        end as metric_value
    from attainment
    left join pipeline
        on attainment.period_grain = pipeline.period_grain
        and attainment.period_start = pipeline.period_start
        and attainment.dimension = pipeline.dimension
        and attainment.dimension_value = pipeline.dimension_value
)

{{ kpi_mart('measured', 'pipeline_coverage') }}
