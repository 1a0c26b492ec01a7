"""Whether a landed file can be loaded at all, and how.

Nothing here reads data rows: a file is looked at (kind, header, schema), hashed, and either described or refused
with what is wrong with it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.core.contract import Table
from orchestration.load.headers import header_fault
from orchestration.load.landing_folder import LandedFile

PARQUET_MAGIC = b"PAR1"
HEADER_BYTES = 1 << 20
CHUNK_BYTES = 1 << 22


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a file's content: SHA-256 (hex), size in bytes, and lines (for a CSV: newlines counted)."""

    sha256: str
    size_bytes: int
    newlines: int
    carriage_returns: int
    ends_with_newline: bool

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
        known = set(table.column_names)
        return tuple(column for column in self.columns if column not in known)


class UnreadableFileError(Exception):
    """The file cannot be loaded; the message says what is wrong with it, without its name."""


def fingerprint(path: Path) -> Fingerprint:
    """Hash a file and count its line ends, in one pass of bounded memory."""
    digest = hashlib.sha256()
    size = newlines = returns = 0
    last = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
            newlines += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            last = chunk[-1:]
    return Fingerprint(digest.hexdigest(), size, newlines, returns, last == b"\n")


def inspect_file(file: LandedFile, connection: duckdb.DuckDBPyConnection) -> FileLayout:
    """Look at a file's head and say how to read it.

    The content decides what a file is, not its name: a Parquet file called `.csv` is read as Parquet.
    Raises UnreadableFileError where it is neither CSV nor Parquet, or its header does not fit the contract.
    """
    try:
        if not file.path.is_file():
            raise UnreadableFileError(
                "is a directory, not a file" if file.path.is_dir() else "disappeared before it was read"
            )
        with file.path.open("rb") as stream:
            head = stream.read(HEADER_BYTES)
    except OSError as error:
        raise UnreadableFileError(f"cannot be opened ({error.strerror})") from error
    layout = _parquet_layout(file.path, connection) if head.startswith(PARQUET_MAGIC) else _csv_layout(head)
    if fault := header_fault(file.table, layout.columns, layout.header):
        raise UnreadableFileError(fault)
    return layout


def _parquet_layout(path: Path, connection: duckdb.DuckDBPyConnection) -> FileLayout:
    try:
        relation = connection.execute("describe select * from read_parquet(?)", [str(path)])
        columns = tuple(row[0] for row in relation.fetchall())
        return FileLayout(is_parquet=True, columns=columns, header=columns)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UnreadableFileError(f"is not a readable Parquet file ({reason})") from error


def _csv_layout(head: bytes) -> FileLayout:
    if not head.strip():
        raise UnreadableFileError("is empty: it has no header line")
    if b"\x00" in head[:4096]:
        raise UnreadableFileError("is not CSV: it holds binary data or UTF-16 text; export it as UTF-8")
    text = _header_text(head)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                return FileLayout(
                    is_parquet=False,
                    columns=tuple(cell.strip() for cell in record),
                    header_lines=reader.line_num,
                    header=tuple(record),
                )
    except csv.Error as error:
        raise UnreadableFileError(f"is not CSV: its header line cannot be read ({error})") from error
    raise UnreadableFileError("is empty: it has no header line")


def _header_text(head: bytes) -> str:
    """The start of the file that holds the header, decoded; data bytes that are no UTF-8 are not judged here."""
    text = head.decode("utf-8-sig", errors="replace")
    first_lines = text.lstrip("\r\n").partition("\n")[0]
    if "\ufffd" in first_lines:
        raise UnreadableFileError("is not UTF-8 (look at its header line); export it as UTF-8")
    return text
