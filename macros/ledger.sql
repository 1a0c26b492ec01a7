{# The key of a landed row as one text: its parts in the contract's order, '' for a part that is NULL, with | between. #}
{% macro row_key(system, table) -%}
    {%- set parts = [] -%}
    {%- for column in contract_columns(system, table) if column.key -%}
        {%- do parts.append("coalesce(cast(" ~ column.name ~ " as " ~ text_type() ~ "), '')") -%}
    {%- endfor -%}
    {{ parts | join(" || '|' || ") or "''" }}
{%- endmacro %}
