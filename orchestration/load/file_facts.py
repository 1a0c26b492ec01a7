"""What is known of a file before its rows are read, and the error that says it cannot be loaded."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from orchestration.core.contract import Table
from orchestration.load.encoding import printable

CHUNK_BYTES = 1 << 22


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a file's content: SHA-256 (hex), size in bytes, lines (newlines counted), and if it is UTF-8."""

    sha256: str
    size_bytes: int
    newlines: int
    carriage_returns: int
    ends_with_newline: bool
    is_utf8: bool

    @property
    def line_count(self) -> int:
        """Physical lines of the file, a last one without a newline included."""
        return self.newlines + (0 if self.ends_with_newline or self.size_bytes == 0 else 1)


@dataclass(frozen=True)
class Match:
    """How the columns of a file become those of a table.

    `header` has the file's columns as they stand in it; `positions` where in it each column of the table is; `respelt`
    how the file spells those that it names otherwise.
    """

    table: Table
    header: tuple[str, ...]
    positions: Mapping[str, int]
    respelt: Mapping[str, str] = field(default_factory=dict)

    @property
    def unknown(self) -> tuple[int, ...]:
        """Positions of the columns that the table does not have."""
        read = set(self.positions.values())
        return tuple(position for position in range(len(self.header)) if position not in read)

    @property
    def unknown_columns(self) -> tuple[str, ...]:
        """The columns that the table does not have, as they can be shown."""
        return tuple(printable(self.header[position].strip()) or "(no name)" for position in self.unknown)


@dataclass(frozen=True)
class FileLayout:
    """How a file is to be read: its columns; of a text its delimiter, and how many physical lines end with its header.

    `constants` has the columns that its folder gives (`year=2025`), for all its rows. `preamble_lines` are the lines
    above the header that hold something.
    """

    match: Match
    delimiter: str = ","
    header_lines: int = 0
    preamble_lines: int = 0
    constants: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        return self.match.table

    @property
    def column_count(self) -> int:
        return len(self.match.header)


class UnreadableFileError(Exception):
    """The file cannot be loaded; the message says what is wrong with it, without its name."""


def this_file_only(path: Path) -> str:
    """A path as DuckDB's readers must be given it, which take `*`, `?` and `[` for patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


def copy_bytes(old: BinaryIO, new: BinaryIO, count: int) -> None:
    """Copy so many bytes, or as many as there are."""
    while count > 0 and (chunk := old.read(min(count, CHUNK_BYTES))):
        new.write(chunk)
        count -= len(chunk)


def content_hash(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(path: Path) -> Fingerprint:
    """Hash a file, count its line ends and try its bytes as UTF-8, in one pass of bounded memory."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = True
    size = newlines = returns = 0
    last = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            newlines += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            last = chunk[-1:]
            is_utf8 = is_utf8 and _decodes(decoder, chunk)
    is_utf8 = is_utf8 and _decodes(decoder, b"", final=True)
    return Fingerprint(digest.hexdigest(), size, newlines, returns, last == b"\n", is_utf8)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True
