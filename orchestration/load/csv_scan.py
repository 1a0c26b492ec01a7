"""Reads one CSV file with DuckDB's own reader and accounts for every physical line of it.

The reader says which records it refuses, but not on which line an accepted record stands. So: a first pass over the
file; where it refuses something, the refused lines are noted and blanked out in a working copy (which keeps all
line numbers), and the copy is read again, until nothing is refused. An open quote costs just its own line this way,
not the rest of the file. At the end header + records + blank lines must add up to the file's lines.
"""

from __future__ import annotations

import codecs
import json
import mmap
import re
import shutil
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.load.csv_lines import MAX_MALFORMED_LINES, LineFindings
from orchestration.load.file_facts import (
    FileLayout,
    Fingerprint,
    UnreadableFileError,
    copy_bytes,
    fingerprint,
    this_file_only,
)
from orchestration.load.scanned import (
    SCAN_TABLE,
    MalformedLine,
    Scanned,
    drop_blank_records,
    drop_footer,
    is_blank,
    set_broken_ids_aside,
    shown,
)

MAX_LINE_BYTES = 8 << 20
MAX_PASSES = 40
MAX_MALFORMED_TEXT = 100 << 20
NOTED_BYTES = 100 << 20
LEAST_NOTED = 100
# For so many passes a refusal that spans lines is dealt with alone: after an open quote the reader takes the insides of
# quoted values for lines. Then all refusals are taken as they come, so that a file of open quotes ends too.
CAREFUL_PASSES = 10
COPY_BYTES = 1 << 20
# The reader cuts the text of a refused record here, so a longer one's extent is not known.
REJECT_TEXT_LIMIT = 10_000


@dataclass(frozen=True)
class _Refusal:
    """Where a refused record begins (byte, from 0), how many physical lines it takes, and why."""

    start: int
    lines: int
    error: str
    spans_lines: bool = False


def scan_csv(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    layout: FileLayout,
    print_: Fingerprint,
    lines: LineFindings,
    scratch: Path,
) -> Scanned:
    """Read `path` into the temporary table `scanned_records` (`_base`, then the file's columns as text).

    Lines of nothing but separators and blanks are left out and counted. Bytes that are not UTF-8 become U+FFFD; a line
    that has them in an id of its table is malformed. `scratch` is a folder for a working copy, made only where
    one is needed. Raises UnreadableFileError where the file's lines cannot be accounted for.
    """
    source = path
    copy = scratch / "working_copy.csv"
    malformed: list[MalformedLine] = []
    blanked: set[int] = set()
    blank_rows = 0
    header_lines = layout.header_lines
    try:
        if print_.carriage_returns and not print_.newlines:
            source, print_ = _with_plain_newlines(source, copy)
        if lines.undecodable:
            source, print_ = _with_replacements(source, copy)
        if header_lines > 1:
            # The reader can skip one line reliably; a longer header is blanked out instead.
            if source is path:
                shutil.copyfile(path, copy)
                source = copy
            _blank_out(source, [_Refusal(0, header_lines, "header")])
            blanked.update(range(1, header_lines + 1))
            header_lines = 0
        for attempt in range(MAX_PASSES):
            try:
                refusals = _read_records(connection, source, layout, header_lines, lines.longest)
            except duckdb.InvalidInputException as error:
                if "state machine" not in str(error) or not _has_mixed_newlines(print_):
                    raise UnreadableFileError(f"is not CSV ({_first_line(error)})") from error
                source, print_ = _with_plain_newlines(source, copy)
                continue
            if not refusals:
                break
            if source is path:
                shutil.copyfile(path, copy)
                source = copy
            if attempt < CAREFUL_PASSES:
                refusals = _up_to_the_first_that_spans_lines(refusals)
            found = _blank_out(source, refusals)
            malformed.extend(entry for entry, _ in found if not is_blank(entry.text, layout.delimiter))
            blank_rows += sum(is_blank(entry.text, layout.delimiter) for entry, _ in found)
            blanked.update(line for entry, count in found for line in range(entry.line, entry.line + count))
            if len(malformed) > MAX_MALFORMED_LINES or sum(len(entry.text) for entry in malformed) > MAX_MALFORMED_TEXT:
                raise UnreadableFileError(
                    f"is not CSV: at least {len(malformed):,} of its {print_.line_count:,} lines do not fit its header"
                )
        else:
            raise UnreadableFileError("is not CSV: its quotes do not pair, whatever line is set aside")
        blank_rows += _number_lines(connection, source, header_lines, print_, blanked)
        blank_rows += drop_blank_records(connection, layout.column_count)
    finally:
        copy.unlink(missing_ok=True)
    replaced, broken = set_broken_ids_aside(connection, layout, lines) if lines.undecodable else ([], [])
    ordered, footer_lines = drop_footer(connection, layout, sorted(malformed + broken, key=lambda entry: entry.line))
    return Scanned([shown(entry, lines) for entry in ordered], blank_rows, replaced, footer_lines)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")


