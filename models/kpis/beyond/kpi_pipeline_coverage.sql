with

pipeline as (
    select period_grain, period_start, dimension, dimension_value, numerator as open_amount
    from {{ ref('kpi_pipeline_value') }}
    where period_grain in ('month', 'quarter', 'year') and dimension in ('all', 'team', 'region')
),

attainment as (
    select period_grain, period_start, dimension, dimension_value, gap_amount
    from {{ ref('kpi_sales_target_attainment') }}
    where target_amount is not null
),

-- a team may have a pipeline without a target, or a target without a pipeline
members as (
    select period_grain, period_start, dimension, dimension_value from pipeline
    union
    select period_grain, period_start, dimension, dimension_value from attainment
),

-- a target that is beaten lacks nothing, so there is nothing to cover
measured as (
    select
        members.period_grain,
        members.period_start,
        members.dimension,
        members.dimension_value,
        coalesce(pipeline.open_amount, 0) as numerator,
        case when attainment.gap_amount > 0 then attainment.gap_amount end as denominator,
        case
            when attainment.gap_amount > 0
                then {{ ratio('coalesce(pipeline.open_amount, 0)', 'attainment.gap_amount') }}
        end as metric_value
    from members
    left join pipeline
        on members.period_grain = pipeline.period_grain
        and members.period_start = pipeline.period_start
        and members.dimension = pipeline.dimension
        and members.dimension_value = pipeline.dimension_value
    left join attainment
        on members.period_grain = attainment.period_grain
        and members.period_start = attainment.period_start
        and members.dimension = attainment.dimension
        and members.dimension_value = attainment.dimension_value
)

{{ kpi_mart('measured', 'pipeline_coverage') }}
