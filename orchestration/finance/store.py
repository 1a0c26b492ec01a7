"""The folders of closed months: written once, read-only, chained by the hashes of their manifests.

`finance/2026-10/` is version 1 of October, `finance/2026-10.v2/` its first restatement. Each holds `manifest.json`,
which names every other file with its size, rows and SHA-256 and the manifest of the month before by its SHA-256, and
`SHA256SUMS`, the same for `sha256sum -c`, manifest included.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.core.errors import BuildError
from orchestration.finance.calendar import month_name, parse_month

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
# Of the layout of a closed folder. A reader takes every format up to its own.
FORMAT = 1
PARTIAL_PREFIX = ".closing-"
FOLDER_NAME = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))(?:\.v([2-9]|[1-9]\d+))?")
CHUNK = 1 << 20


class DamagedMonthError(BuildError):
    """A closed month is not what it was when it was closed."""


class DamagedFileError(DamagedMonthError):
    """A file of a closed month is not what it was."""

    def __init__(self, closed: ClosedMonth, problem: str) -> None:
        super().__init__(problem, _way_out(closed.folder))
        self.closed = closed


@dataclass(frozen=True)
class FileEntry:
    """A file of a closed month: its path in the folder, SHA-256, size in bytes, and rows where it is a table."""

    path: str
    sha256: str
    bytes: int
    rows: int | None = None


@dataclass(frozen=True)
class Link:
    """Another manifest, named by month, version and SHA-256."""

    month: str
    version: int
    manifest_sha256: str


@dataclass(frozen=True)
class Manifest:
    """What is known of a closed month. Times are ISO 8601 in UTC; `restates` is the version that this one replaces."""

    month: str
    version: int
    closed_at: str
    closed_by: str
    run_id: str
    as_of_date: str
    published_at: str
    code_version: str
    models_sha256: str
    lang: str
    settings: dict[str, Any]
    company: str | None = None
    reason: str | None = None
    previous: Link | None = None
    restates: Link | None = None
    periods: list[dict[str, str]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    controls: list[dict[str, str]] = field(default_factory=list)
    files: list[FileEntry] = field(default_factory=list)
    format: int = FORMAT

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Raises ValueError or TypeError where the text is no manifest."""
        content = json.loads(text)
        if not isinstance(content, dict):
            raise ValueError("is not a JSON object")
        if content.get("format", 0) > FORMAT:
            raise ValueError(f"is of format {content['format']}: upgrade the project to read it")
        known = {entry.name for entry in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        values["files"] = [FileEntry(**entry) for entry in values.get("files", [])]
        for name in ("previous", "restates"):
            if values.get(name):
                values[name] = Link(**values[name])
        return cls(**values)


@dataclass(frozen=True)
class ClosedMonth:
    """A closed month on disk."""

    month: date
    version: int
    folder: Path
    manifest: Manifest
    manifest_sha256: str

    @property
    def label(self) -> str:
        return label(self.month, self.version)

    @property
    def link(self) -> Link:
        return Link(month_name(self.month), self.version, self.manifest_sha256)

    def file(self, path: str) -> Path:
        return self.folder / path

    def entry(self, path: str) -> FileEntry | None:
        """What the manifest says of a file; None where it was not part of the month."""
        return next((entry for entry in self.manifest.files if entry.path == path), None)

    def sound_file(self, path: str) -> Path:
        """A file whose content is what was closed. Raises DamagedFileError otherwise."""
        entry = self.entry(path)
        problem = file_problem(self, entry) if entry else f"{self.file(path)} was not part of {self.label}"
        if problem:
            raise DamagedFileError(self, problem)
        return self.file(path)


def label(month: date, version: int) -> str:
    """A closed month as people read it."""
    return f"{month_name(month)} version {version}"


def folder_name(month: date, version: int) -> str:
    return month_name(month) + (f".v{version}" if version > 1 else "")


def closed_folders(finance: Path) -> list[tuple[date, int, Path]]:
    """The folders of closed months by their names alone: month, version, path, in that order."""
    if not finance.is_dir():
        return []
    found = []
    for path in finance.iterdir():
        match = FOLDER_NAME.fullmatch(path.name)
        if match and path.is_dir():
            found.append((parse_month(match[1]), int(match[2] or 1), path))
    return sorted(found)


def read_closed(month: date, version: int, folder: Path) -> ClosedMonth:
    """Raises DamagedMonthError where there is no manifest to read, or it is another month's."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        manifest = Manifest.from_json(content.decode())
    except FileNotFoundError as error:
        raise DamagedMonthError(f"{path} is missing", _way_out(folder)) from error
    except (OSError, ValueError, TypeError) as error:
        raise DamagedMonthError(f"{path} cannot be read: {error}", _way_out(folder)) from error
    if (manifest.month, manifest.version) != (month_name(month), version):
        raise DamagedMonthError(
            f"{path} is of {manifest.month} version {manifest.version}, not of {label(month, version)}",
            _way_out(folder),
        )
    return ClosedMonth(month, version, folder, manifest, hashlib.sha256(content).hexdigest())


def _way_out(folder: Path) -> list[str]:
    return [f"put {folder} back from a backup, then run `kpi verify`"]


def closed_months(finance: Path) -> list[ClosedMonth]:
    """All closed months and versions, in order. Raises DamagedMonthError where one has no manifest."""
    return [read_closed(*entry) for entry in closed_folders(finance)]


def latest_versions(closed: Iterable[ClosedMonth]) -> dict[date, ClosedMonth]:
    """Per month the version that counts, in order of the months."""
    return {one.month: one for one in sorted(closed, key=lambda one: (one.month, one.version))}


# Writing


def new_partial(finance: Path, month: date, version: int) -> Path:
    """An empty folder to write a month in; what a close left behind that died is removed. The lock must be held."""
    finance.mkdir(parents=True, exist_ok=True)
    for left in finance.glob(f"{PARTIAL_PREFIX}*"):
        remove_partial(left)
    partial = finance / f"{PARTIAL_PREFIX}{folder_name(month, version)}"
    partial.mkdir()
    return partial


def remove_partial(folder: Path) -> None:
    """Remove a folder that never became a closed month, read-only or not."""
    for path in (folder, *(entry for entry in folder.rglob("*") if entry.is_dir())):
        path.chmod(0o755)
    shutil.rmtree(folder)


def file_entries(folder: Path, rows: Mapping[str, int]) -> list[FileEntry]:
    """Every file of a folder, by path; `rows` gives the row counts of those that are tables."""
    return [
        FileEntry(name, sha256_of(path), path.stat().st_size, rows.get(name)) for name, path in files_of(folder).items()
    ]


def seal(
    partial: Path, manifest: Manifest, final: Path, register: Callable[[Link], object] = lambda _: None
) -> ClosedMonth:
    """Write manifest and checksums, make everything durable and read-only, and put it in place in one rename.

    `register` enters the close just before. Raises BuildError where `final` is there already: nothing is ever
    overwritten.
    """
    text = manifest.to_json()
    (partial / MANIFEST).write_text(text, encoding="utf-8")
    (partial / CHECKSUMS).write_text(_checksums(text, manifest.files), encoding="utf-8")
    for path in files_of(partial).values():
        _sync(path)
        path.chmod(0o444)
    folders = [*(entry for entry in partial.rglob("*") if entry.is_dir()), partial]
    for folder in folders:
        _sync(folder)
        folder.chmod(0o555)
    if final.exists():
        raise BuildError(f"{final} is there already: a closed month is never overwritten")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    register(Link(manifest.month, manifest.version, sha256))
    _put_in_place(partial, final)
    return ClosedMonth(parse_month(manifest.month), manifest.version, final, manifest, sha256)


def _put_in_place(partial: Path, final: Path) -> None:
    try:
        partial.rename(final)
    except OSError as error:
        raise BuildError(f"{final} cannot be put in place: {error.strerror}") from error
    _sync(final.parent)


def is_unfinished(finance: Path, link: Link) -> bool:
    """Whether a close died between its entry in the register and its folder's name: all is there but the name."""
    name = folder_name(parse_month(link.month), link.version)
    manifest = finance / f"{PARTIAL_PREFIX}{name}" / MANIFEST
    return not (finance / name).exists() and manifest.exists() and sha256_of(manifest) == link.manifest_sha256


def finish_close(finance: Path, link: Link) -> None:
    """Put a month in place whose close is unfinished, if it is. The lock of the warehouse must be held."""
    if is_unfinished(finance, link):
        name = folder_name(parse_month(link.month), link.version)
        _put_in_place(finance / f"{PARTIAL_PREFIX}{name}", finance / name)


def _checksums(manifest_text: str, entries: Sequence[FileEntry]) -> str:
    """The content of SHA256SUMS, as `sha256sum -c` reads it."""
    sums = {MANIFEST: hashlib.sha256(manifest_text.encode()).hexdigest(), **{e.path: e.sha256 for e in entries}}
    return "".join(f"{sums[path]}  {path}\n" for path in sorted(sums))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_of(folder: Path) -> dict[str, Path]:
    """All files below a folder, by path in it."""
    found = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_symlink() or path.is_file()
    }
    return {name: found[name] for name in sorted(found)}


def file_problem(closed: ClosedMonth, entry: FileEntry) -> str | None:
    """What is wrong with one file, if anything."""
    file = closed.file(entry.path)
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return f"{file} is not a plain file any more"
        if sha256_of(file) != entry.sha256:
            return f"{file} was changed since {closed.label} was closed"
    except FileNotFoundError:
        return f"{file} is missing"
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"
    return None
