"""The tables of schema `raw`: made where they are missing, and brought up to the contract where they are older."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from orchestration.core.contract import Table
from orchestration.warehouse.sql import identifier

# The column of the values that a table has no column for, as a JSON object, where it keeps them.
OTHER_COLUMNS = "_other_columns"
# The columns that say which row of which file a row is.
ROW_COLUMNS = {"_file_id": "bigint", "_file": "varchar", "_line": "bigint", "_load_id": "varchar"}
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
    # the columns as they stand in the file, as a JSON array; '' of files loaded before this was kept
    "header": "varchar not null default ''",
    "preamble_lines": "bigint not null default 0",
    "footer_lines": "bigint not null default 0",
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


def create_load_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create schema `raw` with the load's own records, where they are missing."""
    connection.execute("create schema if not exists raw")
    _create_load_files(connection)
    connection.execute(MALFORMED_LINES)
    connection.execute(REPLACED_CHARACTERS)


def create_raw_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> list[tuple[Table, str]]:
    """Create the raw tables that are missing. Older ones gain the columns they lack, empty. None is ever dropped.

    Returns each column that a table gained.
    """
    gained: list[tuple[Table, str]] = []
    for table in tables:
        names = [*table.column_names, *([OTHER_COLUMNS] if table.keeps_other_columns else [])]
        columns = ROW_COLUMNS | {identifier(name): "varchar" for name in names}
        typed = ", ".join(f"{name} {type_}" for name, type_ in columns.items())
        connection.execute(f"create table if not exists raw.{identifier(table.raw_name)} ({typed})")
        there = _column_names(connection, table.raw_name)
        for name in names:
            if name not in there:
                connection.execute(
                    f"alter table raw.{identifier(table.raw_name)} add column {identifier(name)} varchar"
                )
                gained.append((table, name))
    return gained


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
