"""Appends what was scanned of a file to `raw`, and enters the file in `raw.load_files`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from orchestration.load.encoding import printable
from orchestration.load.file_facts import FileLayout, Match
from orchestration.load.raw_tables import OTHER_COLUMNS
from orchestration.load.scanned import BLANKS, SCAN_TABLE, Scanned, begins_visibly
from orchestration.warehouse.connections import scalar
from orchestration.warehouse.sql import identifier, literal

# Each file that is read takes its share of the memory that loading may use.
MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Landed:
    """What identifies a file: its name, and its content by hash and size."""

    name: str
    sha256: str
    size_bytes: int


def insert_into(layout: FileLayout, *row: str) -> str:
    """The beginning of the statement that appends the records of a file, up to its `from`. They come with `_line`, with
    a column `c0` ... for each of the file, and with `_blanks`; `row` has the expressions of what they do not come with:
    the file's number, its name, and the load's id."""
    table = layout.table
    names = [*table.column_names, *([OTHER_COLUMNS] if table.keeps_other_columns else [])]
    file_id, file, load_id = row
    return (
        f"insert into raw.{identifier(table.raw_name)} "
        f"(_file_id, _file, _line, _load_id, {', '.join(map(identifier, names))}) "
        f"select {file_id}, {file}, _line, {load_id}, {', '.join(_value(layout, name) for name in names)}"
    )


def append(
    connection: duckdb.DuckDBPyConnection, landed: Landed, layout: FileLayout, load_id: str, file_id: int
) -> int:
    """Append the scanned records; returns how many. The caller has a transaction."""
    connection.execute(
        f"{insert_into(layout, '?', '?', '?')} from {numbered_records(connection)} cross join (select ? as _blanks)",
        [file_id, landed.name, load_id, BLANKS],
    )
    rows = scalar(connection, f"select count(*) from {SCAN_TABLE}")
    connection.execute(f"drop table {SCAN_TABLE}")
    return rows


def enter(
    connection: duckdb.DuckDBPyConnection,
    row: tuple[int, Landed, str],
    layout: FileLayout,
    scanned: Scanned,
    row_count: int,
) -> None:
    """Enter a file in `raw.load_files`, and what it has beside its records. `row` is what each of these has: the file's
    number, the file, and the load's id. The caller has a transaction."""
    file_id, landed, load_id = row
    table = layout.table
    if scanned.malformed:
        # As one JSON text: binding a list costs a tenth of a millisecond for each of its values.
        connection.execute(
            "insert into raw.malformed_lines select ?, ?, entry.* from (select unnest(from_json(?, "
            """'[{"line": "BIGINT", "text": "VARCHAR", "error": "VARCHAR"}]')) as entry)""",
            [table.label, file_id, json.dumps([vars(entry) for entry in scanned.malformed])],
        )
    entry = {
        "file_id": file_id,
        "system_table": table.label,
        "file_name": landed.name,
        "sha256": landed.sha256,
        "size_bytes": landed.size_bytes,
        "row_count": row_count,
        "malformed_line_count": len(scanned.malformed),
        "load_id": load_id,
        "blank_rows": scanned.blank_rows,
        "preamble_lines": layout.preamble_lines,
        "footer_lines": scanned.footer_lines,
        **header_entry(layout.match),
    }
    connection.execute(
        f"insert into raw.load_files ({', '.join(entry)}, loaded_at) "
        f"values ({', '.join('?' for _ in entry)}, cast(now() at time zone 'UTC' as timestamp))",
        list(entry.values()),
    )
    if scanned.replaced:
        connection.executemany(
            "insert into raw.replaced_characters values (?, ?, ?, ?)",
            [(table.label, file_id, line, name) for line, name in scanned.replaced],
        )


def header_entry(match: Match) -> dict[str, str]:
    """What `raw.load_files` has of a file's columns."""
    unknown = ", ".join(dict.fromkeys(match.unknown_columns))
    return {"unknown_columns": unknown, "header": json.dumps(match.header, ensure_ascii=False)}


def numbered_records(connection: duckdb.DuckDBPyConnection) -> str:
    """What to select from for the scanned records with their physical lines, as `_line`."""
    if scalar(connection, "select count(*) from skipped_lines") == 0:
        return f"(select _base as _line, * from {SCAN_TABLE})"
    # the join by order sorts what it is given: the numbers alone
    return (
        f"{SCAN_TABLE} inner join (select _base, _base + coalesce(skipped, 0) as _line from {SCAN_TABLE} "
        "asof left join skipped_lines on _base >= base) as numbered using (_base)"
    )


def _value(layout: FileLayout, column: str) -> str:
    """The expression of a column's text."""
    if column in layout.match.positions:
        return f"c{layout.match.positions[column]}"
    if column == OTHER_COLUMNS and column not in layout.table.column_names:
        return _others(layout.match)
    return literal(layout.constants.get(column))


def _others(match: Match) -> str:
    """The expression of a JSON object of the columns that the table does not have, blank ones left out."""
    if not match.unknown:
        return "'{}'"
    pairs = ", ".join(
        f"{literal(name)}, case when {begins_visibly(f'c{position}')} then c{position} "
        f"when trim(c{position}, _blanks) <> '' then c{position} end"
        for name, position in zip(_apart(match.unknown_columns), match.unknown, strict=True)
    )
    # a patch takes out what is null
    return f"cast(json_merge_patch('{{}}', json_object({pairs})) as varchar)"


def _apart(names: Iterable[str]) -> list[str]:
    """Names, a later one of the same with a number."""
    seen: dict[str, int] = {}
    apart = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        apart.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return [printable(name) for name in apart]


def at_once(connection: duckdb.DuckDBPyConnection) -> int:
    """How many files are looked at, or loaded, at a time: as many as DuckDB has threads, within measure."""
    return min(MOST_AT_ONCE, scalar(connection, "select current_setting('threads')"))
