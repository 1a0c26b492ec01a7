{# When a deal counts as closed, for its judgement in staging and for its closing alike: decided here alone. #}

{# The last change of each deal into a closed stage: the body of a CTE. #}
{% macro last_closings() %}
    select deal_id, changed_at as closed_at, changed_at_is_day as closed_at_is_day
    from (
        select
            changes.deal_id, changes.changed_at, changes.changed_at_is_day,
            row_number() over (
                partition by changes.deal_id order by changes.changed_at desc, changes.stage
            ) as closing_number
        from {{ ref('stg_crm__deal_stage_changes') }} as changes
        inner join {{ ref('deal_stages_in_force') }} as stages on changes.stage = stages.stage
        where stages.is_won or stages.is_lost
    ) as closings
    where closing_number = 1
{% endmacro %}

{# The instant a deal in a closed stage was closed: without any date of its closing, when it was created. `closings` is
   a left join to last_closings(). #}
{% macro closing_instant(deals, closings) -%}
    coalesce({{ deals }}.closed_at, {{ closings }}.closed_at, {{ deals }}.updated_at, {{ deals }}.created_at)
{%- endmacro %}

{# Whether closing_instant() is a day alone. #}
{% macro closing_is_day(deals, closings) -%}
    case
        when {{ deals }}.closed_at is not null then {{ deals }}.closed_at_is_day
        when {{ closings }}.closed_at is not null then {{ closings }}.closed_at_is_day
        when {{ deals }}.updated_at is not null then {{ deals }}.updated_at_is_day
        else {{ deals }}.created_at_is_day
    end
{%- endmacro %}
