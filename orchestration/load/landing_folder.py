"""What lies in the landing folder: the files that are read, in the order that counts, and everything else, by name."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.company import company_folder, own_sources
from orchestration.core.contract import Table, landed_tables

FILE_SUFFIXES = (".csv", ".parquet")
# As many places as the SQL of staging pads a run of digits to, where it ranks versions by the names of their files.
DIGIT_PLACES = 20
# Unicode categories: control characters, bytes that are no text (lone surrogates), line and paragraph separators.
NOT_PLAIN = {"Cc", "Cs", "Zl", "Zp"}


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


def natural_key(name: str) -> tuple[str, str]:
    """Sorts names as people count: `t.csv`, `t (2).csv`, `t (10).csv`; names that count alike by their plain text."""
    return re.sub("[0-9]+", lambda run: run.group().zfill(DIGIT_PLACES), Path(name).stem), name


def find_files(landing: Path) -> tuple[list[LandedFile], list[str]]:
    """The files of a landing folder that are read, by table, then name, and a line on each other path in it.

    Hidden files and names that end in `.md` are neither. A line names the path, why it is not read, and the nearest
    name that would be.
    """
    tables = {f"{table.system}/{table.name}": table for table in landed_tables(own_sources(company_folder()))}
    files: list[LandedFile] = []
    unread: list[str] = []
    for system_dir in _visible(landing, landing, unread):
        if not system_dir.is_dir():
            unread.append(_astray(system_dir.name, tables))
            continue
        for table_dir in _visible(system_dir, landing, unread):
            folder = f"{system_dir.name}/{table_dir.name}"
            if not table_dir.is_dir():
                unread.append(_astray(folder, tables))
                continue
            if folder not in tables:
                unread.append(f"{_plain(folder)}: no such table in the source contract{_nearest(folder, tables)}")
                continue
            for path in _visible(table_dir, landing, unread):
                if reason := _why_not_read(path, folder):
                    unread.append(f"{folder}/{_plain(path.name)}: {reason}")
                else:
                    files.append(LandedFile(tables[folder], path))
    order = {table: position for position, table in enumerate(landed_tables(own_sources(company_folder())))}
    files.sort(key=lambda file: (order[file.table], natural_key(file.name)))
    return files, unread


def _visible(folder: Path, landing: Path, unread: list[str]) -> list[Path]:
    """What lies in a folder, in natural order; a folder that cannot be looked into is a line of `unread`."""
    try:
        found = [path for path in folder.iterdir() if not path.name.startswith(".")]
        # what may be entered but not listed, or the other way round, shows only here
        for path in found:
            path.is_dir()
    except OSError as error:
        unread.append(f"{folder.relative_to(landing)}: cannot be looked into ({error.strerror})")
        return []
    return sorted(
        (path for path in found if not path.name.lower().endswith(".md")), key=lambda path: natural_key(path.name)
    )


def _why_not_read(path: Path, folder: str) -> str:
    """Why a path in a table's folder is not read, and what would be; '' where it is."""
    if _plain(path.name) != path.name:
        return "its name is not plain text; rename it"
    if path.is_dir():
        inside = (file.relative_to(path) for file in sorted(path.rglob("*")) if file.suffix.lower() in FILE_SUFFIXES)
        name = "-".join((path.name, *next(inside, Path("<name>.csv")).parts))
        return f"a folder; files are read from {folder} itself, say {folder}/{_plain(name)}"
    if path.suffix.lower() in FILE_SUFFIXES:
        return ""
    stem = Path(path.stem)
    name = stem.name if stem.suffix.lower() in FILE_SUFFIXES else f"{stem.name}.csv"
    return f"not .csv or .parquet; read would be {folder}/{name}"


def _plain(name: str) -> str:
    """A name with `?` for what cannot be shown or stored: control characters, and bytes that are no text."""
    return "".join("?" if unicodedata.category(char) in NOT_PLAIN else char for char in name)


def _astray(path: str, tables: Iterable[str]) -> str:
    """A line on a file that lies beside the tables' folders."""
    system, _, name = path.rpartition("/")
    named = [table for table in tables if not system or table.startswith(f"{system}/")]
    near = difflib.get_close_matches(Path(name).stem.lower(), [table.partition("/")[2] for table in named], n=1)
    folder = next((table for table in named if near and table.endswith(f"/{near[0]}")), "<system>/<table>")
    return f"{_plain(path)}: not in a <system>/<table> folder; read would be {folder}/{_plain(name)}"


def _nearest(folder: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(folder.lower(), known, n=1)
    return f"; the nearest is {near[0]}" if near else f"; there are {', '.join(known)}"