def _has_mixed_newlines(print_: Fingerprint) -> bool:
    return print_.carriage_returns > 0 and print_.newlines > 0


def _with_plain_newlines(source: Path, copy: Path) -> tuple[Path, Fingerprint]:
    """A copy of the file in which every line ends with a newline alone, and its fingerprint."""
    plain = copy.with_suffix(".plain")
    with source.open("rb") as old, plain.open("wb") as new:
        while chunk := old.read(COPY_BYTES):
            if chunk.endswith(b"\r"):
                chunk += old.read(1)
            new.write(chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    plain.replace(copy)
    return copy, fingerprint(copy)


def _with_replacements(source: Path, copy: Path) -> tuple[Path, Fingerprint]:
    """A copy of the file in which bytes that are not UTF-8 are U+FFFD, and its fingerprint."""
    mended = copy.with_suffix(".mended")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    with source.open("rb") as old, mended.open("wb") as new:
        while chunk := old.read(COPY_BYTES):
            new.write(decoder.decode(chunk).encode())
        new.write(decoder.decode(b"", True).encode())
    mended.replace(copy)
    return copy, fingerprint(copy)


def _read_records(
    connection: duckdb.DuckDBPyConnection, source: Path, layout: FileLayout, header_lines: int, longest_line: int
) -> list[_Refusal]:
    """One pass: fill `scanned_records` with the accepted records in file order, return the refused ones.

    `_base` is the line a record would start on if nothing were blank or refused, `_newlines` how many newlines
    its values hold. The reader notes each field beyond the header's with its whole line, so it is let note only so many
    as fit in memory; what it does not note is refused again in the next pass.
    """
    noted = max(LEAST_NOTED, min(MAX_MALFORMED_LINES, NOTED_BYTES // max(longest_line, 1)))
    names = [f"c{position}" for position in range(layout.column_count)]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    newlines = " + ".join(f"coalesce(length({n}) - length(replace({n}, chr(10), '')), 0)" for n in names)
    for table in ("reject_errors", "reject_scans"):
        connection.execute(f"drop table if exists {table}")
    connection.execute(
        f"""
        create or replace temp table {SCAN_TABLE} as
        select
            {header_lines} + _record
            + coalesce(sum(_newlines) over (rows between unbounded preceding and 1 preceding), 0) as _base,
            _newlines, {", ".join(names)}
        from (
            select row_number() over () as _record, {newlines} as _newlines, {", ".join(names)}
            from read_csv(
                ?, columns = {{{columns}}}, header = false, skip = {header_lines}, auto_detect = false,
                delim = '{layout.delimiter}', quote = '"', escape = '"', strict_mode = true,
                max_line_size = {MAX_LINE_BYTES}, store_rejects = true, rejects_limit = {noted}
            )
        )
    """,
        [this_file_only(source)],
    )
    rows = connection.execute(f"""
        select
            line_byte_position - 1,
            bool_and(error_type in ('MISSING COLUMNS', 'TOO MANY COLUMNS') and length(text) < {REJECT_TEXT_LIMIT}),
            max(length(text) - length(replace(text, chr(10), ''))) + 1,
            min(lower(error_type))
        from (
            select line_byte_position, error_type, trim(csv_line, chr(10) || chr(13)) as text from reject_errors
        )
        group by line_byte_position
        order by line_byte_position
    """).fetchall()
    return [_Refusal(start, lines if is_whole else 1, error, lines > 1) for start, is_whole, lines, error in rows]


def _up_to_the_first_that_spans_lines(refusals: Sequence[_Refusal]) -> list[_Refusal]:
    position = next((position for position, refusal in enumerate(refusals) if refusal.spans_lines), len(refusals))
    return list(refusals[: position + 1])


def _blank_out(source: Path, refusals: Sequence[_Refusal]) -> list[tuple[MalformedLine, int]]:
    """Cut the refused records out of a file, leaving their line ends; returns each with how many lines it took.

    Whole lines are cut: after an open quote the reader may go on in the middle of a line.
    """
    found: list[tuple[MalformedLine, int]] = []
    pieces: list[tuple[int, int]] = []
    with source.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        line, counted_to = 1, 0
        for refusal in refusals:
            start = refusal.start
            while start > 0 and data[start : start + 1] in (b"\n", b"\r"):
                start += 1
            start = data.rfind(b"\n", 0, start) + 1
            if pieces and start <= pieces[-1][1]:
                continue
            line += data[counted_to:start].count(b"\n")
            counted_to = start
            end = _end_of_lines(data, start, refusal.lines)
            pieces.append((start, end))
            text = data[start:end].decode("utf-8", errors="replace")
            found.append((MalformedLine(line, text, refusal.error), refusal.lines))
    _cut(source, pieces)
    return found


def _end_of_lines(data: mmap.mmap, start: int, lines: int) -> int:
    """Where the text of `lines` physical lines from byte `start` ends, their last line end left out."""
    end = start - 1
    for _ in range(lines):
        end = data.find(b"\n", end + 1)
        if end < 0:
            return len(data)
    return end - 1 if data[end - 1 : end] == b"\r" else end


def _cut(source: Path, pieces: Sequence[tuple[int, int]]) -> None:
    """Take the byte ranges out of a file, leaving the line ends inside them."""
    trimmed = source.with_suffix(".trimmed")
    with source.open("rb") as old, trimmed.open("wb") as new:
        position = 0
        for start, end in pieces:
            copy_bytes(old, new, start - position)
            new.write(b"".join(re.findall(rb"\r?\n", old.read(end - start))))
            position = end
        shutil.copyfileobj(old, new, COPY_BYTES)
    trimmed.replace(source)


def _number_lines(
    connection: duckdb.DuckDBPyConnection,
    source: Path,
    header_lines: int,
    print_: Fingerprint,
    blanked: set[int],
) -> int:
    """Fill `skipped_lines`, by which `_base` becomes a physical line, and check that every line is accounted for.

    Returns how many lines are empty, those of `blanked` not counted.
    """
    records, newlines = _one_row(connection, f"select count(*), coalesce(sum(_newlines), 0) from {SCAN_TABLE}")
    total = print_.line_count
    accounted = header_lines + records + newlines
    skipped: list[int] = []
    if accounted != total:
        multi_line = connection.execute(
            f"select _base, _newlines from {SCAN_TABLE} where _newlines > 0 order by _base"
        ).fetchall()
        blank = sorted(_blank_lines(source, header_lines) | blanked)
        skipped = _outside_quotes(blank, multi_line)
        accounted += len(skipped)
    if accounted != total:
        raise UnreadableFileError(
            f"cannot be accounted for: {total} lines, but header, records and blank lines make {accounted}"
        )
    connection.execute("create or replace temp table skipped_lines (base bigint, skipped bigint)")
    if skipped:
        shifts = {line - position: position + 1 for position, line in enumerate(skipped)}
        # As JSON texts: binding a list costs a tenth of a millisecond for each of its values.
        connection.execute(
            "insert into skipped_lines "
            """select unnest(from_json(?, '["BIGINT"]')), unnest(from_json(?, '["BIGINT"]'))""",
            [json.dumps(list(shifts)), json.dumps(list(shifts.values()))],
        )
    return sum(line not in blanked for line in skipped)


def _one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _blank_lines(source: Path, header_lines: int) -> set[int]:
    """Numbers of the empty physical lines after the header, those inside quoted values included."""
    found: set[int] = set()
    with source.open("rb") as stream:
        if source.stat().st_size == 0:
            return found
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            line, counted_to = 1, 0
            for match in re.finditer(rb"(?<![^\n])\r?\n", data):
                line += data[counted_to : match.start()].count(b"\n")
                counted_to = match.start()
                found.add(line)
    return {line for line in found if line > header_lines}


def _outside_quotes(blank: Sequence[int], multi_line: Sequence[tuple[int, int]]) -> list[int]:
    """Of the blank physical lines (sorted) those that stand between records, not inside a quoted value.

    `multi_line` holds (base line, newlines) of the records that span lines, sorted.
    """
    bases = [base for base, _ in multi_line]
    skipped: list[int] = []
    for line in blank:
        base = line - len(skipped)
        position = bisect_left(bases, base) - 1
        inside = position >= 0 and base <= bases[position] + multi_line[position][1]
        if not inside:
            skipped.append(line)
    return skipped
