-- every row and line that was set aside, with its text and all its reasons
with

files as (
    select
        file_id,
        file_name,
        load_id,
        max(file_id) over (partition by system_table, file_name) > file_id as is_replaced
    from {{ source('load', 'load_files') }}
)

{% for system, table in contract_tables() %}
select
    '{{ system }}.{{ table }}' as system_table,
    base._file_name as file_name,
    base._line as line,
    base._reasons as reasons,
    {{ row_text('rows', contract_columns(system, table) | map(attribute='name') | list) }} as row_text,
    base._is_repaired as is_repaired,
    base._load_id as load_id
from {{ ref('base_' ~ system ~ '__' ~ table) }} as base
inner join {{ source(system, table) }} as rows on base._file_id = rows._file_id and base._line = rows._line
where base._row_status = 'quarantined'

union all
{% endfor %}
select
    lines.system_table,
    files.file_name,
    lines.line,
    'malformed_line' as reasons,
    lines.line_text as row_text,
    files.is_replaced as is_repaired,
    files.load_id
from {{ source('load', 'malformed_lines') }} as lines
inner join files on lines.file_id = files.file_id
