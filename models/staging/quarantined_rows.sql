-- every row and line that was set aside, with its text and all its reasons
with

files as (
    select
        file_id,
        file_name,
        system_table,
        load_id,
        max(file_id) over (partition by system_table, file_name) > file_id as is_replaced
    from {{ source('load', 'load_files') }}
),

set_aside as (
    {% for system, table in contract_tables() %}
    select
        '{{ system }}.{{ table }}' as system_table,
        base._source_table as source_table,
        base._file_id as file_id,
        base._file_name as file_name,
        base._line as line,
        base._reasons as reasons,
        {{ row_text('rows', contract_columns(system, table) | map(attribute='name') | list) }} as read_as,
        base._is_repaired as is_repaired,
        base._load_id as load_id
    from {{ ref('base_' ~ system ~ '__' ~ table) }} as base
    inner join (
        {{ landed_for(system, table) }}
    ) as rows on base._file_id = rows._file_id and base._line = rows._line and base._part = rows._part
    where base._row_status = 'quarantined'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- the rows of source systems as they came
source_texts as (
    {% for object in enabled_objects() %}
    select
        rows._file_id as file_id,
        rows._line as line,
        {{ row_text('rows', object.columns) }} as row_text
    from {{ source(object.system, object.name) }} as rows
    inner join (
        select file_id, line from set_aside
        where source_table = '{{ object.system }}.{{ object.name }}'
        group by file_id, line
    ) as wanted on rows._file_id = wanted.file_id and rows._line = wanted.line
    union all
    {% endfor %}
    select
        cast(null as bigint) as file_id,
        cast(null as bigint) as line,
        cast(null as {{ text_type() }}) as row_text
    where false
)

select
    set_aside.system_table,
    set_aside.source_table,
    set_aside.file_name,
    set_aside.line,
    set_aside.reasons,
    coalesce(source_texts.row_text, set_aside.read_as) as row_text,
    set_aside.read_as,
    set_aside.is_repaired,
    set_aside.load_id
from set_aside
left join source_texts on set_aside.file_id = source_texts.file_id and set_aside.line = source_texts.line
union all
select
    lines.system_table,
    lines.system_table as source_table,
    files.file_name,
    lines.line,
    'malformed_line' as reasons,
    lines.line_text as row_text,
    lines.line_text as read_as,
    files.is_replaced as is_repaired,
    files.load_id
from {{ source('load', 'malformed_lines') }} as lines
inner join files on lines.file_id = files.file_id
