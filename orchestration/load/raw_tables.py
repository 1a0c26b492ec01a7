"""The tables of schema `raw`: made where they are missing, and brought up to the contract where they are older."""

from __future__ import annotations

import duckdb

from orchestration.core.company import company_folder, own_sources
from orchestration.core.contract import Table, landed_tables

# What the loader writes of each file, which is its table, its name and its content.
LOAD_FILES = {
    "file_id": "bigint primary key",
    "system_table": "varchar not null",
    "file_name": "varchar not null",
    "sha256": "varchar not null",
    "size_bytes": "bigint not null",
    "row_count": "bigint not null",
    "malformed_line_count": "bigint not null",
    "unknown_columns": "varchar not null",
    "load_id": "varchar not null",
    "loaded_at": "timestamp not null",
    "blank_rows": "bigint not null default 0",
}
MALFORMED_LINES = """
    create table if not exists raw.malformed_lines (
        system_table varchar not null, file_id bigint not null, line bigint not null,
        line_text varchar not null, error varchar not null
    )
"""
REPLACED_CHARACTERS = """
    create table if not exists raw.replaced_characters (
        system_table varchar not null, file_id bigint not null, line bigint not null, column_name varchar not null
    )
"""


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Create schema `raw` with all tables of the contract and the load's own records, where they are missing.

    Tables of an older contract gain the columns they lack, empty. None is ever dropped. Returns a line on each such
    column that files loaded before had: its values were left out.
    """
    connection.execute("create schema if not exists raw")
    _create_load_files(connection)
    connection.execute(MALFORMED_LINES)
    connection.execute(REPLACED_CHARACTERS)
    notes: list[str] = []
    for table in landed_tables(own_sources(company_folder())):
        columns = ", ".join(f"{name} varchar" for name in table.column_names)
        connection.execute(
            f"create table if not exists raw.{table.raw_name} "
            f"(_file_id bigint, _file varchar, _line bigint, _load_id varchar, {columns})"
        )
        there = _column_names(connection, table.raw_name)
        for name in table.column_names:
            if name not in there:
                connection.execute(f"alter table raw.{table.raw_name} add column {name} varchar")
                notes += _left_out(connection, table, name)
    return notes


def _left_out(connection: duckdb.DuckDBPyConnection, table: Table, column: str) -> list[str]:
    """A line on the loaded files that had a column before the contract knew it; none where there are none."""
    files = connection.execute(
        "select file_name from raw.load_files where system_table = ? "
        "and list_contains(string_split(unknown_columns, ', '), ?) order by file_id",
        [table.label, column],
    ).fetchall()
    if not files:
        return []
    named = files[0][0] + (f" and {len(files) - 1} more" if len(files) > 1 else "")
    return [
        f"{table.label}: {named} had {column} when it was not read yet, and its values are not here: "
        "deliver the files under other names, or build into an empty warehouse"
    ]


def _create_load_files(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `raw.load_files`. An older one is carried over into a new one: its constraints cannot be altered."""
    there = _column_names(connection, "load_files")
    if set(LOAD_FILES) <= set(there):
        return
    columns = ", ".join(f"{name} {type_}" for name, type_ in LOAD_FILES.items())
    connection.execute("begin transaction")
    if there:
        connection.execute("create or replace temp table older_load_files as from raw.load_files")
        connection.execute("drop table raw.load_files")
    connection.execute(f"create table raw.load_files ({columns}, unique (system_table, file_name, sha256))")
    if there:
        connection.execute("insert into raw.load_files by name from older_load_files")
        connection.execute("drop table older_load_files")
    connection.execute("commit")


def _column_names(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The columns of a table of schema `raw` in their order; none where there is no such table."""
    rows = connection.execute(
        "select column_name from duckdb_columns() where database_name = current_database() "
        "and schema_name = 'raw' and table_name = ? order by column_index",
        [table],
    ).fetchall()
    return [name for (name,) in rows]
