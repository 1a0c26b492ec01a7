{# When a deal counts as closed, for its judgement in staging and for its closing alike: decided here alone. #}

{# The last change of each deal into a closed stage: the body of a CTE. #}
{% macro last_closings() %}
    select changes.deal_id, max(changes.changed_at) as closed_at
    from {{ ref('stg_crm__deal_stage_changes') }} as changes
    inner join {{ ref('deal_stages') }} as stages on changes.stage = stages.stage
    where stages.is_won or stages.is_lost
    group by changes.deal_id
{% endmacro %}

{# The instant a deal in a closed stage was closed: without any date of its closing, when it was created. `closings` is
   a left join to last_closings(). #}
{% macro closing_instant(deals, closings) -%}
    coalesce({{ deals }}.closed_at, {{ closings }}.closed_at, {{ deals }}.updated_at, {{ deals }}.created_at)
{%- endmacro %}
