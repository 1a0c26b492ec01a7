"""What lies in the landing folder, and whether each file can be loaded at all.

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

from orchestration.core.contract import Table, source_tables

PARQUET_MAGIC = b"PAR1"
HEADER_BYTES = 1 << 20
CHUNK_BYTES = 1 << 22
FILE_SUFFIXES = (".csv", ".parquet")
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "pipes"}


@dataclass(frozen=True)
class LandedFile:
    """A file found under a table's folder."""

    table: Table
    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def label(self) -> str:
        """`system/table/file`, as it lies in the landing folder."""
        return f"{self.table.system}/{self.table.name}/{self.path.name}"


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

    def unknown_columns(self, table: Table) -> tuple[str, ...]:
        known = set(table.column_names)
        return tuple(column for column in self.columns if column not in known)


class UnreadableFileError(Exception):
    """The file cannot be loaded; the message says what is wrong with it, without its name."""


def find_files(landing: Path) -> tuple[list[LandedFile], list[str]]:
    """The loadable files of a landing folder, sorted by table then name, and a note on everything else in it."""
    tables = {(table.system, table.name): table for table in source_tables()}
    files: list[LandedFile] = []
    notes: list[str] = []
    for system_dir in sorted(_visible(landing)):
        if not system_dir.is_dir():
            notes.append(f"{system_dir.name}: ignored, not in a <system>/<table> folder")
            continue
        for table_dir in sorted(_visible(system_dir)):
            table = tables.get((system_dir.name, table_dir.name))
            if table is None or not table_dir.is_dir():
                notes.append(f"{system_dir.name}/{table_dir.name}: ignored, no such table in the source contract")
                continue
            for path in sorted(_visible(table_dir)):
                if path.suffix.lower() in FILE_SUFFIXES:
                    files.append(LandedFile(table, path))
                else:
                    notes.append(f"{system_dir.name}/{table_dir.name}/{path.name}: ignored, not .csv or .parquet")
    order = {table: position for position, table in enumerate(source_tables())}
    files.sort(key=lambda file: (order[file.table], file.name))
    return files, notes


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


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
    Raises UnreadableFileError where it is neither CSV nor Parquet, or lacks a starred column.
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
    _require_columns(file.table, layout)
    return layout


def _parquet_layout(path: Path, connection: duckdb.DuckDBPyConnection) -> FileLayout:
    try:
        relation = connection.execute("describe select * from read_parquet(?)", [str(path)])
        return FileLayout(is_parquet=True, columns=tuple(row[0] for row in relation.fetchall()))
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


def _require_columns(table: Table, layout: FileLayout) -> None:
    repeated = sorted({name for name in layout.columns if name and layout.columns.count(name) > 1})
    if repeated:
        raise UnreadableFileError(f"has more than one column called {', '.join(repeated)}")
    missing = [name for name in table.required_columns if name not in layout.columns]
    if not missing:
        return
    message = f"lacks {', '.join(missing)}"
    if len(layout.columns) == 1:
        for delimiter, plural in OTHER_DELIMITERS.items():
            if delimiter in layout.columns[0]:
                message += f"; its header is separated by {plural}, not commas"
    raise UnreadableFileError(message)
