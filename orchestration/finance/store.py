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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.core.errors import BuildError
from orchestration.finance.calendar import month_name, months_after, parse_month

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
# Of the layout of a closed folder. A reader takes every format up to its own.
FORMAT = 1
PARTIAL_PREFIX = ".closing-"
FOLDER_NAME = re.compile(r"(\d{4}-\d{2})(?:\.v([2-9]|[1-9]\d+))?")
CHUNK = 1 << 20


class DamagedMonthError(BuildError):
    """A closed month is not what it was when it was closed."""


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
        FileEntry(name, sha256_of(path), path.stat().st_size, rows.get(name)) for name, path in _files(folder).items()
    ]


def seal(partial: Path, manifest: Manifest, final: Path) -> ClosedMonth:
    """Write manifest and checksums, make everything durable and read-only, and put it in place in one rename.

    Raises BuildError where `final` is there already: nothing is ever overwritten.
    """
    text = manifest.to_json()
    (partial / MANIFEST).write_text(text, encoding="utf-8")
    (partial / CHECKSUMS).write_text(_checksums(text, manifest.files), encoding="utf-8")
    for path in _files(partial).values():
        _sync(path)
        path.chmod(0o444)
    folders = [*(entry for entry in partial.rglob("*") if entry.is_dir()), partial]
    for folder in folders:
        _sync(folder)
        folder.chmod(0o555)
    if final.exists():
        raise BuildError(f"{final} is there already: a closed month is never overwritten")
    try:
        partial.rename(final)
    except OSError as error:
        raise BuildError(f"{final} cannot be put in place: {error.strerror}") from error
    _sync(final.parent)
    return ClosedMonth(
        parse_month(manifest.month), manifest.version, final, manifest, hashlib.sha256(text.encode()).hexdigest()
    )


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


def _files(folder: Path) -> dict[str, Path]:
    """All files below a folder but the manifest and the checksums, by path in it."""
    found = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_symlink() or path.is_file()
    }
    return {name: found[name] for name in sorted(found)}


# Verifying


def verify_files(closed: ClosedMonth) -> list[str]:
    """What is wrong with the files of one closed month, a line each naming the file."""
    told = {entry.path: entry for entry in closed.manifest.files}
    found = _files(closed.folder)
    problems = []
    for path, entry in told.items():
        file = closed.file(path)
        if path not in found:
            problems.append(f"{file} is missing")
        elif not stat.S_ISREG(file.lstat().st_mode):
            problems.append(f"{file} is not a plain file any more")
        elif sha256_of(file) != entry.sha256:
            problems.append(f"{file} was changed since {closed.label} was closed")
    problems += [f"{closed.file(path)} was not part of {closed.label}" for path in found if path not in {
        *told, MANIFEST, CHECKSUMS,
    }]  # fmt: skip
    return problems + _verify_checksums(closed)


def _verify_checksums(closed: ClosedMonth) -> list[str]:
    """Manifest and SHA256SUMS vouch for each other: whoever touches one must touch both."""
    path = closed.file(CHECKSUMS)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return [f"{path} is missing or cannot be read"]
    told = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    expected = {MANIFEST: closed.manifest_sha256, **{entry.path: entry.sha256 for entry in closed.manifest.files}}
    if told == expected and len(lines) == len(expected):
        return []
    if told.get(MANIFEST) != closed.manifest_sha256:
        return [f"{closed.file(MANIFEST)} was changed since {closed.label} was closed"]
    return [f"{path} was changed since {closed.label} was closed"]


def verify(finance: Path, recorded: Iterable[Link] = ()) -> list[str]:
    """What is wrong with the closed months and their chain, a line each; empty where all is as it was closed.

    `recorded` are the manifests that was published knows of: a month that is gone is found by them.
    """
    problems: list[str] = []
    closed: dict[tuple[str, int], ClosedMonth] = {}
    for month, version, folder in closed_folders(finance):
        try:
            one = read_closed(month, version, folder)
        except DamagedMonthError as error:
            problems.append(str(error))
            continue
        closed[one.manifest.month, version] = one
        problems += verify_files(one)
    present = {(month_name(month), version) for month, version, _ in closed_folders(finance)}
    problems += _verify_chain(closed, present)
    for link in recorded:
        if (link.month, link.version) not in present:
            problems.append(f"{finance / folder_name(parse_month(link.month), link.version)} is missing")
        elif (one_ := closed.get((link.month, link.version))) and one_.manifest_sha256 != link.manifest_sha256:
            problems.append(f"{one_.file(MANIFEST)} is not the one that was closed: another was published")
    return list(dict.fromkeys(problems))


def _verify_chain(closed: Mapping[tuple[str, int], ClosedMonth], present: set[tuple[str, int]]) -> list[str]:
    """Each month names the one before, each version the one it took over from."""
    problems = []
    first = min((name for name, _ in present), default="")
    for (name, version), one in sorted(closed.items()):
        before = month_name(months_after(one.month, -1))
        if name != first:
            if one.manifest.previous is None or one.manifest.previous.month != before:
                problems.append(f"{one.file(MANIFEST)} does not name the month before, {before}")
            else:
                problems += _verify_link(one, one.manifest.previous, closed, present)
        if version > 1:
            if one.manifest.restates is None or one.manifest.restates.version != version - 1:
                problems.append(f"{one.file(MANIFEST)} does not name version {version - 1}")
            else:
                problems += _verify_link(one, one.manifest.restates, closed, present)
        elif name == first and one.manifest.previous is not None:
            problems.append(f"{one.folder.parent / one.manifest.previous.month} is missing: {one.label} builds on it")
    return problems


def _verify_link(
    one: ClosedMonth, link: Link, closed: Mapping[tuple[str, int], ClosedMonth], present: set[tuple[str, int]]
) -> list[str]:
    key = (link.month, link.version)
    if key not in present:
        folder = one.folder.parent / folder_name(parse_month(link.month), link.version)
        return [f"{folder} is missing: {one.label} builds on it"]
    if key in closed and closed[key].manifest_sha256 != link.manifest_sha256:
        return [f"{closed[key].file(MANIFEST)} is not the one that {one.label} builds on"]
    return []
