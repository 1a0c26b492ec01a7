{# Periods: ISO weeks, months, and quarters and years that start with fiscal_year_start_month. #}

{% macro grains() %}{{ return(['week', 'month', 'quarter', 'year']) }}{% endmacro %}

{# First day of the period that holds a date. #}
{% macro period_start(grain, date) -%}
    {%- set shift = var('fiscal_year_start_month') | int - 1 -%}
    {%- if grain in ('week', 'month') or shift == 0 -%}
        cast(date_trunc('{{ grain }}', {{ date }}) as date)
    {%- else -%}
        {{ months_after("date_trunc('" ~ grain ~ "', " ~ months_after(date, -shift) ~ ")", shift) }}
    {%- endif -%}
{%- endmacro %}

{# First day of the period `count` periods after the one that starts on a date. #}
{% macro period_after(grain, start, count) -%}
    {%- if grain == 'week' -%}
        {{ days_after(start, 7 * count) }}
    {%- else -%}
        {{ months_after(start, {'month': 1, 'quarter': 3, 'year': 12}[grain] * count) }}
    {%- endif -%}
{%- endmacro %}

{# How many periods make the year that prior_year_value looks back by. #}
{% macro periods_per_year(grain) %}
    {{ return({'week': 52, 'month': 12, 'quarter': 4, 'year': 1}[grain]) }}
{% endmacro %}
