"""Whether a text is plain, each line a record of its own, but for lines that are certainly none: found from its bytes.

Lines that do not fit the header, or open a quote that nothing closes, are told before the file is read. A line that
cannot be judged by itself (a value that may go on in the next one) makes the file one to be read carefully.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestration.load.csv_lines import MAX_LINE_BYTES, MAX_SURPLUS_FIELDS
from orchestration.load.file_facts import FileLayout, Fingerprint
from orchestration.load.scanned import is_blank

CHUNK_BYTES = 1 << 22
MOST_COLUMNS = 200
# A file with more lines set aside, or more fields in them beyond the header's, is one that may have to be refused.
MOST_ASIDE = 10_000
MOST_ASIDE_BYTES = 10 << 20
# The reader's own measure, in which it looks for the end of a quoted value.
MAX_RECORD_BYTES = 8 << 20
# The reader shows no more than so much of a line that it refuses; one with an open quote must be less.
MOST_OPEN_BYTES = 5_000
NEWLINE, RETURN, QUOTE = b'\n\r"'


@dataclass(frozen=True)
class Aside:
    """A line that is no record: its number (from 1), its bytes from `start` to `end` (line end left out), and what is
    wrong with it, '' where it is blank."""

    line: int
    start: int
    end: int
    error: str


@dataclass(frozen=True)
class PlainText:
    """A text of which every line but the header and those set `aside` is a record of its own. `records` is how many
    hold something, `blank_rows` how many lines do not, `longest` the bytes of the longest line."""

    longest: int
    records: int
    blank_rows: int
    aside: tuple[Aside, ...] = ()


class _NotPlainError(Exception):
    """The file has to be read carefully."""


@dataclass
class _Found:
    """What was found so far. `opened` is where the last line with an open quote begins, while no quote came since,
    `opened_after` after how many delimiters."""

    lines: int = 0
    longest: int = 0
    blank_records: int = 0
    aside: list[Aside] = field(default_factory=list)
    surplus: int = 0
    aside_bytes: int = 0
    opened: int | None = None
    opened_after: int = 0


def plain_text(path: Path, layout: FileLayout, print_: Fingerprint) -> PlainText | None:
    """Look at a text once, in bounded memory; None where it has to be read carefully."""
    if (
        not print_.is_utf8
        or layout.header_lines != 1
        or layout.table.dialect.footer
        or not 2 <= layout.column_count <= MOST_COLUMNS
        or print_.carriage_returns not in (0, print_.newlines)
    ):
        return None
    found = _Found()
    end = b"\r\n" if print_.carriage_returns else b"\n"
    try:
        for offset, data in _whole_lines(path, end):
            _look_at_lines(offset, data, layout, found, ends_in_two=len(end) == 2)
        if found.opened is not None:
            _measure(found, print_.size_bytes)
    except _NotPlainError:
        return None
    if found.lines != print_.line_count:
        return None
    malformed = sum(one.error != "" for one in found.aside)
    blank = len(found.aside) - malformed + found.blank_records
    return PlainText(found.longest, found.lines - 1 - malformed - blank, blank, tuple(found.aside))


def _whole_lines(path: Path, end: bytes) -> Iterator[tuple[int, bytes]]:
    """The file in pieces of whole lines, each with its first byte's number; the last line gets an end if it has none.

    Raises _NotPlainError where a line is too long.
    """
    offset, rest = 0, b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            cut = chunk.rfind(b"\n") + 1
            if cut:
                data = rest + chunk[:cut]
                yield offset, data
                offset, rest = offset + len(data), chunk[cut:]
            else:
                rest += chunk
            if len(rest) > MAX_LINE_BYTES:
                raise _NotPlainError
    if rest:
        yield offset, rest + end


def _look_at_lines(offset: int, data: bytes, layout: FileLayout, found: _Found, *, ends_in_two: bool) -> None:
    """Look at a piece of whole lines. Raises _NotPlainError."""
    if b"\x00" in data:  # a value of zeros alone is none to the reader
        raise _NotPlainError
    array = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(array == NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    if ends_in_two:
        if ends[0] == 0 or not (array[ends - 1] == RETURN).all():
            raise _NotPlainError
        ends = ends - 1
    lengths = ends - starts
    found.longest = max(found.longest, int(lengths.max()))
    if found.longest > MAX_LINE_BYTES:
        raise _NotPlainError
    fewest = layout.column_count - 1
    delimiters = _counts(array, ord(layout.delimiter), starts, ends)
    odd = delimiters != fewest
    if b'"' in data:
        if found.opened is not None:
            _close(offset, data, data.index(b'"'), layout, found)
        odd |= _counts(array, QUOTE, starts, ends) % 2 == 1
    empty = (lengths == fewest) & ~odd
    if found.lines == 0:  # the header
        odd[0] = empty[0] = False
    found.blank_records += int(empty.sum())
    for position in np.flatnonzero(odd):
        start, end = int(starts[position]), int(ends[position])
        _look_at_line(offset, data, (start, end), found.lines + int(position) + 1, layout, found)
    found.lines += len(ends)


def _counts(
    array: NDArray[np.uint8], byte: int, starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How often a byte stands in each line."""
    where = np.flatnonzero(array == byte)
    return np.searchsorted(where, ends) - np.searchsorted(where, starts)


