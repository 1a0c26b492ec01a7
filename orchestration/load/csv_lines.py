"""A first look at every physical line of a CSV file: whether it can be given to the reader at all.

The reader takes time and memory by the square of the fields of a line, and shows a line that is not UTF-8 as it can.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from orchestration.load.file_facts import FileLayout, Fingerprint, UnreadableFileError

MAX_LINE_BYTES = 1 << 20
# A line with so many fields beyond its header's has lost its line ends; with fewer it is a malformed line.
MAX_SURPLUS_FIELDS = 200
# The reader notes such a line once for each field that it has too many. That goes well in this measure.
MAX_MALFORMED_LINES = 100_000
MAX_FIELDS_NOTED = 300_000
MAX_BYTES_NOTED = 100 << 20
# From so many lines that are not UTF-8 on, and of so large a share of all, it is the file that is not.
FEW_LINES = 3
WHOLE_FILE_SHARE = 0.1
# Of a text in another encoding so many lines may be UTF-8 by chance, to one that is not.
MIXED_SHARE = 0.2
MAX_UNDECODABLE_LINES = 10_000
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class LineFindings:
    """The longest line in bytes, and the lines that are not UTF-8, by number (from 1), line ends left out."""

    longest: int = 0
    undecodable: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class LinesByEncoding:
    """Of a text's lines those that are not UTF-8, by number (from 1), the first ones where they are very many; how many
    are UTF-8 and not plain ASCII; how many there are."""

    undecodable: dict[int, bytes]
    in_utf8: int
    count: int

    @property
    def is_wholly_other(self) -> bool:
        """Whether so many lines are not UTF-8 that it is the file that is not, rather than a line here or there."""
        # of a file of some lines a few may be most of what it has below its header
        few = max(min(FEW_LINES - 1, (self.count - 1) / 2), WHOLE_FILE_SHARE * self.count)
        return len(self.undecodable) > min(few, MAX_UNDECODABLE_LINES)

    @property
    def is_mixed(self) -> bool:
        """Whether lines are in UTF-8 beside those that are not: more than look so by chance."""
        return self.in_utf8 > MIXED_SHARE * len(self.undecodable)


def lines_by_encoding(path: Path, print_: Fingerprint) -> LinesByEncoding:
    """Look at the lines of a text that is not UTF-8 throughout; at none of one that is."""
    found: dict[int, bytes] = {}
    in_utf8 = number = 0
    if print_.is_utf8:
        return LinesByEncoding(found, 0, 0)
    with path.open("rb") as stream:
        for number, line in enumerate(_lines(stream, _line_end(print_)), start=1):
            if line.isascii():
                continue
            if _is_utf8(line):
                in_utf8 += number > 1 or not line.startswith(codecs.BOM_UTF8)
            elif len(found) <= MAX_UNDECODABLE_LINES:
                found[number] = line
    return LinesByEncoding(found, in_utf8, number)


def examine_lines(path: Path, layout: FileLayout, print_: Fingerprint) -> int:
    """Look at every line of a CSV file, in time by its size; returns the bytes of the longest.

    Raises UnreadableFileError where it cannot be given to the reader.
    """
    longest = quotes = surplus_lines = surplus_fields = surplus_bytes = 0
    columns, delimiter = layout.column_count, layout.delimiter.encode()
    with path.open("rb") as stream:
        for number, line in enumerate(_lines(stream, _line_end(print_)), start=1):
            if len(line) > longest:
                longest = len(line)
                if longest > MAX_LINE_BYTES:
                    raise UnreadableFileError(
                        f"line {number} is longer than {MAX_LINE_BYTES:,} bytes: the file has lost its line ends, or "
                        "one value's quotes; export it again"
                    )
            if number <= layout.header_lines:
                continue
            if (
                line.count(delimiter) >= columns
                and (fields := _fields(line, delimiter, inside=quotes % 2 == 1)) > columns
            ):
                surplus_lines += 1
                surplus_fields += fields - columns
                surplus_bytes += (fields - columns) * len(line)
                if fields - columns > MAX_SURPLUS_FIELDS:
                    raise UnreadableFileError(
                        f"line {number} has {fields:,} fields in {len(line):,} bytes, its header {columns}: "
                        "the file has lost its line ends; export it again"
                    )
                if (
                    surplus_lines > MAX_MALFORMED_LINES
                    or surplus_fields > MAX_FIELDS_NOTED
                    or surplus_bytes > MAX_BYTES_NOTED
                ):
                    raise UnreadableFileError(
                        f"is not CSV: {surplus_lines:,} of its first {number:,} lines have more fields than its "
                        f"header, line {number} {fields} instead of {columns}"
                    )
            quotes += line.count(b'"')
    return longest


def _line_end(print_: Fingerprint) -> bytes:
    return b"\r" if print_.carriage_returns and not print_.newlines else b"\n"


def _lines(stream: BinaryIO, end: bytes) -> Iterator[bytes]:
    """The lines of a file without their ends; of one beyond all measure as much as shows that."""
    rest = b""
    while chunk := stream.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(end)
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            break
    if rest:
        yield rest


def _fields(line: bytes, delimiter: bytes, *, inside: bool) -> int:
    """How many fields a line has up to its last value. `inside`: it begins within quotes."""
    parts = line.rstrip(b' "\r\t' + delimiter).split(b'"')
    return sum(part.count(delimiter) for part in parts[inside::2]) + 1


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
