{# The settings of dbt_project.yml as SQL. #}

{% macro as_of_date() -%}
    {%- set given = var('as_of_date', none) -%}
    {%- if given is none or given | string | lower in ('', 'none', 'null') -%}
        {%- set given = modules.datetime.datetime.now(modules.pytz.timezone(var('business_timezone'))).date() -%}
    {%- endif -%}
    cast('{{ given }}' as date)
{%- endmacro %}

{% macro reporting_currency() -%}
    '{{ var("reporting_currency") | upper }}'
{%- endmacro %}
