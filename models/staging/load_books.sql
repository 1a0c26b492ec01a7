-- the books of each table: rows read = current + superseded + deleted + quarantined + left out
with

files as (
    select
        file_id,
        system_table,
        row_count,
        malformed_line_count,
        max(file_id) over (partition by system_table, file_name) > file_id as is_replaced
    from {{ source('load', 'load_files') }}
),

-- the lines of a file that was replaced by one of the same name are repaired
read as (
    select
        system_table,
        sum(row_count + malformed_line_count) as rows_read,
        sum(malformed_line_count) as malformed_lines,
        sum(case when is_replaced then malformed_line_count else 0 end) as repaired_lines
    from files
    group by system_table
),

statuses as (
    {% for system, table in contract_tables() %}
    select
        '{{ system }}.{{ table }}' as system_table,
        count(*) filter (where _row_status = 'current') as rows_current,
        count(*) filter (where _row_status = 'superseded') as rows_superseded,
        count(*) filter (where _row_status = 'deleted') as rows_deleted,
        count(*) filter (where _row_status = 'quarantined') as rows_quarantined,
        count(*) filter (where _is_repaired) as rows_repaired
    from {{ ref('base_' ~ system ~ '__' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    statuses.system_table,
    cast(coalesce(read.rows_read, 0) as bigint) as rows_read,
    statuses.rows_current,
    statuses.rows_superseded,
    statuses.rows_deleted,
    cast(statuses.rows_quarantined + coalesce(read.malformed_lines, 0) as bigint) as rows_quarantined,
    cast(statuses.rows_repaired + coalesce(read.repaired_lines, 0) as bigint) as rows_repaired,
    cast(0 as bigint) as rows_left_out
from statuses
left join read on statuses.system_table = read.system_table
