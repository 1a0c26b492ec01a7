"""What is known of a landed file without reading its rows, and the error that says it cannot be loaded."""

from __future__ import annotations

import codecs
import hashlib
from dataclasses import dataclass
from pathlib import Path

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
class FileLayout:
    """How to read a file: its kind, its columns in file order, and how many physical lines its header takes."""

    is_parquet: bool
    columns: tuple[str, ...]
    header_lines: int = 0
    # the columns as they stand in the file, blanks around them included; of a Parquet file the same as `columns`
    header: tuple[str, ...] = ()

    def unknown_columns(self, table: Table) -> tuple[str, ...]:
        """The columns that the contract does not know, as they can be shown."""
        known = set(table.column_names)
        return tuple(printable(column) or "(no name)" for column in self.columns if column not in known)


class UnreadableFileError(Exception):
    """The file cannot be loaded; the message says what is wrong with it, without its name."""


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
