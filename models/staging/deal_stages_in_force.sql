{{ config(materialized='view') }}

-- the stages a deal passes through: those of seeds/deal_stages.csv, then those that source systems bring along under
-- names that it lacks
with

listed as (
    select stage, stage_order, default_probability, is_won, is_lost from {{ ref('deal_stages') }}
),

brought as (
    {% for model in source_models('deal_stages') %}
    select stage, stage_order, default_probability, is_won, is_lost, {{ loop.index }} as system_number
    from {{ ref(model) }}
    union all
    {% endfor %}
    select
        cast(null as {{ text_type() }}) as stage,
        cast(null as integer) as stage_order,
        cast(null as decimal(7, 6)) as default_probability,
        cast(null as boolean) as is_won,
        cast(null as boolean) as is_lost,
        0 as system_number
    where false
),

last_listed as (
    select max(stage_order) as stage_order from listed
),

-- behind the listed ones, in the order of their systems
numbered as (
    select
        brought.stage,
        cast(
            last_listed.stage_order
            + row_number() over (order by brought.system_number, brought.stage_order, brought.stage) as integer
        ) as stage_order,
        brought.default_probability,
        brought.is_won,
        brought.is_lost
    from brought
    cross join last_listed
    left join listed on brought.stage = listed.stage
    where listed.stage is null
)

select stage, stage_order, default_probability, is_won, is_lost from listed
union all
select stage, stage_order, default_probability, is_won, is_lost from numbered
