{# What else the models of models/sources/<system>/ are written with: lists, ids, names, days and JSON in a system's text. #}

{# A name to compare by: in lower case, without blanks, dashes and underscores (`Closed Won` and closed_won are one). #}
{% macro bare_name(text) -%}
    {{ replaced('lower(' ~ text ~ ')', '[ _-]+', '') }}
{%- endmacro %}

{# A whole number that came as a decimal (12345.0) without its point; other texts as they are. #}
{% macro whole_number(text) -%}
    regexp_replace({{ text }}, '^([0-9]+)[.]0+$', '{{ captured(1) }}')
{%- endmacro %}

{# Whether a flag is set to false, 0, f, no, in any case. A blank is not: see is_set(). #}
{% macro is_false(text) -%}
    coalesce(lower({{ text }}) in ('false', 'f', '0', 'no', 'n'), false)
{%- endmacro %}

{# The first id of a list of numbers (`1;2`, `["1", "2"]`, `1.0`); NULL where there is none. #}
{% macro first_id(text) -%}
    nullif(regexp_replace({{ text }}, '^[^0-9]*([0-9]*).*$', '{{ captured(1) }}'), '')
{%- endmacro %}

{# One row for each id of such a list; in a select list. #}
{% macro ids_of(text) -%}
    {{ parts_of(replaced(replaced(text, '[^0-9.]+', ','), '^,|,$|[.]0+', '')) }}
{%- endmacro %}

{#
    The day that an instant (as instant() writes it) of exactly midnight UTC stands for, where business_timezone has
    another day then: whoever sent a day alone to a field that wants an instant. Other instants as they are.
#}
{% macro day_behind_midnight(text) -%}
    case
        when {{ matches(text, day_pattern() ~ 'T00:00:00([.]0+)?Z') }}
            and {{ local_date(instant_or_null(text)) }} <> {{ cast_or_null('substring(' ~ text ~ ', 1, 10)', 'date') }}
            then substring({{ text }}, 1, 10)
        else {{ text }}
    end
{%- endmacro %}

{# Minutes, to the millionth, of milliseconds as text; what is no number is passed on as it came. #}
{% macro minutes_of_milliseconds(text) -%}
    case
        when {{ matches(text, '[0-9]+([.][0-9]+)?') }}
            then cast(cast(round(cast({{ cast_or_null(text, 'decimal(18, 3)') }} as {{ double_type() }}) / 60000, 6) as decimal(18, 6)) as {{ text_type() }})
        else {{ text }}
    end
{%- endmacro %}

{# Minutes, to the millionth, between two instants as instant() writes them; NULL where one is none. #}
{% macro minutes_between(earlier, later) -%}
    cast(cast(round({{ seconds_between(instant_or_null(earlier), instant_or_null(later)) }} / 60, 6) as decimal(18, 6)) as {{ text_type() }})
{%- endmacro %}

{# One row for each element of a JSON array, as JSON; none for a text that is no JSON. In a select list. #}
{% macro json_elements(text) %}{{ return(adapter.dispatch('json_elements')(text)) }}{% endmacro %}
{% macro duckdb__json_elements(text) -%}
    unnest(cast(from_json(case when json_valid({{ text }}) then {{ text }} else '[]' end, '["json"]') as varchar[]))
{%- endmacro %}
{% macro spark__json_elements(text) -%}
    explode(from_json({{ text }}, 'array<string>'))
{%- endmacro %}

{# The name of each member of a JSON object, a row a name; none for a text that is no JSON. In a select list. #}
{% macro json_names(text) %}{{ return(adapter.dispatch('json_names')(text)) }}{% endmacro %}
{% macro duckdb__json_names(text) -%}
    unnest(json_keys(case when json_valid({{ text }}) then {{ text }} else '{}' end))
{%- endmacro %}
{% macro spark__json_names(text) -%}
    explode(json_object_keys({{ text }}))
{%- endmacro %}

{# A member of a JSON object as text, by an expression for its name; NULL where there is none, or no JSON. #}
{% macro json_member(text, name) %}{{ return(adapter.dispatch('json_member')(text, name)) }}{% endmacro %}
{% macro duckdb__json_member(text, name) -%}
    json_extract_string(case when json_valid({{ text }}) then {{ text }} end, '$."' || {{ name }} || '"')
{%- endmacro %}
{% macro spark__json_member(text, name) -%}
    get_json_object({{ text }}, concat('$.', {{ name }}))
{%- endmacro %}

{#
    Whether a version of a HubSpot record says that it is gone: in the recycle bin, archived, not found any more, or, in
    history mode, over without a version after it.
#}
{% macro is_gone(relation='') -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    ({{ is_set(prefix ~ 'is_deleted') }}
        or {{ is_set(prefix ~ '_fivetran_deleted') }}
        or ({{ prefix }}_is_current and {{ is_false(prefix ~ '_fivetran_active') }}))
{%- endmacro %}
