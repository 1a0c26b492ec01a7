"""What was read of a file: the temporary table of its records, and what is said of the lines that are none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

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

    `replaced` has line and column of the values in which bytes that are not UTF-8 became U+FFFD; `footer_lines` counts
    the records and malformed lines below the last row, which are no data.
    """

    malformed: Sequence[MalformedLine] = ()
    blank_rows: int = 0
    replaced: Sequence[tuple[int, str]] = ()
    footer_lines: int = 0
    notes: Sequence[str] = ()


def is_blank(line: str, delimiter: str = ",") -> bool:
    """Whether a line of CSV holds nothing but separators and blanks, quoted ones included."""
    return not re.sub(f'"[{re.escape(BLANKS)}]*"', "", line).strip(BLANKS + delimiter)


def begins_visibly(name: str) -> str:
    """The condition that a text begins with a visible ASCII character, and so holds more than BLANKS."""
    return f"{name} >= '!' and {name} < chr(127)"


def some_value(column_count: int, blanks: str = "$blanks") -> str:
    """The condition that a record has a value. `blanks` is the expression of BLANKS.

    DuckDB's `trim` takes microseconds; it is asked only where no value begins with a visible ASCII character.
    """
    names = [f"c{position}" for position in range(column_count)]
    visible = " ".join(f"when {begins_visibly(name)} then true" for name in names)
    trimmed = " or ".join(f"coalesce(trim({name}, {blanks}), '') <> ''" for name in names)
    return f"case {visible} else {trimmed} end"


def drop_blank_records(connection: duckdb.DuckDBPyConnection, column_count: int) -> int:
    """Take the records without any value out of `scanned_records`; returns how many there were."""
    values = some_value(column_count)
    [(dropped,)] = connection.execute(f"delete from {SCAN_TABLE} where not ({values})", {"blanks": BLANKS}).fetchall()
    return int(dropped)


def number_no_skipped_lines(connection: duckdb.DuckDBPyConnection) -> None:
    """Have `_base` be the line itself, as it is of every file but a text."""
    connection.execute("create or replace temp table skipped_lines (base bigint, skipped bigint)")


def drop_footer(
    connection: duckdb.DuckDBPyConnection, layout: FileLayout, malformed: Sequence[MalformedLine]
) -> tuple[list[MalformedLine], int]:
    """Take out of `scanned_records` what stands from the footer on: from the first row on whose first value one of the
    table's declared patterns matches.

    Returns the malformed lines above it, and how many lines were taken out, malformed ones included.
    """
    patterns = layout.table.dialect.footer
    if not patterns:
        return list(malformed), 0
    matches = " or ".join("regexp_full_match(trim(c0, ?), ?)" for _ in patterns)
    numbered = f"{SCAN_TABLE} asof left join skipped_lines on _base >= base"
    [(first,)] = connection.execute(
        f"select min(_base + coalesce(skipped, 0)) from {numbered} where {matches}",
        [value for pattern in patterns for value in (BLANKS, pattern)],
    ).fetchall()
    starts = [
        entry.line
        for entry in malformed
        if any(re.fullmatch(pattern, _first_value(entry.text, layout.delimiter)) for pattern in patterns)
    ]
    starts += [] if first is None else [int(first)]
    if not starts:
        return list(malformed), 0
    footer = min(starts)
    [(taken,)] = connection.execute(
        f"delete from {SCAN_TABLE} where _base in "
        f"(select _base from {numbered} where _base + coalesce(skipped, 0) >= ?)",
        [footer],
    ).fetchall()
    kept = [entry for entry in malformed if entry.line < footer]
    return kept, int(taken) + len(malformed) - len(kept)


def _first_value(text: str, delimiter: str) -> str:
    if quoted := re.match(r'\s*"([^"]*)"', text):
        return quoted.group(1).strip(BLANKS)
    return text.partition(delimiter)[0].strip(BLANKS)


def set_broken_ids_aside(
    connection: duckdb.DuckDBPyConnection, layout: FileLayout, lines: LineFindings
) -> tuple[list[tuple[int, str]], list[MalformedLine]]:
    """Take the records with replaced bytes in an id out of `scanned_records`.

    Returns line and column of every replaced value that is kept, and the lines taken out.
    """
    columns = {f"c{position}": name for name, position in layout.match.positions.items()}
    ids = {column.name for column in layout.table.columns if column.identifies}
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
            text = layout.delimiter.join(value or "" for value in values)
            broken.append(MalformedLine(line, text, f"not utf-8 in {', '.join(in_ids)}"))
        else:
            replaced += [(line, name) for name in names]
    return replaced, broken


def shown(entry: MalformedLine, lines: LineFindings) -> MalformedLine:
    """A malformed line as it can be shown: control characters (and bytes, if it is one line) as `\\x00`."""
    line = lines.undecodable.get(entry.line)
    text = entry.text if line is None or "\n" in entry.text else with_bytes_shown(line.removesuffix(b"\r"))
    return replace(entry, text=printable(text))
