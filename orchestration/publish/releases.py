"""Releases: everything that is published at once is one folder, and becomes current by one rename of one link.

    releases/<name>/    marts.duckdb, parquet/, dashboard/, semantic_manifest.json, release.json
    current             -> releases/<name>
    marts.duckdb, parquet, dashboard    -> current/...

A release is written into a hidden folder first. Whoever has a file of an older release open keeps it: replaced releases
stay for a while, and the one before the current one for as long as it may be rolled back to.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.core.errors import BuildError, UsageError
from orchestration.core.paths import DASHBOARD, MARTS_FILE, PARQUET, WarehousePaths
from orchestration.warehouse.lock import read_json

RELEASE_FILE = "release.json"
HISTORY_FILE = "history.jsonl"
PARTIAL = ".partial"
NEXT_LINK = ".current.next"
# How many releases before the current one stay at least, and how long a replaced one does: no reader is cut off.
KEPT_RELEASES = 2
KEPT_SECONDS = 15 * 60
# A release takes about what the current one does; DuckDB's file is larger while it is written.
ROOM_FACTOR = 1.5
STABLE_LINKS = (MARTS_FILE, PARQUET, DASHBOARD)
# What was published before there were releases: files, and what folders of ours had in them.
FORMER_FOLDERS = {PARQUET: ".builds", DASHBOARD: "index.html"}
FORMER_FILES = ("kpi.duckdb", "facts.duckdb", "semantic_manifest.json")


@dataclass(frozen=True)
class Release:
    """A release: its folder's name, the build it is of, the last day that counts in it, when it was published (UTC,
    ISO 8601), the name of the release that it replaced."""

    name: str
    run_id: str
    as_of_date: str
    published_at: str
    replaced: str | None


@dataclass(frozen=True)
class Switch:
    """A line of the history: what became current when (UTC, ISO 8601), by what (`publish` or `rollback`), by whom."""

    at: str
    action: str
    release: str
    replaced: str | None
    by: str | None


def current_release(paths: WarehousePaths) -> Release | None:
    """The release that is current; None where nothing is published."""
    return _read(paths.current)


def release_folder(paths: WarehousePaths) -> Path:
    """The folder of the release that is current, not by way of the link.

    Raises UsageError where nothing is published.
    """
    if not paths.current.exists():
        raise UsageError(
            f"nothing is published in {paths.root} yet: run `kpi build` first, or name another --warehouse"
        )
    return paths.current.resolve()


@contextmanager
def new_release(paths: WarehousePaths, name: str, run_id: str, as_of_date: str) -> Iterator[Path]:
    """A folder to write a release into. It becomes current where the body ends without an error, and is removed else.

    `name` is the folder's name: the run's id, or one that begins with it. Raises BuildError where a release of that
    name is there already.
    """
    final = paths.releases / name
    if final.exists():
        raise BuildError(f"release {name} is there already", [f"it is in {final}"])
    remove_leftovers(paths)
    _check_room(paths)
    partial = paths.releases / f".{name}{PARTIAL}"
    try:
        partial.mkdir(parents=True)
        yield partial
        before = current_release(paths)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        release = Release(name, run_id, as_of_date, now, before.name if before else None)
        (partial / RELEASE_FILE).write_text(json.dumps(asdict(release), indent=2) + "\n", encoding="utf-8")
        _sync_tree(partial)
        _make_stable_links(paths)
        partial.replace(final)
        _point_at(paths, final)
    except BaseException:
        # at once: where the disk is full, others wait for the room. A signal can come just after the one rename.
        if not _is_current(paths, final):
            for folder in (partial, final):
                shutil.rmtree(folder, ignore_errors=True)
        raise
    # it is published; what is tidied up here can be tidied up the next time
    with suppress(OSError):
        _note(paths, Switch(now, "publish", name, release.replaced, None))
        _remove_former_files(paths)
        _forget_old(paths)


def roll_back(paths: WarehousePaths, by: str | None = None) -> tuple[Release, Release]:
    """Make the release before the current one current again; returns it and the one it took over from.

    That is the one that was current before, of another build. It stays until the next build is published. The lock of
    the warehouse must be held. Raises UsageError where there is none any more.
    """
    current = current_release(paths)
    if current is None:
        raise UsageError(f"nothing is published in {paths.root} yet: there is nothing to roll back")
    before: Release | None = current
    while before is not None and before.run_id == current.run_id:
        before = _read(paths.releases / before.replaced) if before.replaced else None
    if before is None:
        raise UsageError(
            f"no release before {current.name} is kept in {paths.releases}: there is nothing to roll back to"
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _point_at(paths, paths.releases / before.name)
    _note(paths, Switch(now, "rollback", before.name, current.name, by))
    return before, current


def rolled_back(paths: WarehousePaths) -> Switch | None:
    """The roll-back by which the current release is current; None where it was published last."""
    switches = history(paths)
    current = current_release(paths)
    if not switches or current is None or switches[-1].release != current.name:
        return None
    return switches[-1] if switches[-1].action == "rollback" else None


def history(paths: WarehousePaths) -> list[Switch]:
    """What became current, oldest first."""
    try:
        lines = (paths.releases / HISTORY_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [Switch(**json.loads(line)) for line in lines]


def remove_leftovers(paths: WarehousePaths) -> None:
    """Remove what builds left behind that died while publishing. The lock of the warehouse must be held."""
    (paths.root / NEXT_LINK).unlink(missing_ok=True)
    for path in paths.releases.glob(f".*{PARTIAL}"):
        shutil.rmtree(path, ignore_errors=True)


def _check_room(paths: WarehousePaths) -> None:
    """Raises BuildError where a release like the current one would not fit on the disk."""
    if not paths.current.exists():
        return
    files = [path for path in paths.current.resolve().rglob("*") if path.is_file()]
    needed = int(sum(path.stat().st_size for path in files) * ROOM_FACTOR)
    free = shutil.disk_usage(paths.root).free
    if free < needed:
        raise BuildError(
            f"no room to publish: a release takes about {needed / 1e6:,.0f} MB, "
            f"{paths.root} has {free / 1e6:,.0f} MB free",
            ["make room there and build again; what is published stays"],
        )


def _read(folder: Path) -> Release | None:
    content = read_json(folder / RELEASE_FILE)
    return Release(**content) if content else None


def _point_at(paths: WarehousePaths, folder: Path) -> None:
    """The one rename that makes a release current. It is the last thing here that can fail."""
    link = paths.root / NEXT_LINK
    try:
        link.unlink(missing_ok=True)
        link.symlink_to(folder.relative_to(paths.root), target_is_directory=True)
        link.replace(paths.current)
    except BaseException:
        link.unlink(missing_ok=True)
        raise


def _is_current(paths: WarehousePaths, folder: Path) -> bool:
    return paths.current.is_symlink() and paths.current.resolve() == folder.resolve()


def _note(paths: WarehousePaths, switch: Switch) -> None:
    """Stamp what was current with the time, which says until when its readers may need it; write the history."""
    if switch.replaced:
        os.utime(paths.releases / switch.replaced)
    with (paths.releases / HISTORY_FILE).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(switch)) + "\n")


def _make_stable_links(paths: WarehousePaths) -> None:
    """The paths that people use. A folder that is of a version before there were releases gives way.

    Raises BuildError where something else is in the way.
    """
    for name in STABLE_LINKS:
        path = paths.root / name
        if path.is_symlink():
            continue
        if (path / FORMER_FOLDERS.get(name, "")).exists() and path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            raise BuildError(f"{path} is in the way of what is published", ["move it out of the warehouse folder"])
        path.symlink_to(Path(paths.current.name) / name)


def _remove_former_files(paths: WarehousePaths) -> None:
    for name in FORMER_FILES:
        (paths.root / name).unlink(missing_ok=True)


def _forget_old(paths: WarehousePaths) -> None:
    """Remove the releases that nobody needs: replaced a while ago, and not among those that may be rolled back to."""
    kept: set[str] = set()
    release = current_release(paths)
    while release is not None and len(kept) <= KEPT_RELEASES:
        kept.add(release.name)
        release = _read(paths.releases / release.replaced) if release.replaced else None
    for folder in paths.releases.iterdir():
        if folder.is_dir() and folder.name not in kept and time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    """Have every file of a folder on the disk before its name is."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
