with

typed as (
    {{ typed_rows('crm', 'deal_stage_changes') }}
),

stages as (
    select stage from {{ ref('deal_stages') }}
),

{{ versioned_rows('crm', 'deal_stage_changes',
    joins='left join stages on typed.stage = stages.stage',
    more_reasons=["case when typed.stage is not null and stages.stage is null then 'unknown_stage' end"],
) }}
