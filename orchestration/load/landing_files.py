"""Whether a landed file can be loaded at all, and how.

Nothing here reads data rows: a file is looked at (kind, header, schema), hashed, and either described or refused
with what is wrong with it.
"""

from __future__ import annotations

import csv
import io
import re

from orchestration.load.encoding import guessed, kind_of
from orchestration.load.file_facts import FileLayout, UnreadableFileError
from orchestration.load.headers import header_fault
from orchestration.load.landing_folder import LandedFile
from orchestration.load.parquet_scan import parquet_columns

PARQUET_MAGIC = b"PAR1"
HEADER_BYTES = 1 << 20
MAX_COLUMNS = 2_000


def inspect_file(file: LandedFile) -> FileLayout:
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
    if head.startswith(PARQUET_MAGIC):
        columns = parquet_columns(file.path)
        layout = FileLayout(is_parquet=True, columns=columns, header=columns)
    else:
        layout = _csv_layout(head)
    if fault := header_fault(file.table, layout.columns, layout.header):
        raise UnreadableFileError(fault)
    return layout


def _csv_layout(head: bytes) -> FileLayout:
    if not head.strip():
        raise UnreadableFileError("is empty: it has no header line")
    if kind := kind_of(head):
        raise UnreadableFileError(f"is not CSV but {kind}; export it as CSV in UTF-8")
    text = _header_text(head)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        for record in reader:
            if any(cell.strip() for cell in record):
                if len(record) > MAX_COLUMNS:
                    raise UnreadableFileError(
                        f"has {len(record):,} columns in its header line, more than {MAX_COLUMNS:,}: "
                        "it has lost its line ends; export it again"
                    )
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
    header = re.split(rb"[\r\n]", head.lstrip(b"\r\n"), maxsplit=1)[0]
    if b"\x00" in header:
        raise UnreadableFileError("is not CSV: it holds binary data or UTF-16 text; export it as UTF-8")
    try:
        header.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(header) < HEADER_BYTES:
            looks = guessed([header])
            raise UnreadableFileError(
                f"is not UTF-8: look at its header line{f'; it looks {looks}' if looks else ''}; export it as UTF-8"
            ) from error
    return head.decode("utf-8-sig", errors="replace")
