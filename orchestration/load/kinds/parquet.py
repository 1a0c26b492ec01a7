"""Reads Parquet files: each is read through once within bounds, beside the warehouse, before it is let in.

A damaged file may end the database that reads it, and a small one may hold a value a million times over. So the first
reading is done by a database of its own, in little memory, which keeps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.core.contract import Table
from orchestration.load.file_facts import FileLayout, UnreadableFileError, this_file_only
from orchestration.load.headers import check_header, first_that_fits, match_header
from orchestration.load.kinds.reading import Content
from orchestration.load.scanned import SCAN_TABLE, Scanned, drop_blank_records, drop_footer, number_no_skipped_lines
from orchestration.warehouse.sql import identifier

MAGIC = b"PAR1"
MEMORY_LIMIT = "512MB"
# A file of more rows than the first, or more bytes of text than the second, must have some size of its own for it.
MANY_ROWS = 1_000_000
MUCH_TEXT = 256 << 20
MOST_ROWS_A_BYTE = 100
MOST_TEXT_A_BYTE = 100


@dataclass(frozen=True)
class ParquetReading:
    """A Parquet file that can be loaded."""

    path: Path
    layout: FileLayout

    def scan(self, connection: duckdb.DuckDBPyConnection) -> Scanned:
        """Every column as text; a record's line is its row number."""
        number_no_skipped_lines(connection)
        texts = ", ".join(f"{text} as c{position}" for position, text in enumerate(_texts(connection, self.path)))
        connection.execute(
            f"create or replace temp table {SCAN_TABLE} as select file_row_number + 1 as _base, 0 as _newlines, {texts}"
            " from read_parquet(?, binary_as_string = true, hive_partitioning = false, file_row_number = true)",
            [this_file_only(self.path)],
        )
        blank_rows = drop_blank_records(connection, self.layout.column_count)
        malformed, footer_lines = drop_footer(connection, self.layout, ())
        return Scanned(malformed, blank_rows, footer_lines=footer_lines)


def open_parquet(content: Content) -> ParquetReading:
    """Look at a Parquet file, and read it through. Raises UnreadableFileError where it is damaged, expands beyond
    measure, or fits none of its tables."""
    with _within_bounds(content.path) as connection:
        columns = tuple(name for name, _ in _columns(connection, content.path))

    def look(table: Table) -> FileLayout:
        match = match_header(table, columns)
        check_header(match, content.partitions)
        return FileLayout(match, constants=content.constants(table))

    layout = first_that_fits(content.candidates, look)
    _read_through(content.path)
    return ParquetReading(content.path, layout)


def _read_through(path: Path) -> None:
    size = path.stat().st_size
    with _within_bounds(path) as connection:
        [(rows,)] = connection.execute(
            "select num_rows from parquet_file_metadata(?)", [this_file_only(path)]
        ).fetchall()
        [(pages,)] = connection.execute(
            "select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata(?)", [this_file_only(path)]
        ).fetchall()
        told = f"expands beyond measure: {rows:,} rows and {{text:,}} bytes of values in a file of {size:,} bytes"
        if rows > max(MANY_ROWS, MOST_ROWS_A_BYTE * size) or pages > max(MUCH_TEXT, MOST_TEXT_A_BYTE * size):
            raise UnreadableFileError(told.format(text=int(pages)))
        lengths = " + ".join(f"coalesce(strlen({text}), 0)" for text in _texts(connection, path))
        [(text,)] = connection.execute(
            f"select coalesce(sum({lengths}), 0) "
            "from read_parquet(?, binary_as_string = true, hive_partitioning = false)",
            [this_file_only(path)],
        ).fetchall()
        if text > max(MUCH_TEXT, MOST_TEXT_A_BYTE * size):
            raise UnreadableFileError(told.format(text=int(text)))


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    """Name and type of each column."""
    rows = connection.execute(
        "describe select * from read_parquet(?, binary_as_string = true, hive_partitioning = false)",
        [this_file_only(path)],
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


def _texts(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Each column as text; nested ones as JSON."""
    return [
        f"cast({f'to_json({identifier(name)})' if _is_nested(type_) else identifier(name)} as varchar)"
        for name, type_ in _columns(connection, path)
    ]


def _is_nested(type_: str) -> bool:
    return type_.startswith(("STRUCT", "MAP")) or type_.endswith("]")


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
