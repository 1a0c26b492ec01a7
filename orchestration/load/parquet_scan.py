"""Reads Parquet files: each is read through once within bounds, beside the warehouse, before it is let in.

A damaged file may end the database that reads it, and a small one may hold a value a million times over. So the first
reading is done by a database of its own, in little memory, which keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.load.file_facts import UnreadableFileError
from orchestration.load.scanned import SCAN_TABLE
from orchestration.warehouse.sql import identifier

MEMORY_LIMIT = "512MB"
# A file of more rows than the first, or more bytes of text than the second, must have some size of its own for it.
MANY_ROWS = 1_000_000
MUCH_TEXT = 256 << 20
MOST_ROWS_A_BYTE = 100
MOST_TEXT_A_BYTE = 100


def parquet_columns(path: Path) -> tuple[str, ...]:
    """The columns of a Parquet file. Raises UnreadableFileError where it is damaged."""
    with _within_bounds(path) as connection:
        return _columns(connection, path)


def examine_parquet(path: Path) -> None:
    """Read a Parquet file through. Raises UnreadableFileError where it is damaged, or expands beyond measure."""
    size = path.stat().st_size
    with _within_bounds(path) as connection:
        [(rows,)] = connection.execute("select num_rows from parquet_file_metadata(?)", [str(path)]).fetchall()
        [(pages,)] = connection.execute(
            "select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata(?)", [str(path)]
        ).fetchall()
        told = f"expands beyond measure: {rows:,} rows and {{text:,}} bytes of values in a file of {size:,} bytes"
        if rows > max(MANY_ROWS, MOST_ROWS_A_BYTE * size) or pages > max(MUCH_TEXT, MOST_TEXT_A_BYTE * size):
            raise UnreadableFileError(told.format(text=int(pages)))
        lengths = " + ".join(f"coalesce(strlen({text}), 0)" for text in _texts(_columns(connection, path)))
        [(text,)] = connection.execute(
            f"select coalesce(sum({lengths}), 0) from read_parquet(?, binary_as_string = true)", [str(path)]
        ).fetchall()
        if text > max(MUCH_TEXT, MOST_TEXT_A_BYTE * size):
            raise UnreadableFileError(told.format(text=int(text)))


def scan_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Read a Parquet file into `scanned_records`, every column as text; its line is its row number."""
    connection.execute("create or replace temp table skipped_lines (base bigint, skipped bigint)")
    texts = ", ".join(f"{text} as c{position}" for position, text in enumerate(_texts(_columns(connection, path))))
    connection.execute(
        f"create or replace temp table {SCAN_TABLE} as select file_row_number + 1 as _base, 0 as _newlines, {texts} "
        "from read_parquet(?, binary_as_string = true, file_row_number = true)",
        [str(path)],
    )


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    rows = connection.execute("describe select * from read_parquet(?, binary_as_string = true)", [str(path)]).fetchall()
    return tuple(row[0] for row in rows)


def _texts(columns: tuple[str, ...]) -> list[str]:
    return [f"cast({identifier(name)} as varchar)" for name in columns]


@contextmanager
def _within_bounds(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own to read a file with; what it says against the file is an UnreadableFileError."""
    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": 1})
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise UnreadableFileError(
            f"takes more than {MEMORY_LIMIT} of memory to read, at {path.stat().st_size:,} bytes; "
            "export it in smaller row groups, or as CSV"
        ) from error
    except duckdb.Error as error:
        raise UnreadableFileError(f"is not a readable Parquet file ({_first_line(error)})") from error
    finally:
        connection.close()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
