"""What is said of the columns of new files: each thing once a table, however many files have it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb

from orchestration.core.contract import Table
from orchestration.load.encoding import printable
from orchestration.load.file_facts import Match, UnreadableFileError
from orchestration.load.headers import match_header


class LoadedHeaders:
    """The headers of the files loaded before, by table."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
        self._unknown: dict[str, set[str]] = {}
        self._respelt: dict[str, set[tuple[str, str]]] = {}
        by_label = {table.label: table for table in tables}
        rows = connection.execute(
            "select system_table, unknown_columns, header from raw.load_files group by all order by all"
        ).fetchall()
        for label, unknown, header in rows:
            self._unknown.setdefault(label, set()).update(unknown.split(", ") if unknown else ())
            if header and label in by_label and (match := match_of(by_label[label], header)):
                self._respelt.setdefault(label, set()).update(match.respelt.items())

    def notes(self, label: str, name: str, match: Match) -> list[str]:
        """What is new in the header of a file: columns of other spellings, and columns that are not read."""
        table = match.table
        notes = []
        told = self._respelt.setdefault(table.label, set())
        respelt = {
            column: spelt for column, spelt in match.respelt.items()
            if (column, spelt) not in told and not _is_expected(table, column, spelt)
        }  # fmt: skip
        if respelt:
            reads = (f"{spelt} is read as {column}" for column, spelt in respelt.items())
            notes.append(printable(f"{table.label}: {name}: {', '.join(reads)}"))
            told.update(respelt.items())
        known = self._unknown.setdefault(table.label, set())
        fresh = [column for column in dict.fromkeys(match.unknown_columns) if column not in known]
        if fresh and table.is_contract:
            notes.append(f"{label}: unknown columns left out: {', '.join(fresh)}")
        elif fresh and not known and not table.keeps_other_columns:
            notes.append(f"{table.label}: {name}: {len(fresh)} of its columns are not read")
        known.update(fresh)
        return notes


def match_of(table: Table, header: str) -> Match | None:
    """How a header, as `raw.load_files` has it, fits a table by now; None where it does not."""
    try:
        return match_header(table, json.loads(header))
    except UnreadableFileError:
        return None


def _is_expected(table: Table, column: str, spelt: str) -> bool:
    """Whether a source system's object declares this very name for a column."""
    return not table.is_contract and any(spelt in one.aliases for one in table.columns if one.name == column)