def _look_at_line(
    offset: int, data: bytes, place: tuple[int, int], number: int, layout: FileLayout, found: _Found
) -> None:
    """Judge a line that has not the header's number of delimiters, or an odd number of quotes."""
    line = data[slice(*place)]
    delimiter = layout.delimiter.encode()
    outside = _without_quoted(line, delimiter)
    if outside.count(b'"') > 1:
        raise _NotPlainError
    is_open = b'"' in outside
    surplus = 0
    if is_open:
        error = _open_quote(line, outside, layout)
    else:
        surplus = outside.count(delimiter) + 1 - layout.column_count
        if surplus == 0:
            return
        if surplus > 0 and line.endswith((delimiter, b" ", b"\t", b'""')):
            # empty values beyond the header's are let pass by the reader
            if line.rstrip(delimiter).count(delimiter) >= layout.column_count or not line.strip(b" \t" + delimiter):
                raise _NotPlainError
            return
        if surplus > MAX_SURPLUS_FIELDS:
            raise _NotPlainError
        error = "missing columns" if surplus < 0 else "too many columns"
    if is_blank(line.decode(), layout.delimiter):
        error = ""
    found.aside.append(Aside(number, offset + place[0], offset + place[1], error))
    found.surplus += max(surplus, 1)
    found.aside_bytes += max(surplus, 1) * len(line)
    if found.surplus > MOST_ASIDE or found.aside_bytes > MOST_ASIDE_BYTES:
        raise _NotPlainError
    if is_open:
        found.opened = offset + place[0]
        found.opened_after = outside[: outside.index(b'"')].count(delimiter)
        following = data.find(b'"', place[1])
        if following >= 0:
            _close(offset, data, following, layout, found)


def _without_quoted(line: bytes, delimiter: bytes) -> bytes:
    """A line without its values that are in quotes as they should be."""
    if b'"' not in line:
        return line
    one = re.escape(delimiter)
    return re.sub(rb"(?:(?<=" + one + rb')|^)"[^"]*(?:""[^"]*)*"(?=' + one + rb"|$)", b"", line)


def _open_quote(line: bytes, outside: bytes, layout: FileLayout) -> str:
    """What is wrong with a line that opens a quote. Raises _NotPlainError where it is not sure to be wrong by that."""
    delimiter = layout.delimiter.encode()
    before = outside[: outside.index(b'"')]
    if (
        (before and not before.endswith(delimiter))
        or before.count(delimiter) >= layout.column_count
        or len(line) > MOST_OPEN_BYTES
    ):
        raise _NotPlainError
    return "unquoted value"


def _close(offset: int, data: bytes, quote: int, layout: FileLayout, found: _Found) -> None:
    """Look at the quote that comes after an open one: the reader takes it for the end of the value.

    Before an ordinary letter it can be no such end, and the line that opened the value is wrong by itself. Else the
    value may go on over the lines between, and _NotPlainError is raised.
    """
    if data[quote + 1 : quote + 2] in (layout.delimiter.encode(), b'"', b"\r", b"\n", b" ", b"\t", b""):
        raise _NotPlainError
    # the reader counts on in the rest of that line, and may say that there are too many columns
    rest = data.count(layout.delimiter.encode(), quote, data.index(b"\n", quote))
    if found.opened_after + rest >= layout.column_count:
        raise _NotPlainError
    assert found.opened is not None
    _measure(found, offset + quote)


def _measure(found: _Found, end: int) -> None:
    """Say of the line that opened a quote what the reader says: it looks for the end only so far."""
    assert found.opened is not None
    if end - found.opened > MAX_RECORD_BYTES:
        last = max(position for position, one in enumerate(found.aside) if one.start == found.opened)
        found.aside[last] = replace(found.aside[last], error="line size over maximum")
    found.opened = None
