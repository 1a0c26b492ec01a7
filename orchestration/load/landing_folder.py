"""What lies in the landing folder: the files that are read, in the order that counts, and everything else, by name."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb

from orchestration.core.contract import Table, landed_tables

# As many places as the SQL of staging pads a run of digits to, where it ranks versions by the names of their files.
DIGIT_PLACES = 20
# Unicode categories: control characters, bytes that are no text (lone surrogates), line and paragraph separators.
NOT_PLAIN = {"Cc", "Cs", "Zl", "Zp"}
# What programs leave beside files: an end marker of Spark's, what Windows notes of a folder, Excel's lock files.
LEFT_BESIDE = {"_SUCCESS", "Thumbs.db", "desktop.ini"}
LOCK_PREFIX = "~$"
# Folders within folders that are looked into; a link to a folder above ends here.
MOST_LEVELS = 12
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class LandedFile:
    """A file found in the folder of one or several tables: `folder` as `system/table`, `name` the path below it."""

    candidates: tuple[Table, ...]
    path: Path
    folder: str
    name: str

    @property
    def label(self) -> str:
        """`system/table/file`, as it lies in the landing folder."""
        return f"{self.folder}/{self.name}"

    @property
    def partitions(self) -> dict[str, str]:
        """What the names of its folders say: `year=2025` gives year."""
        parts = (part.partition("=") for part in self.name.split("/")[:-1] if "=" in part)
        return {name: unquote(value) for name, _, value in parts if value != NULL_PARTITION}


def natural_key(name: str) -> tuple[str, str]:
    """Sorts names as people count: `t.csv`, `t (2).csv`, `t (10).csv`; names that count alike by their plain text."""
    stem = re.sub(r"[.][^.]*\Z", "", name)
    return re.sub("[0-9]+", lambda run: run.group().zfill(DIGIT_PLACES), stem), name


def folders_of(tables: Iterable[Table]) -> dict[str, tuple[Table, ...]]:
    """The tables whose files may lie in a folder, by its name (`system/table`, in lower case)."""
    folders: dict[str, tuple[Table, ...]] = {}
    for table in tables:
        for folder in dict.fromkeys((f"{table.system}/{table.name}", *table.folders)):
            folders[folder.casefold()] = (*folders.get(folder.casefold(), ()), table)
    return folders


def find_files(landing: Path, tables: Sequence[Table] | None = None) -> tuple[list[LandedFile], list[str]]:
    """The files of a landing folder that are read, by table, then name, and a line on each other path in it.

    `tables` are those that can land; by default all that the project knows. Hidden files and names that end in `.md`
    are neither. A line names the path, why it is not read, and the nearest name that would be.
    """
    folders = folders_of(landed_tables() if tables is None else tables)
    files: list[LandedFile] = []
    unread: list[str] = []
    for system_dir in _visible(landing, landing, unread):
        if not system_dir.is_dir():
            unread.append(_astray(system_dir.name, folders))
            continue
        for table_dir in _visible(system_dir, landing, unread):
            folder = f"{system_dir.name}/{table_dir.name}"
            if not table_dir.is_dir():
                unread.append(_astray(folder, folders))
            elif folder.casefold() not in folders:
                unread.append(f"{_plain(folder)}: no such table{_nearest(folder, folders)}")
            else:
                files += _files_below(table_dir, folders[folder.casefold()], folder, landing, unread)
    order = {folder: position for position, folder in enumerate(folders)}
    files.sort(key=lambda file: (order[file.folder.casefold()], natural_key(file.name)))
    return files, unread


def landed_bytes(landing: Path) -> int:
    """About how much lies in a landing folder; what cannot be looked at, or has gone meanwhile, counts as nothing."""
    total = 0
    for folder, _, names in os.walk(landing):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).stat().st_size
    return total


def landed_systems(connection: duckdb.DuckDBPyConnection | None, landing: Path, tables: Sequence[Table]) -> list[str]:
    """The source systems, the contract's aside, that have a folder in the landing folder or were loaded before.

    Of files in a folder that a table of the contract shares, only what was loaded counts: the header decides.
    """
    objects = [table for table in tables if not table.is_contract]
    lying = {path.name.casefold() for path in landing.glob("*") if path.is_dir()}
    loaded = set(_loaded_labels(connection))
    return sorted({table.system for table in objects if table.system.casefold() in lying or table.label in loaded})


def _loaded_labels(connection: duckdb.DuckDBPyConnection | None) -> list[str]:
    if connection is None:
        return []
    try:
        rows = connection.execute("select system_table from raw.load_files group by system_table").fetchall()
    except duckdb.CatalogException:
        return []
    return [label for (label,) in rows]


def _files_below(
    table_dir: Path, candidates: tuple[Table, ...], folder: str, landing: Path, unread: list[str]
) -> list[LandedFile]:
    """The files of a table's folder and of the folders in it."""
    files: list[LandedFile] = []
    waiting = [table_dir]
    while waiting:
        current = waiting.pop()
        for path in _visible(current, landing, unread):
            name = path.relative_to(table_dir).as_posix()
            if _plain(name) != name:
                unread.append(f"{folder}/{_plain(name)}: its name is not plain text; rename it")
            elif path.is_dir():
                if len(path.relative_to(table_dir).parts) > MOST_LEVELS:
                    unread.append(f"{folder}/{name}: lies deeper than {MOST_LEVELS} folders; move it up")
                else:
                    waiting.append(path)
            elif path.name not in LEFT_BESIDE and not path.name.startswith(LOCK_PREFIX):
                files.append(LandedFile(candidates, path, folder, name))
    return files


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


def _plain(name: str) -> str:
    """A name with `?` for what cannot be shown or stored: control characters, and bytes that are no text."""
    return "".join("?" if unicodedata.category(char) in NOT_PLAIN else char for char in name)


def _astray(path: str, folders: Iterable[str]) -> str:
    """A line on a file that lies beside the tables' folders."""
    system, _, name = path.rpartition("/")
    named = [folder for folder in folders if not system or folder.startswith(f"{system.casefold()}/")]
    near = difflib.get_close_matches(Path(name).stem.lower(), [folder.partition("/")[2] for folder in named], n=1)
    folder = next((folder for folder in named if near and folder.endswith(f"/{near[0]}")), "<system>/<table>")
    return f"{_plain(path)}: not in a <system>/<table> folder; read would be {folder}/{_plain(name)}"


def _nearest(folder: str, folders: Mapping[str, tuple[Table, ...]]) -> str:
    if near := difflib.get_close_matches(folder.casefold(), folders, n=1):
        return f"; the nearest is {near[0]}"
    system = folder.partition("/")[0].casefold()
    named = [one for one in folders if one.startswith(f"{system}/")]
    return f"; there are {', '.join(named or folders)}"
