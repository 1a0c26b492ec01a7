-- the stages of HubSpot's pipelines; those that seeds/deal_stages.csv has, too, are of that list
with

stages as (
    select stage, stage_order, probability, is_won, is_lost from {{ ref('hubspot__stages') }}
)

select
    stage,
    cast(min(stage_order) as integer) as stage_order,
    cast(
        coalesce(max(probability), max(case when is_won then 1 else 0 end)) as decimal(7, 6)
    ) as default_probability,
    is_won,
    is_lost
from stages
group by stage, is_won, is_lost
