select
    metric_id,
    name_ko,
    name_en,
    article_position,
    is_primary_name,
    category,
    unit,
    is_higher_better,
    formula,
    mart
from {{ ref('metric_catalog') }}
