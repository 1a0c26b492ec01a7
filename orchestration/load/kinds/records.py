"""Records that Python reads, of workbooks and JSON, on their way into DuckDB: CSV, each with its line first."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.load.file_facts import FileLayout, UnreadableFileError, this_file_only
from orchestration.load.scanned import (
    SCAN_TABLE,
    MalformedLine,
    Scanned,
    drop_blank_records,
    drop_footer,
    number_no_skipped_lines,
)

MAX_VALUE_BYTES = 8 << 20


@dataclass(frozen=True)
class RecordsReading:
    """Records written by `write_records`, and what the file holds beside them."""

    path: Path
    layout: FileLayout
    malformed: Sequence[MalformedLine] = ()
    blank_lines: int = 0
    # of the records; by default that of the header
    width: int | None = None

    def scan(self, connection: duckdb.DuckDBPyConnection) -> Scanned:
        width = self.layout.column_count if self.width is None else self.width
        columns = {"_base": "BIGINT", **{f"c{position}": "VARCHAR" for position in range(width)}}
        typed = ", ".join(f"'{name}': '{type_}'" for name, type_ in columns.items())
        try:
            connection.execute(
                f"""
                create or replace temp table {SCAN_TABLE} as
                select _base, 0 as _newlines, * exclude (_base)
                from read_csv(
                    ?, columns = {{{typed}}}, header = false, auto_detect = false, delim = ',', quote = '"',
                    escape = '"', new_line = '\\n', max_line_size = {2 * MAX_VALUE_BYTES}
                )
                where _base > {self.layout.header_lines}
                """,
                [this_file_only(self.path)],
            )
        except duckdb.InvalidInputException as error:
            if "maximum line size" not in str(error).lower():
                raise
            raise UnreadableFileError(f"has a row of more than {MAX_VALUE_BYTES:,} bytes") from error
        number_no_skipped_lines(connection)
        blank_rows = drop_blank_records(connection, self.layout.column_count) if self.layout.column_count else 0
        malformed, footer_lines = drop_footer(connection, self.layout, self.malformed)
        return Scanned(malformed, self.blank_lines + blank_rows, footer_lines=footer_lines)


def write_records(path: Path, records: Iterable[tuple[int, Sequence[str | None]]]) -> None:
    """Write records, each with its line in the file that it is from."""
    with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerows((line, *values) for line, values in records)
