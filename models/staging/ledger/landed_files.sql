-- every file that was loaded, as the loader wrote it down
select
    file_id,
    system_table,
    file_name,
    sha256,
    size_bytes,
    row_count,
    malformed_line_count,
    unknown_columns,
    load_id,
    loaded_at,
    blank_rows
from {{ source('load', 'load_files') }}
