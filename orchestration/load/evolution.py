"""Columns that a table gained after files with them were loaded: their values are filled in from the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import duckdb

from orchestration.core.contract import Table
from orchestration.core.errors import is_full_disk
from orchestration.load.appending import header_entry, numbered_records
from orchestration.load.encoding import printable
from orchestration.load.file_facts import Match, UnreadableFileError
from orchestration.load.header_notes import match_of
from orchestration.load.headers import bare_name
from orchestration.load.kinds.reading import Reading
from orchestration.load.landing_folder import NULL_PARTITION
from orchestration.load.raw_tables import OTHER_COLUMNS
from orchestration.load.scanned import SCAN_TABLE
from orchestration.warehouse.sql import identifier, literal


@dataclass(frozen=True)
class LoadedFile:
    """A file loaded before: its number, name and content, and those of its columns that its table has by now, but of
    which no value was loaded."""

    table: Table
    file_id: int
    name: str
    sha256: str
    columns: tuple[str, ...]
    match: Match | None


@dataclass
class _Told:
    """What is to be said of a table: columns that were filled in, from so many files; files that are gone."""

    filled: dict[str, int] = field(default_factory=dict)
    gone: dict[str, list[str]] = field(default_factory=dict)


def fill_gained_columns(
    connection: duckdb.DuckDBPyConnection,
    tables: Iterable[Table],
    gained: Sequence[tuple[Table, str]],
    reopen: Callable[[LoadedFile], Reading | None],
) -> list[str]:
    """Fill in the columns that files loaded before had, but their tables only have by now.

    `reopen` gives the file where it still lies in the landing folder with the same content. `gained` are the columns
    that are new in this very load: of these it is told where a file is gone. Returns a line for each table and case.
    """
    told: dict[Table, _Told] = {}
    for table, column in gained:
        if files := _from_folders(connection, table, column):
            told.setdefault(table, _Told()).filled[column] = files
    for loaded in _files_to_fill(connection, tables):
        about = told.setdefault(loaded.table, _Told())
        filled: list[str] | None
        if loaded.table.keeps_other_columns and loaded.match:
            filled = _from_other_columns(connection, loaded, loaded.match)
        else:
            filled = _from_file(connection, loaded, reopen)
        for column in filled or loaded.columns:
            if filled:
                about.filled[column] = about.filled.get(column, 0) + 1
            elif filled is None and (loaded.table, column) in gained:
                about.gone.setdefault(column, []).append(loaded.name)
    return [line for table, about in told.items() for line in _lines(table, about)]


def _from_folders(connection: duckdb.DuckDBPyConnection, table: Table, column: str) -> int:
    """Fill in a column that the names of folders give (`year=2025`); returns of how many files."""
    raw, name = f"raw.{identifier(table.raw_name)}", identifier(column)
    given = "nullif(url_decode(regexp_extract(_file, ?, 1)), ?)"
    pattern = f"(?:^|/){re.escape(column)}=([^/]*)/"
    [(files,)] = connection.execute(
        f"select count(distinct _file_id) from {raw} where regexp_matches(_file, ?)", [pattern]
    ).fetchall()
    if files:
        connection.execute(
            f"update {raw} set {name} = {given} where regexp_matches(_file, ?)", [pattern, NULL_PARTITION, pattern]
        )
    return int(files)


def _files_to_fill(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> list[LoadedFile]:
    by_label = {table.label: table for table in tables}
    rows = connection.execute(
        "select system_table, file_id, file_name, sha256, unknown_columns, header from raw.load_files "
        "where unknown_columns <> '' order by file_id"
    ).fetchall()
    fits: dict[tuple[str, str], Match | None] = {}
    found: list[LoadedFile] = []
    for label, file_id, name, sha256, unknown, header in rows:
        if not (table := by_label.get(label)):
            continue
        if header and (label, header) not in fits:
            fits[label, header] = match_of(table, header)
        match = fits.get((label, header))
        if columns := _columns_to_fill(table, unknown, match):
            found.append(LoadedFile(table, file_id, name, sha256, columns, match))
    return found


def _columns_to_fill(table: Table, unknown: str, match: Match | None) -> tuple[str, ...]:
    """The columns of a table that were unknown when a file was loaded; without its header, those that may have been."""
    if match:
        still = set(match.unknown_columns)
        return tuple(
            column
            for column, position in match.positions.items()
            # a name may hold the separator
            if (name := _shown(match, position)) not in still and f", {name}, " in f", {unknown}, "
        )
    bare = {bare_name(name) for name in unknown.split(", ")}
    return tuple(
        column.name for column in table.columns if not bare.isdisjoint(map(bare_name, (column.name, *column.aliases)))
    )


def _shown(match: Match, position: int) -> str:
    return printable(match.header[position].strip())


def _from_other_columns(connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, match: Match) -> list[str]:
    """Move values out of the JSON object that keeps them."""
    raw = f"raw.{identifier(loaded.table.raw_name)}"
    keys = {column: _shown(match, match.positions[column]) for column in loaded.columns}
    values = ", ".join(
        f"{identifier(column)} = coalesce({identifier(column)}, json_extract_string({OTHER_COLUMNS}, {_path(key)}))"
        for column, key in keys.items()
    )
    without = ", ".join(f"{literal(key)}, null" for key in keys.values())
    connection.execute("begin transaction")
    try:
        connection.execute(
            f"update {raw} set {values}, "
            f"{OTHER_COLUMNS} = cast(json_merge_patch({OTHER_COLUMNS}, json_object({without})) as varchar) "
            "where _file_id = ?",
            [loaded.file_id],
        )
        _enter(connection, loaded.file_id, match)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return list(keys)


def _path(key: str) -> str:
    escaped = key.replace('"', '\\"')
    return literal(f'$."{escaped}"')


def _from_file(
    connection: duckdb.DuckDBPyConnection, loaded: LoadedFile, reopen: Callable[[LoadedFile], Reading | None]
) -> list[str] | None:
    """Read a file again for its columns; returns those that it filled, None where it is not there any more."""
    try:
        reading = reopen(loaded)
        if reading is None or reading.layout.table != loaded.table:
            return None
        reading.scan(connection)
        records = numbered_records(connection)
    except (UnreadableFileError, OSError, duckdb.Error) as error:
        if is_full_disk(error):
            raise  # the file is there
        return None
    match = reading.layout.match
    columns = [column for column in loaded.columns if column in match.positions]
    values = ", ".join(f"{identifier(column)} = scanned.c{match.positions[column]}" for column in columns)
    connection.execute("begin transaction")
    try:
        if columns:
            connection.execute(
                f"update raw.{identifier(loaded.table.raw_name)} as loaded set {values} "
                f"from (select * from {records}) as scanned "
                "where loaded._file_id = ? and loaded._line = scanned._line",
                [loaded.file_id],
            )
        _enter(connection, loaded.file_id, match)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute(f"drop table {SCAN_TABLE}")
    return columns


def _enter(connection: duckdb.DuckDBPyConnection, file_id: int, match: Match) -> None:
    entry = header_entry(match)
    connection.execute(
        f"update raw.load_files set {', '.join(f'{name} = ?' for name in entry)} where file_id = ?",
        [*entry.values(), file_id],
    )


def _lines(table: Table, about: _Told) -> list[str]:
    lines = []
    if about.filled:
        files = max(about.filled.values())
        columns = ", ".join(about.filled)
        lines.append(
            f"{table.label}: {columns} {'is' if len(about.filled) == 1 else 'are'} read by now, and filled in from "
            f"{files} file{'s' if files > 1 else ''} loaded before"
        )
    for column, names in about.gone.items():
        named = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        lines.append(
            f"{table.label}: {named} had {column} when it was not read yet, and its values are not here: "
            "deliver the files under other names, or build into an empty warehouse"
        )
    return lines
