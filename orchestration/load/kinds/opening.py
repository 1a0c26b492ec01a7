"""What a file is, by its content, and who reads it."""

from __future__ import annotations

import re
from pathlib import Path

from orchestration.load.encoding import kind_of
from orchestration.load.file_facts import UnreadableFileError
from orchestration.load.kinds.json_records import open_json
from orchestration.load.kinds.parquet import MAGIC as PARQUET_MAGIC
from orchestration.load.kinds.parquet import open_parquet
from orchestration.load.kinds.reading import Content, Reading
from orchestration.load.kinds.text import open_text
from orchestration.load.kinds.workbook import OLD_MAGIC, ZIP_MAGIC, is_zipped_workbook, open_workbook

HEAD_BYTES = 1 << 12
# An object, or an array of something; `[Order ID]` is a column's name.
JSON_START = re.compile(rb"[\xef\xbb\xbf\xff\xfe]{0,3}\s*(\{|\[\s*([\[{\"\]\d-]|true\b|false\b|null\b|$))")


def open_file(content: Content) -> Reading:
    """Look at a file that is not packed. Raises UnreadableFileError where it is of no kind that is read, fits none of
    its tables, or is damaged."""
    head = head_of(content.path)
    if head.startswith(PARQUET_MAGIC):
        return open_parquet(content)
    if head.startswith(ZIP_MAGIC) and not is_zipped_workbook(content.path):
        raise UnreadableFileError("is an archive that cannot be read, or one within another: unpack it")
    if head.startswith((ZIP_MAGIC, OLD_MAGIC)):
        return open_workbook(content)
    if kind := kind_of(head):
        raise UnreadableFileError(
            f"is {kind}, which is not read: save it as CSV or .xlsx, or export it as Parquet or JSON"
        )
    # of UTF-16, a byte-order mark and zeros are beside the characters
    if JSON_START.match(head.replace(b"\x00", b"")):
        return open_json(content)
    return open_text(content)


def head_of(path: Path) -> bytes:
    """The first bytes of a file. Raises UnreadableFileError where it cannot be opened."""
    try:
        if not path.is_file():
            raise UnreadableFileError(
                "is a directory, not a file" if path.is_dir() else "disappeared before it was read"
            )
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableFileError(f"cannot be opened ({error.strerror})") from error
