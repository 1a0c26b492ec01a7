{#
    A table, made anew within one transaction: readers of the build file see the old one or the new one, documented.
    dbt-duckdb builds beside the old table and renames twice, which takes three statements and a commit more; a contract
    is checked, and columns are created, by its own macros here too.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set before = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {%- if before is not none %}{% do adapter.drop_relation(before) %}{% endif -%}
    {% call statement('main') -%}
        {{ create_table_as(False, target, compiled_code) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- set comments = documentation_of(target) %}
    {%- if comments | trim %}{% do run_query(comments) %}{% endif -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{# The statements that document a table and the columns of its contract, where persist_docs asks for them. #}
{% macro documentation_of(relation) -%}
    {%- if config.persist_relation_docs() and model.description %}
    comment on table {{ relation }} is {{ duckdb_escape_comment(model.description) }};
    {%- endif %}
    {%- if config.persist_column_docs() and config.get('contract').enforced %}
    {%- for column in model.columns.values() if column.description %}
    comment on column {{ relation }}.{{ adapter.quote(column.name) }} is {{ duckdb_escape_comment(column.description) }};
    {%- endfor %}
    {%- endif %}
{%- endmacro %}
