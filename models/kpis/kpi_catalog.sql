with

metrics as (
    select
        metric_id, name_ko, name_en, article_position, category, unit, is_higher_better, formula, grains, over_members,
        over_periods, headline_position, needs, drill
    from {{ ref('metrics') }}
),

-- what never landed, though the metric needs it
missing as (
    select metric_id, {{ texts_together('missing_input') }} as missing_inputs
    from {{ ref('dim_missing_inputs') }}
    group by metric_id
),

names as (
    select metric_id, name_ko, article_position, true as is_primary_name from metrics
    union all
    select metric_id, name_ko, article_position, false as is_primary_name from {{ ref('metric_other_names') }}
)

select
    metrics.metric_id,
    names.name_ko,
    metrics.name_en,
    names.article_position,
    names.is_primary_name,
    metrics.category,
    metrics.unit,
    metrics.is_higher_better,
    metrics.formula,
    cast('kpi_' || metrics.metric_id as {{ text_type() }}) as mart,
    metrics.grains,
    metrics.over_members,
    metrics.over_periods,
    metrics.headline_position,
    metrics.needs,
    missing.missing_inputs,
    metrics.drill
from metrics
inner join names on metrics.metric_id = names.metric_id
left join missing on metrics.metric_id = missing.metric_id
