{#
    The view drill.<metric>: the rows behind a metric, made from the same definition as its mart.

    A figure (period_grain, period_start, dimension, dimension_value) of the mart is the sum of the view's rows
    - of its period: event_on lies in it, or, where the row names its period itself, period_grain and period_start are it;
    - of its member: the cut's column equals dimension_value; for dimension `all`: is_in_all.
    tests/test_drill.py holds that of every cell. docs/metrics/README.md says how to read a view with parts.
#}

{# How a mart's SQL says where its rows end: up to here, and `select from behind`, is the view. #}
{% macro end_of_rows() %}/* end of the rows behind */{% endmacro %}

{# The CTE `behind` (without a comma after it): what each row adds, its date or period, its members and its fact. #}
{% macro rows_behind(
    metric_id, relation, cuts, numerator, denominator=none, fact=none, dated_by='event_on', in_all=none, part=none
) %}
behind as (
    select
        '{{ metric_id }}' as metric_id,
        {{ part or "cast(null as " ~ text_type() ~ ")" }} as part,
        {{ dated_by or "cast(null as date)" }} as event_on,
        {{ "cast(null as " ~ text_type() ~ ")" if dated_by else "period_grain" }} as period_grain,
        {{ "cast(null as date)" if dated_by else "period_start" }} as period_start,
        {{ in_all or 'true' }} as is_in_all,
        {{ "'" ~ fact ~ "'" if fact else 'fact' }} as fact,
        cast(fact_key as {{ text_type() }}) as fact_key,
        cast({{ numerator }} as decimal(38, 10)) as numerator,
        cast({{ denominator or 'null' }} as decimal(38, 10)) as denominator
        {%- for cut in cuts %},
        {{ cut_column(cut) }}
        {%- endfor %}
    from {{ relation }}
)
{{ end_of_rows() }}
{%- endmacro %}

{# What a row adds, in units of so many: minutes in hours. #}
{% macro in_units(expression, per=none) %}{{ return(expression ~ ' / ' ~ per ~ '.0' if per else expression) }}{% endmacro %}

{# Creates the view of a mart; a post-hook of models/kpis. Names no database, so that the view holds in a copy, too. #}
{% macro create_drill_view() %}
    {%- if execute and end_of_rows() in (model.compiled_code or '') -%}
        {%- set rows = model.compiled_code.split(end_of_rows())[0] | replace('"' ~ this.database ~ '".', '') -%}
        create or replace view drill.{{ this.identifier | replace('kpi_', '', 1) }} as
        {{ rows }} select * from behind
    {%- endif -%}
{% endmacro %}

{#
    The key of a fact's row as one text: the columns that the fact's YAML declares as its key, joined by a slash.
    A unit test knows no other nodes, and its rows no key.
#}
{% macro key_of(fact, alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- if execute and graph.nodes is defined -%}
    {%- for column in graph.nodes['model.' ~ project_name ~ '.' ~ fact].config.meta.key -%}
    {{ " || '/' || " if not loop.first }}coalesce(cast({{ prefix }}{{ column }} as {{ text_type() }}), '')
    {%- endfor -%}
    {%- else -%}
    cast(null as {{ text_type() }})
    {%- endif -%}
{%- endmacro %}
