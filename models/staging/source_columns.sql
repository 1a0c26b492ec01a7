-- which column of a source system a contract's column is made of, for messages on values at fault
with

declared as (
    {% for system, table in contract_tables() %}
    {% for model in source_models(system ~ '.' ~ table) %}
    {% set node = model_node(model) %}
    {% for column in node.columns.values() if column.config.meta.from %}
    select
        '{{ system }}.{{ table }}' as system_table,
        '{{ model.split('__')[0] }}' as source_system,
        '{{ column.name }}' as column_name,
        {{ dbt.string_literal(dbt.escape_single_quotes(column.config.meta.from)) }} as source_column
    union all
    {% endfor %}
    {% endfor %}
    {% endfor %}
    select
        cast(null as {{ text_type() }}) as system_table,
        cast(null as {{ text_type() }}) as source_system,
        cast(null as {{ text_type() }}) as column_name,
        cast(null as {{ text_type() }}) as source_column
    where false
)

select
    system_table,
    source_system,
    column_name,
    source_column
from declared
