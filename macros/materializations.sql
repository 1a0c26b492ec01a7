{#
    A table, made anew within one transaction: readers of the build file see the old one or the new one, documented.
    dbt-duckdb builds beside the old table and renames twice, which takes three statements and a commit more; a contract
    is checked, and columns are created, by its own macros here too.

    With meta `is_made_in_parts` the rows are made and inserted some periods at a time, so many that they fit in the memory
    limit: else the largest tables of a large company are sorted and joined in files. The query gives `period_start`, never
    NULL, by which each of its rows, groups and windows is of one part.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set before = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set bounds = bounds_of_parts() if model.config.meta.get('is_made_in_parts') else [] -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {#- dbt begins its transaction with this statement: what stands before it is not in it -#}
        {%- if before is not none %}drop {{ before.type }} if exists {{ before }};{% endif %}
        {{ create_table_as(False, target, part_of(compiled_code, none, bounds | first) if bounds else compiled_code) }}
        {%- for bound in bounds %};
        insert into {{ target }} by name
        {{ part_of(compiled_code, bound, none if loop.last else loop.nextitem) }}
        {%- endfor %}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- set comments = documentation_of(target) %}
    {%- if comments | trim %}{% do run_query(comments) %}{% endif -%}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#
    The starts of periods (dates as text) that part a table: one part for as many landed rows as the memory limit has
    room for. Measured with a hundred and a thousand times the sample: the largest models take about half of that.
#}
{% macro bounds_of_parts() -%}
    {%- set bytes_a_row = 2500 -%}
    {%- set found = run_query(
        "with memory as (select parse_formatted_bytes(current_setting('memory_limit')) as bytes), "
        ~ "landed as (select coalesce(sum(row_count), 0) as row_count from " ~ source('load', 'load_files') ~ "), "
        ~ "parts as (select cast(ceil(row_count * " ~ bytes_a_row ~ " / bytes) as bigint) as part_count from landed, memory), "
        ~ "starts as (select period_start from " ~ ref('dim_periods') ~ " group by period_start), "
        ~ "numbered as (select period_start, (row_number() over (order by period_start) - 1) * part_count // count(*) over () as part from starts, parts) "
        ~ "select cast(min(period_start) as varchar) from numbered group by part order by part offset 1"
    ) -%}
    {{ return(found.columns[0].values() | list) }}
{%- endmacro %}

{# The rows of a query of which the period starts on or after a date, and before another; none: without end. #}
{% macro part_of(query, first, end) -%}
    select * from (
    {{ query }}
    ) as whole
    where
        {%- if first is not none %} period_start >= date '{{ first }}'{% endif %}
        {%- if first is not none and end is not none %} and{% endif %}
        {%- if end is not none %} period_start < date '{{ end }}'{% endif %}
{%- endmacro %}

{#
    A table of rows that depend on one landed row each, to which a build appends what landed since: those with a greater
    `_file_id`. It is made anew on --full-refresh, and wherever what stands there may be another than the query gives: by
    another query (code, contract, settings) or DuckDB, of other files (once_by() of the table's comment), or not as many rows.
    dbt's incremental models ask none of this: they append to whatever is there, by a condition that the query carries itself.
#}
{% materialization append_once, adapter='duckdb', supported_languages=['sql'] %}
    {%- set before = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set kept = namespace(last_file=-1, comment='', rows=0, is_good=false) -%}
    {%- if before is not none and before.is_table and not should_full_refresh() -%}
        {%- set there = run_query("select coalesce(max(_file_id), 0), count(*), (" ~ comment_of(target) ~ ") from " ~ target).rows[0] -%}
        {%- set kept.last_file = there[0] | int -%}
        {%- set kept.rows = there[1] | int -%}
        {%- set kept.comment = there[2] or '' -%}
    {%- endif -%}
    {%- set landed = run_query(
        "select coalesce(max(_file_id), 0), count(*) filter (where _file_id <= " ~ kept.last_file ~ "), "
        ~ once_by(kept.last_file) ~ " from (" ~ compiled_code ~ "\n) as landed"
    ).rows[0] -%}
    {%- set last_file = landed[0] | int -%}
    {%- set kept.is_good = kept.rows == landed[1] | int and kept.comment == landed[2] -%}
    {%- set comment = landed[2] if last_file == kept.last_file else run_query("select " ~ once_by(last_file)).rows[0][0] -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {% if not kept.is_good -%}
        {% if before is not none %}drop {{ before.type }} if exists {{ before }};{% endif %}
        {{ create_table_as(False, target, compiled_code) }};
        comment on table {{ target }} is '{{ comment }}';
        {%- elif last_file > kept.last_file -%}
        insert into {{ target }} by name select * from (
        {{ compiled_code }}
        ) as landed where _file_id > {{ kept.last_file }};
        comment on table {{ target }} is '{{ comment }}';
        {%- else -%}
        select 'nothing landed since' as told
        {%- endif %}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#
    What typed rows up to a file were made by and of: the query, DuckDB, and the landed table's files with all that
    the loader knows of how they were read (it fills in columns of older files that the contract gained). A scalar subquery.
#}
{% macro once_by(last_file) -%}
    (
        select md5(concat_ws(
            '␟', '{{ local_md5(compiled_code) }}', version(),
            string_agg(concat_ws('␟', file_id, sha256, load_id, unknown_columns, header), '␞' order by file_id)
        ))
        from {{ source('load', 'load_files') }}
        where system_table = '{{ model.sources[0] | join('.') }}' and file_id <= {{ last_file }}
    )
{%- endmacro %}

{# The comment of a table, '' where it has none. A query of one value. #}
{% macro comment_of(relation) -%}
    select max(comment)
    from duckdb_tables()
    where database_name = '{{ relation.database }}' and schema_name = '{{ relation.schema }}'
        and table_name = '{{ relation.identifier }}'
{%- endmacro %}

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
