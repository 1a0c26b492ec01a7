"""Text: values between commas, semicolons, tabs or pipes, in whatever encoding, with lines above the header or not.

A text that is not UTF-8 is turned into a copy that is, with the same physical lines; the copy is what is read.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb

from orchestration.core.contract import Table
from orchestration.load.csv_lines import LineFindings, examine_lines, lines_by_encoding
from orchestration.load.csv_scan import scan_csv
from orchestration.load.encoding import guessed
from orchestration.load.file_facts import FileLayout, Fingerprint, UnreadableFileError, fingerprint
from orchestration.load.headers import (
    MOST_PREAMBLE_ROWS,
    HeaderError,
    HeaderRow,
    check_header,
    find_header,
    first_that_fits,
    match_header,
    no_data,
)
from orchestration.load.kinds.charset import likeliest_readings
from orchestration.load.kinds.reading import Content
from orchestration.load.plain_lines import PlainText, plain_text
from orchestration.load.scanned import Scanned

HEAD_BYTES = 1 << 20
COPY_BYTES = 1 << 20
MAX_COLUMNS = 2_000
DELIMITERS = ",;\t|"
MOST_LINES_SHOWN = 10
# The longer mark first: that of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF_8 = {"utf-8", "utf-8-sig", "ascii"}


@dataclass(frozen=True)
class Utf8Text:
    """A text in UTF-8: the file, or a copy of it; what is known of its lines; and a word on how it was decoded."""

    path: Path
    print_: Fingerprint
    undecodable: dict[int, bytes]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TextReading:
    """A text that can be loaded."""

    text: Utf8Text
    layout: FileLayout
    lines: LineFindings
    content: Content
    # what is known of it if it can be read in one pass
    plain: PlainText | None = None

    def scan(self, connection: duckdb.DuckDBPyConnection) -> Scanned:
        scratch = self.content.working_folder()
        if self.plain:  # but it was not
            examine_lines(self.text.path, self.layout, self.text.print_)
        scanned = scan_csv(connection, self.text.path, self.layout, self.text.print_, self.lines, scratch)
        return Scanned(
            scanned.malformed,
            scanned.blank_rows,
            scanned.replaced,
            scanned.footer_lines,
            _encoding_notes(self.lines, scanned),
        )


def open_text(content: Content) -> TextReading:
    """Look at a text. Raises UnreadableFileError where it fits none of its tables, or cannot be read."""
    texts: dict[str | None, Utf8Text] = {}

    def look(table: Table) -> FileLayout:
        encoding = table.dialect.encoding
        if encoding not in texts:
            texts[encoding] = utf8_text(content, encoding)
        return _layout(texts[encoding], table, content)

    layout = first_that_fits(content.candidates, look)
    text = texts[layout.table.dialect.encoding]
    plain = plain_text(text.path, layout, text.print_)
    longest = plain.longest if plain else examine_lines(text.path, layout, text.print_)
    return TextReading(text, layout, LineFindings(longest, text.undecodable), content, plain)


def utf8_text(content: Content, declared: str | None) -> Utf8Text:
    """A text as UTF-8: by its byte-order mark, else as declared, else as it is, else as it looks for certain.

    Raises UnreadableFileError where it is in no encoding that is certain. A few lines that are not UTF-8 are let be.
    """
    path = content.path
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if marked := next((encoding for mark, encoding in MARKS.items() if head.startswith(mark)), _utf16_unmarked(head)):
        return _decoded(content, marked)
    print_ = content.print_ or fingerprint(path)
    if declared is not None and _codec(declared) not in UTF_8 and not head.isascii():
        if not print_.is_utf8:
            return _decoded(content, declared)
        note = f"is UTF-8, though {declared} is declared, and is read as UTF-8"
        return Utf8Text(path, print_, {}, (note,))
    lines = lines_by_encoding(path, print_)
    undecodable = lines.undecodable
    is_header = bool(undecodable) and min(undecodable) <= _first_line_held(head)
    if not undecodable or not (is_header or lines.is_wholly_other):
        return Utf8Text(path, print_, undecodable)
    first = next(iter(undecodable))
    if lines.is_mixed:
        raise UnreadableFileError(
            f"is in two encodings: {len(undecodable):,} of its {lines.count:,} lines are not UTF-8, from line {first} "
            f"on, {lines.in_utf8:,} others are; export it as UTF-8"
        )
    readings, is_certain = likeliest_readings(list(undecodable.values()))
    if not is_certain:
        likely = f": it may be {' or '.join(map(str, readings[:2]))}" if readings else ""
        raise UnreadableFileError(
            f"is not UTF-8, from line {first} on{likely}; export it as UTF-8, or declare which it is for its table: "
            f"dialect: {{encoding: {readings[0].encoding if readings else 'cp1252'}}}"
        )
    note = f"is read as {readings[0].encoding}, in which line {first} reads `{readings[0].sample}`"
    return _decoded(content, readings[0].encoding, note)


def _utf16_unmarked(head: bytes) -> str | None:
    """The UTF-16 that a text without a mark must be in: every second byte of its beginning is zero."""
    start = head[:400]
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if len(start) >= 8 and zeros.count(0) > 0.8 * len(zeros) and start.count(0) <= len(zeros) + 2:
            return encoding
    return None


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise UnreadableFileError(
            f"there is no encoding {encoding}, which is declared for its table: say cp949, cp1252 or latin-1"
        ) from None


def _first_line_held(head: bytes) -> int:
    """The number of the first line that holds something."""
    lines = re.split(rb"\r\n|\r|\n", head)
    return next((number for number, line in enumerate(lines, start=1) if line.strip()), 1)


def _decoded(content: Content, encoding: str, *notes: str) -> Utf8Text:
    """A copy of a text in UTF-8. Raises UnreadableFileError naming the line that cannot be decoded."""
    copy = content.working_folder() / f"{_codec(encoding)}.utf8"
    decoder = codecs.getincrementaldecoder(encoding)()
    newlines = 0
    with content.path.open("rb") as old, copy.open("wb") as new:
        while True:
            chunk = old.read(COPY_BYTES)
            try:
                text = decoder.decode(chunk, not chunk)
                new.write(text.encode())
            except UnicodeError as error:
                within = chunk[: getattr(error, "start", 0)].count(b"\n")
                raise UnreadableFileError(
                    f"is not {encoding} throughout: look at line {newlines + within + 1}; export it as UTF-8"
                ) from error
            newlines += text.count("\n")
            if not chunk:
                break
    return Utf8Text(copy, fingerprint(copy), {}, notes)


def _layout(text: Utf8Text, table: Table, content: Content) -> FileLayout:
    with text.path.open("rb") as stream:
        head = stream.read(HEAD_BYTES).decode("utf-8-sig", errors="replace")
    if not head.strip():
        raise UnreadableFileError("is empty: it has no header line")
    if "\x00" in next(line for line in _lines(head) if line.strip()):
        raise UnreadableFileError("is not a text: it holds binary data; export it as CSV")
    problem: HeaderError | None = None
    for is_first_row in (True, False):
        layouts: list[FileLayout] = []
        for delimiter in _delimiters(head, table):
            rows, ends = _first_rows(head, delimiter, table.dialect.header_row or 0)
            try:
                found = _header(table, rows, ends, content, is_first_row=is_first_row)
            except HeaderError as error:
                problem = problem or error
                continue
            above = found.rows_above
            notes = (*text.notes, *no_data(above, "above its header"))
            constants = content.constants(table)
            layouts.append(FileLayout(found.match, delimiter, ends[found.row], above, constants, notes))
        if layouts:
            return _bounded(max(layouts, key=lambda layout: len(layout.match.positions)))
    assert problem is not None
    raise problem


def _bounded(layout: FileLayout) -> FileLayout:
    if layout.column_count > MAX_COLUMNS:
        raise UnreadableFileError(
            f"has {layout.column_count:,} columns in its header line, more than {MAX_COLUMNS:,}: "
            "it has lost its line ends; export it again"
        )
    return layout


def _header(table: Table, rows: list[list[str]], ends: list[int], content: Content, *, is_first_row: bool) -> HeaderRow:
    """The header as the first row that holds something, or as any; a declared one is always the declared one."""
    declared = table.dialect.header_row
    if declared is not None:
        starts = [1, *(end + 1 for end in ends)]
        return find_header(table, rows, content.partitions, starts.index(declared) if declared in starts[:-1] else -1)
    if not is_first_row:
        return find_header(table, rows, content.partitions)
    first = next((row for row, cells in enumerate(rows) if any(cell.strip() for cell in cells)), None)
    if first is None:
        raise HeaderError("is empty: it has no header line", ())
    match = match_header(table, rows[first])
    check_header(match, content.partitions)
    return HeaderRow(first, match, 0)


def _lines(head: str) -> Iterator[str]:
    """The lines that are not empty, one by one: of a megabyte mostly the first is looked at."""
    return (found.group() for found in re.finditer("[^\r\n]+", head))


def _named_delimiter(head: str) -> str | None:
    """The delimiter that a first line names: `sep=;`."""
    named = re.match(r'"?sep=(.)"?[^\S\t]*(\r|\n|$)', head, re.IGNORECASE)
    return named.group(1) if named else None


def _delimiters(head: str, table: Table) -> list[str]:
    """The delimiters that a text may have, the likeliest first."""
    if declared := table.dialect.delimiter or _named_delimiter(head):
        return [declared]
    lines = [line for line in islice(_lines(head), MOST_PREAMBLE_ROWS + 1) if line.strip()]
    outside = ["".join(line.split('"')[::2]) for line in lines]
    occurring = [one for one in DELIMITERS if any(one in line for line in outside)]
    return sorted(occurring, key=lambda one: -outside[0].count(one)) or [","]


def _first_rows(head: str, delimiter: str, declared_row: int) -> tuple[list[list[str]], list[int]]:
    """The first rows of a text, and the number of the line with which each ends; a `sep=` line is a row of nothing."""
    rows: list[list[str]] = []
    ends: list[int] = []
    try:
        for cells, end in _records(head, delimiter):
            rows.append([] if not rows and _named_delimiter(head) else cells)
            ends.append(end)
            if len(rows) > MOST_PREAMBLE_ROWS and end >= declared_row:
                break
    except csv.Error as error:
        if not any(cell.strip() for cells in rows for cell in cells):
            raise UnreadableFileError(f"is not CSV: its header line cannot be read ({error})") from error
    return rows, ends


def _records(head: str, delimiter: str) -> Iterator[tuple[list[str], int]]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    for record in reader:
        yield record, reader.line_num


def _encoding_notes(lines: LineFindings, scanned: Scanned) -> list[str]:
    """A line on the lines of a file that are not UTF-8; none where all are."""
    found = lines.undecodable
    if not found:
        return []
    them, look = ("it", "looks") if len(found) == 1 else ("they", "look")
    shown = ", ".join(str(number) for number in list(found)[:MOST_LINES_SHOWN])
    more = ", ..." if len(found) > MOST_LINES_SHOWN else ""
    looks = guessed(found.values())
    columns = ", ".join(sorted({name for _, name in scanned.replaced}))
    aside = sum(entry.line in found for entry in scanned.malformed)
    kept = f"letters of {columns} are lost in {len({line for line, _ in scanned.replaced})}" if columns else ""
    lost = f"{aside} are set aside" if aside else ""
    return [
        f"{len(found)} {'line is' if len(found) == 1 else 'lines are'} not UTF-8 ({shown}{more})"
        + (f"; {them} {look} {looks}" if looks else "")
        + "".join(f"; {one}" for one in (kept, lost) if one)
        + "; export the file as UTF-8 and deliver it again"
    ]
