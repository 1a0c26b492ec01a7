{#
    Periods: ISO weeks, months, quarters and years that start with fiscal_year_start_month, and year_to_date: for every
    month the days from the start of its fiscal year to its end.
#}

{% macro period_grains() %}{{ return(['week', 'month', 'quarter', 'year', 'year_to_date']) }}{% endmacro %}

{# The grains of metrics of which a span of months says nothing. #}
{% macro plain_grains() %}{{ return(['week', 'month', 'quarter', 'year']) }}{% endmacro %}

{# First day of the period that holds a date. #}
{% macro period_start(grain, date) -%}
    {%- set shift = var('fiscal_year_start_month') | int - 1 -%}
    {%- if grain == 'year_to_date' -%}
        cast(date_trunc('month', {{ date }}) as date)
    {%- elif grain in ('week', 'month') or shift == 0 -%}
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
        {{ months_after(start, {'month': 1, 'year_to_date': 1, 'quarter': 3, 'year': 12}[grain] * count) }}
    {%- endif -%}
{%- endmacro %}

{# How many periods make the year that prior_year_value looks back by. #}
{% macro periods_per_year(grain) %}
    {{ return({'week': 52, 'month': 12, 'year_to_date': 12, 'quarter': 4, 'year': 1}[grain]) }}
{% endmacro %}

{# First day of what the period that starts on a date covers. #}
{% macro covered_from(grain, start) -%}
    {{ period_start('year', start) if grain == 'year_to_date' else start }}
{%- endmacro %}

{#
    How people call the period that starts on a date: 2026-W37 (ISO), 2026-09, 2026-Q3, 2026; with a fiscal year of its
    own FY2026-Q2 and FY2026, named by the calendar year it ends in.
#}
{% macro period_label(grain, start) -%}
    {%- set first_month = var('fiscal_year_start_month') | int -%}
    {%- set prefix = "'FY' || " if first_month > 1 else '' -%}
    {%- set year_end = days_after(months_after(period_start('year', start), 12), -1) -%}
    {%- set thursday = days_after(start, 3) -%}
    {%- if grain == 'week' -%}
        {{ whole_text('extract(year from ' ~ thursday ~ ')') }} || '-W' || {{ padded('cast(floor((extract(doy from ' ~ thursday ~ ') - 1) / 7) + 1 as integer)', 2) }}
    {%- elif grain == 'quarter' -%}
        {{ prefix }}{{ whole_text('extract(year from ' ~ year_end ~ ')') }}
        || '-Q' || {{ whole_text('floor(mod(extract(month from ' ~ start ~ ') + ' ~ (12 - first_month) ~ ', 12) / 3) + 1') }}
    {%- elif grain == 'year' -%}
        {{ prefix }}{{ whole_text('extract(year from ' ~ year_end ~ ')') }}
    {%- else -%}
        {{ whole_text('extract(year from ' ~ start ~ ')') }} || '-' || {{ padded('cast(extract(month from ' ~ start ~ ') as integer)', 2) }}
    {%- endif -%}
{%- endmacro %}

{# A whole number as text. #}
{% macro whole_text(expression) -%}
    cast(cast({{ expression }} as integer) as {{ text_type() }})
{%- endmacro %}
