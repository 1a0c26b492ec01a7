-- the books of each landed table: rows read = current + superseded + deleted + quarantined + left out
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

-- the landed tables that fill a table of the contract: its own, and objects of source systems
filled_from as (
    {% for system, table in contract_tables() %}
    {% set label = system ~ '.' ~ table %}
    {% for landed_table in [label] + objects_that_fill(label) %}
    select '{{ label }}' as system_table, '{{ landed_table }}' as landed_table
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- the lines of a file that was replaced by one of the same name are repaired; rows of objects are counted as staging
-- has them, since one may become several
read as (
    select
        filled_from.system_table,
        sum(case when files.system_table = filled_from.system_table then files.row_count else 0 end) as own_rows,
        sum(files.malformed_line_count) as malformed_lines,
        sum(case when files.is_replaced then files.malformed_line_count else 0 end) as repaired_lines
    from filled_from
    inner join files on filled_from.landed_table = files.system_table
    group by filled_from.system_table
),

statuses as (
    {% for system, table in contract_tables() %}
    select
        '{{ system }}.{{ table }}' as system_table,
        count(*) filter (where _source_table <> '{{ system }}.{{ table }}') as rows_of_systems,
        count(*) filter (where _row_status = 'current') as rows_current,
        count(*) filter (where _row_status = 'superseded') as rows_superseded,
        count(*) filter (where _row_status = 'deleted') as rows_deleted,
        count(*) filter (where _row_status = 'quarantined') as rows_quarantined,
        count(*) filter (where _is_repaired) as rows_repaired,
        count(*) filter (where _row_status = 'left_out') as rows_left_out
    from {{ ref('base_' ~ system ~ '__' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

contract_books as (
    select
        statuses.system_table,
        coalesce(read.own_rows, 0) + statuses.rows_of_systems + coalesce(read.malformed_lines, 0) as rows_read,
        statuses.rows_current,
        statuses.rows_superseded,
        statuses.rows_deleted,
        statuses.rows_quarantined + coalesce(read.malformed_lines, 0) as rows_quarantined,
        statuses.rows_repaired + coalesce(read.repaired_lines, 0) as rows_repaired,
        statuses.rows_left_out
    from statuses
    left join read on statuses.system_table = read.system_table
),

-- objects that no row of the contract is made of, but that are looked up for one
looked_up as (
    select
        system_table,
        sum(row_count + malformed_line_count) as rows_read,
        sum(row_count) as rows_current,
        sum(malformed_line_count) as rows_quarantined,
        sum(case when is_replaced then malformed_line_count else 0 end) as rows_repaired
    from files
    where system_table not in (select landed_table from filled_from)
    group by system_table
)

select
    system_table,
    cast(rows_read as bigint) as rows_read,
    rows_current,
    rows_superseded,
    rows_deleted,
    cast(rows_quarantined as bigint) as rows_quarantined,
    cast(rows_repaired as bigint) as rows_repaired,
    rows_left_out
from contract_books
union all
select
    system_table,
    cast(rows_read as bigint) as rows_read,
    cast(rows_current as bigint) as rows_current,
    cast(0 as bigint) as rows_superseded,
    cast(0 as bigint) as rows_deleted,
    cast(rows_quarantined as bigint) as rows_quarantined,
    cast(rows_repaired as bigint) as rows_repaired,
    cast(0 as bigint) as rows_left_out
from looked_up
