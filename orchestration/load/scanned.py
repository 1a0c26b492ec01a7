"""What was read of a file: the temporary table of its records, and what is said of the lines that are none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from orchestration.core.contract import Table
from orchestration.load.csv_lines import LineFindings
from orchestration.load.encoding import NOT_PRINTABLE, printable, with_bytes_shown
from orchestration.load.file_facts import FileLayout

SCAN_TABLE = "scanned_records"
# What staging takes off the ends of a text (macro white_space), and out of it (macro printable):
# a value of nothing else is none.
WHITE_SPACE = (
    " \t\n\r\x0b\x0c\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)
BLANKS = WHITE_SPACE + NOT_PRINTABLE


@dataclass(frozen=True)
class MalformedLine:
    """A line that is not CSV, or not UTF-8 where it has an id: its number (from 1), its text, and what is wrong."""

    line: int
    text: str
    error: str


@dataclass(frozen=True)
class Scanned:
    """What a file holds beside its records: malformed lines, and how many lines hold nothing.

    `replaced` has line and column of the values in which bytes that are not UTF-8 became U+FFFD.
    """

    malformed: Sequence[MalformedLine] = ()
    blank_rows: int = 0
    replaced: Sequence[tuple[int, str]] = ()


def is_blank(line: str) -> bool:
    """Whether a line of CSV holds nothing but separators and blanks, quoted ones included."""
    return not re.sub(f'"[{re.escape(BLANKS)}]*"', "", line).strip(BLANKS + ",")


def drop_blank_records(connection: duckdb.DuckDBPyConnection, column_count: int) -> int:
    """Take the records without any value out of `scanned_records`; returns how many there were."""
    values = " and ".join(f"coalesce(trim(c{position}, $blanks), '') = ''" for position in range(column_count))
    [(dropped,)] = connection.execute(f"delete from {SCAN_TABLE} where {values}", {"blanks": BLANKS}).fetchall()
    return int(dropped)


def set_broken_ids_aside(
    connection: duckdb.DuckDBPyConnection, layout: FileLayout, lines: LineFindings, table: Table
) -> tuple[list[tuple[int, str]], list[MalformedLine]]:
    """Take the records with replaced bytes in an id out of `scanned_records`.

    Returns line and column of every replaced value that is kept, and the lines taken out.
    """
    columns = {f"c{position}": name for position, name in enumerate(layout.columns) if name in table.column_names}
    ids = {column.name for column in table.columns if column.identifies}
    hits = ", ".join(f"if(contains({one}, chr(65533)), '{one}', null)" for one in columns)
    found = connection.execute(f"""
        select _base, _base + coalesce(skipped, 0), _newlines, hits, [{", ".join(columns)}]
        from (select *, list_filter([{hits}], hit -> hit is not null) as hits from {SCAN_TABLE})
        asof left join skipped_lines on _base >= base
        where len(hits) > 0
        order by _base
    """).fetchall()
    replaced: list[tuple[int, str]] = []
    broken: list[MalformedLine] = []
    for base, line, newlines, hit, values in found:
        if not any(number in lines.undecodable for number in range(line, line + newlines + 1)):
            continue  # it came with U+FFFD in it
        names = [columns[one] for one in hit]
        if in_ids := [name for name in names if name in ids]:
            connection.execute(f"delete from {SCAN_TABLE} where _base = ?", [base])
            text = ",".join(value or "" for value in values)
            broken.append(MalformedLine(line, text, f"not utf-8 in {', '.join(in_ids)}"))
        else:
            replaced += [(line, name) for name in names]
    return replaced, broken


def shown(entry: MalformedLine, lines: LineFindings) -> MalformedLine:
    """A malformed line as it can be shown: control characters (and bytes, if it is one line) as `\\x00`."""
    line = lines.undecodable.get(entry.line)
    text = entry.text if line is None or "\n" in entry.text else with_bytes_shown(line.removesuffix(b"\r"))
    return replace(entry, text=printable(text))
