"""Workbooks: .xlsx, .xls, .xlsb and .ods, of which one sheet is read; its row is a record's line."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.core.contract import Table
from orchestration.core.errors import says_full_disk
from orchestration.load.encoding import printable
from orchestration.load.file_facts import FileLayout, UnreadableFileError
from orchestration.load.headers import (
    MOST_PREAMBLE_ROWS,
    HeaderError,
    HeaderRow,
    find_header,
    first_that_fits,
    no_data,
)
from orchestration.load.kinds.archive import DAMAGED
from orchestration.load.kinds.reading import Content
from orchestration.load.kinds.records import RecordsReading

OLD_MAGIC = b"\xd0\xcf\x11\xe0"
ZIP_MAGIC = b"PK\x03\x04"
MAX_SHEET_BYTES = 600 << 20
WORKER = "orchestration.load.kinds.workbook_worker"


@dataclass(frozen=True)
class Sheet:
    """A sheet: its rows as records, the first ones at hand. `width` is that of its widest row, `cells` that of the
    records."""

    name: str
    path: Path
    is_visible: bool
    width: int
    cells: int
    first_rows: list[list[str]]


def is_zipped_workbook(path: Path) -> bool:
    """Whether a zip archive is a workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            kind = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (*DAMAGED, OSError):
        return False
    return "opendocument.spreadsheet" in kind.decode("latin-1") or any(name.startswith("xl/") for name in names)


def open_workbook(content: Content) -> RecordsReading:
    """Look at a workbook. Raises UnreadableFileError where no sheet fits any of its tables, or it cannot be read."""
    sheets = _sheets(content)
    chosen: dict[Table, Sheet] = {}

    def look(table: Table) -> FileLayout:
        sheet, header = _choose(sheets, table, content)
        chosen[table] = sheet
        others = [other.name for other in sheets if other is not sheet and other.width]
        notes = (
            *((f"its sheet {sheet.name} is read, {', '.join(others)} not",) if others else ()),
            *no_data(header.rows_above, "above its header"),
        )
        return FileLayout(
            header.match, ",", header.row + 1, header.rows_above, content.constants(table), tuple(map(printable, notes))
        )

    layout = first_that_fits(content.candidates, look)
    sheet = chosen[layout.table]
    return RecordsReading(sheet.path, layout, width=sheet.cells)


def _sheets(content: Content) -> list[Sheet]:
    """All sheets, turned into records by a process of its own."""
    _check_size(content.path)
    rows = max([MOST_PREAMBLE_ROWS + 1, *(table.dialect.header_row or 0 for table in content.candidates)])
    ended = subprocess.run(
        [sys.executable, "-m", WORKER, str(content.path), str(content.working_folder()), str(rows)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode:
        if says_full_disk(ended.stderr):
            raise OSError(errno.ENOSPC, ended.stderr.splitlines()[-1])
        raise UnreadableFileError(
            f"is not a workbook that can be read, at {content.path.stat().st_size:,} bytes: it is damaged, or takes "
            "too much memory; save it again, or export it as CSV"
        )
    said: dict[str, Any] = json.loads(ended.stdout)
    if "error" in said:
        raise UnreadableFileError(
            printable(
                f"is not a workbook that can be read ({said['error']}); save it again as .xlsx, or export it as CSV"
            )
        )
    return [Sheet(**{**sheet, "path": Path(sheet["path"])}) for sheet in said["sheets"]]


def _check_size(path: Path) -> None:
    with path.open("rb") as stream:
        if stream.read(4) != ZIP_MAGIC:
            return
    with zipfile.ZipFile(path) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_SHEET_BYTES:
        raise UnreadableFileError(
            f"has sheets of {size:,} bytes, more than {MAX_SHEET_BYTES:,}, in a file of {path.stat().st_size:,}; "
            "export it as CSV"
        )


def _choose(sheets: list[Sheet], table: Table, content: Content) -> tuple[Sheet, HeaderRow]:
    """The sheet that a table is read from: the declared one, the only one that holds something, or the only one that
    fits."""
    held = [sheet for sheet in sheets if sheet.width]
    if declared := table.dialect.sheet:
        named = [sheet for sheet in sheets if sheet.name.strip().casefold() == str(declared).strip().casefold()]
        if not named and str(declared).isdigit() and 0 < int(declared) <= len(sheets):
            named = [sheets[int(declared) - 1]]
        if not named:
            raise HeaderError(f"has no sheet {declared}, which is declared; it has {_names(sheets)}", ())
        return named[0], _header(named[0], table, content)
    if not held:
        raise HeaderError("is empty: no sheet holds anything", ())
    if len(held) == 1:
        return held[0], _header(held[0], table, content)
    fitting: list[tuple[Sheet, HeaderRow]] = []
    for sheet in held:
        try:
            fitting.append((sheet, _header(sheet, table, content)))
        except HeaderError:
            continue
    fitting = [one for one in fitting if one[0].is_visible] or fitting
    if not fitting:
        lacking = ", ".join(table.required_columns) or f"any column of {table.label}"
        raise HeaderError(f"has no sheet with {lacking}; it has {_names(held)}", ())
    if len(fitting) > 1:
        raise HeaderError(
            f"has {len(fitting)} sheets that fit: {_names([sheet for sheet, _ in fitting])}; declare the one to read "
            f"for {table.label}: dialect: {{sheet: {fitting[0][0].name}}}",
            (),
        )
    return fitting[0]


def _header(sheet: Sheet, table: Table, content: Content) -> HeaderRow:
    rows = [(row + [""] * sheet.width)[: sheet.width] for row in sheet.first_rows]
    declared = table.dialect.header_row
    return find_header(table, rows, content.partitions, None if declared is None else declared - 1)


def _names(sheets: list[Sheet]) -> str:
    return ", ".join(sheet.name for sheet in sheets)
