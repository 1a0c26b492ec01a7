with

names as (
    select name_ko, metric_id, article_position, is_primary_name from {{ ref('metric_names') }}
),

metrics as (
    select
        metric_id, name_en, category, unit, is_higher_better, formula, grains, over_members, over_periods,
        headline_position, needs, drill
    from {{ ref('metrics') }}
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
    metrics.drill
from metrics
inner join names on metrics.metric_id = names.metric_id
