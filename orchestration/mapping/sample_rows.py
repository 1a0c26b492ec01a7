"""The first rows of a file of any kind, as text under the names that its header has."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from orchestration.core.contract import Column, Dialect, Table
from orchestration.core.errors import BadInputError
from orchestration.load.file_facts import UnreadableFileError
from orchestration.load.headers import HeaderError
from orchestration.load.kinds import archive
from orchestration.load.kinds.opening import head_of, open_file
from orchestration.load.kinds.reading import Content, Reading
from orchestration.load.kinds.workbook import OLD_MAGIC, ZIP_MAGIC, is_zipped_workbook
from orchestration.load.scanned import SCAN_TABLE

MOST_ROWS = 2_000
# Of a text so much is looked at; other kinds are read whole.
HEAD_BYTES = 2 << 20
# What begins the last lines of a report that are no data, and among how many of them it is looked for.
TOTALS = r"(?i)(grand |sub)?totals?\b.*|sum|summe|합계.*|총계.*|confidential.*|copyright.*"
LAST_ROWS = 8


@dataclass(frozen=True)
class FileSample:
    """A file's columns (as its header has them, blank ones left out) and its first rows, None for a blank value."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    dialect: Dialect
    # lines above the header that hold something
    preamble_lines: int

    def values(self, column: str) -> list[str]:
        """The values of a column that are not blank, in their order."""
        place = self.columns.index(column)
        return [value for row in self.rows if (value := row[place]) is not None]


def read_sample(path: Path, probes: Sequence[Table], sheet: str | None = None) -> FileSample:
    """Read the head of a file. `probes` are tables by whose columns a header is known from lines above it.

    Raises BadInputError where there is no such file, or it cannot be read.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="kpi-map-") as scratch:
            content = _unpacked(path, Path(scratch))
            return _read(content, probes, Dialect(sheet=sheet), Path(scratch))
    except UnreadableFileError as error:
        raise BadInputError(f"{path}: {error}") from error
    except (OSError, duckdb.Error) as error:
        told = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise BadInputError(f"{path} cannot be read ({told})") from error


def _unpacked(path: Path, scratch: Path) -> Path:
    head = head_of(path)
    unpacked = scratch / "unpacked"
    if head.startswith(archive.GZIP_MAGIC):
        archive.unpack_gzip(path, unpacked)
        return unpacked
    if head.startswith(ZIP_MAGIC) and not is_zipped_workbook(path):
        archive.unpack_member(path, archive.members(path)[0], unpacked)
        return unpacked
    if head.startswith((ZIP_MAGIC, OLD_MAGIC, b"PAR1", b"[")) or path.stat().st_size <= HEAD_BYTES:
        return path
    shortened = scratch / "head"
    with path.open("rb") as stream:
        data = stream.read(HEAD_BYTES)
    shortened.write_bytes(data[: data.rfind(b"\n") + 1] or data)
    return shortened


def _read(path: Path, probes: Sequence[Table], dialect: Dialect, scratch: Path) -> FileSample:
    header = _header(path, probes, dialect, scratch)
    layout = header.layout
    names = [name.strip().strip('"\ufeff').strip() for name in layout.match.header]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        header.scan(connection)
        places = [place for place, name in enumerate(names) if name]
        texts = ", ".join(f"nullif(trim(c{place}), '')" for place in places)
        rows = connection.execute(f"select {texts} from {SCAN_TABLE} order by _base limit {MOST_ROWS}").fetchall()
    footer = _footer(rows)
    row = layout.header_lines if layout.preamble_lines else None
    return FileSample(
        tuple(names[place] for place in places),
        tuple(rows if footer is None else rows[:footer]),
        replace(dialect, header_row=row, footer=() if footer is None else (TOTALS,)),
        layout.preamble_lines,
    )


def _footer(rows: Sequence[tuple[str | None, ...]]) -> int | None:
    """Where the lines begin that sum up a report, if one of its last ones does."""
    first = max(len(rows) - LAST_ROWS, 0)
    return next((first + place for place, row in enumerate(rows[first:]) if re.fullmatch(TOTALS, row[0] or "")), None)


def _header(path: Path, probes: Sequence[Table], dialect: Dialect, scratch: Path) -> Reading:
    """The file opened by the probe that knows most of its columns, else by its own first row."""
    found: list[Reading] = []
    header: Sequence[str] = ()
    for number, probe in enumerate(probes):
        try:
            content = Content(path, (replace(probe, dialect=dialect),), scratch / str(number))
            found.append(open_file(content))
        except HeaderError as error:
            header = header or error.header
    if found:
        return max(found, key=lambda reading: len(reading.layout.match.positions))
    if not header:
        # not for its header: say what is wrong
        return open_file(Content(path, (replace(probes[0], dialect=dialect),), scratch / "again"))
    columns = tuple(Column(name.strip(), required=False, key=False) for name in dict.fromkeys(header) if name.strip())
    own = Table("file", "rows", columns, None, dialect=dialect)
    return open_file(Content(path, (own,), scratch / "own"))
