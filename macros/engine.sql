{# Everything that only one engine knows, each dispatched by adapter. #}

{# Text without white space at its ends; NULL where nothing is left. #}
{% macro trimmed(expression) %}{{ return(adapter.dispatch('trimmed')(expression)) }}{% endmacro %}
{% macro default__trimmed(expression) -%}
    nullif(regexp_replace({{ expression }}, '^[\s\u00a0\u3000]+|[\s\u00a0\u3000]+$', '', 'g'), '')
{%- endmacro %}
{% macro duckdb__trimmed(expression) -%}
    {%- set spaces = ' \t\n\r\x0b\x0c\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000' -%}
    nullif(trim({{ expression }}, '{{ spaces }}'), '')
{%- endmacro %}

{# Whether the whole text matches a regular expression. #}
{% macro matches(expression, pattern) %}{{ return(adapter.dispatch('matches')(expression, pattern)) }}{% endmacro %}
{% macro default__matches(expression, pattern) -%}
    {{ expression }} ~ '^({{ pattern }})$'
{%- endmacro %}
{% macro duckdb__matches(expression, pattern) -%}
    regexp_full_match({{ expression }}, '{{ pattern }}')
{%- endmacro %}

{# A cast that gives NULL where the text does not fit the type. #}
{% macro cast_or_null(expression, type) %}{{ return(adapter.dispatch('cast_or_null')(expression, type)) }}{% endmacro %}
{% macro default__cast_or_null(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{# A timestamp text with or without an offset, as a timestamp in UTC; NULL where there is no such instant. #}
{% macro instant_or_null(expression) %}{{ return(adapter.dispatch('instant_or_null')(expression)) }}{% endmacro %}
{% macro default__instant_or_null(expression) -%}
    cast(try_cast({{ expression }} as timestamptz) at time zone 'UTC' as timestamp)
{%- endmacro %}

{# The local date in the business's time zone of a timestamp in UTC. #}
{% macro local_date(expression) %}{{ return(adapter.dispatch('local_date')(expression)) }}{% endmacro %}
{% macro default__local_date(expression) -%}
    {%- if var('business_timezone') == 'UTC' -%}
    cast({{ expression }} as date)
    {%- else -%}
    cast(({{ expression }} at time zone 'UTC') at time zone '{{ var("business_timezone") }}' as date)
    {%- endif -%}
{%- endmacro %}

{# Seconds between two timestamps, fractions kept, as a double. #}
{% macro seconds_between(earlier, later) %}{{ return(adapter.dispatch('seconds_between')(earlier, later)) }}{% endmacro %}
{% macro default__seconds_between(earlier, later) -%}
    cast(extract(epoch from ({{ later }} - {{ earlier }})) as double precision)
{%- endmacro %}
{% macro duckdb__seconds_between(earlier, later) -%}
    (date_diff('microsecond', {{ earlier }}, {{ later }}) / 1000000.0::double)
{%- endmacro %}

{# A date a number of days later (or earlier). #}
{% macro days_after(expression, days) %}{{ return(adapter.dispatch('days_after')(expression, days)) }}{% endmacro %}
{% macro default__days_after(expression, days) -%}
    cast({{ expression }} + {{ days }} as date)
{%- endmacro %}

{# A date a number of months later; the last day of the month where the day does not exist there. #}
{% macro months_after(expression, months) %}{{ return(adapter.dispatch('months_after')(expression, months)) }}{% endmacro %}
{% macro default__months_after(expression, months) -%}
    cast({{ expression }} + ({{ months }}) * interval '1' month as date)
{%- endmacro %}

{# One row for each part of a comma-separated text; in a select list. #}
{% macro parts_of(expression) %}{{ return(adapter.dispatch('parts_of')(expression)) }}{% endmacro %}
{% macro default__parts_of(expression) -%}
    unnest(string_to_array({{ expression }}, ','))
{%- endmacro %}

{# The values of a raw row as one text, column names with them, for people to read. #}
{% macro row_text(relation, columns) %}{{ return(adapter.dispatch('row_text')(relation, columns)) }}{% endmacro %}
{% macro duckdb__row_text(relation, columns) -%}
    cast(json_object({% for column in columns %}'{{ column }}', {{ relation }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}

{# A whole number as text of a fixed width, zeros in front, so that it sorts. #}
{% macro padded(expression, width) -%}
    lpad(cast({{ expression }} as varchar), {{ width }}, '0')
{%- endmacro %}

{# The local time in the business's time zone of a timestamp in UTC. #}
{% macro local_timestamp(expression) %}{{ return(adapter.dispatch('local_timestamp')(expression)) }}{% endmacro %}
{% macro default__local_timestamp(expression) -%}
    cast(({{ expression }} at time zone 'UTC') at time zone '{{ var("business_timezone") }}' as timestamp)
{%- endmacro %}

{# 1 for Monday to 7 for Sunday. #}
{% macro iso_weekday(expression) %}{{ return(adapter.dispatch('iso_weekday')(expression)) }}{% endmacro %}
{% macro default__iso_weekday(expression) -%}
    cast(extract(isodow from {{ expression }}) as integer)
{%- endmacro %}
