-- the books of each table: rows read = current + superseded + quarantined
with

files as (
    select system_table, row_count, malformed_line_count from {{ source('load', 'load_files') }}
),

read as (
    select
        system_table,
        sum(row_count + malformed_line_count) as rows_read,
        sum(malformed_line_count) as malformed_lines
    from files
    group by system_table
),

statuses as (
    {% for system, table in contract_tables() %}
    select
        '{{ system }}.{{ table }}' as system_table,
        count(*) filter (where _row_status = 'current') as rows_current,
        count(*) filter (where _row_status = 'superseded') as rows_superseded,
        count(*) filter (where _row_status = 'quarantined') as rows_quarantined
    from {{ ref('base_' ~ system ~ '__' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    statuses.system_table,
    cast(coalesce(read.rows_read, 0) as bigint) as rows_read,
    statuses.rows_current,
    statuses.rows_superseded,
    cast(statuses.rows_quarantined + coalesce(read.malformed_lines, 0) as bigint) as rows_quarantined
from statuses
left join read on statuses.system_table = read.system_table
