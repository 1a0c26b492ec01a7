"""Who works on a warehouse: one process at a time, and what it wrote down of itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from orchestration.core.errors import BuildError, TransientError
from orchestration.core.paths import WarehousePaths

# More than last_run.json and its replacement take.
RESERVED_BYTES = 256 * 1024


@contextmanager
def warehouse_lock(
    paths: WarehousePaths, wait_minutes: float = 0, on_wait: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Hold the warehouse; the lock ends with the process, however that ends.

    Waits for a build that runs, at most so many minutes; raises TransientError then.
    """
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(paths.lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if wait_minutes:
                on_wait(f"Waiting for another build on {paths.root} to end")
            lock.acquire(timeout=wait_minutes * 60)
    except Timeout as error:
        raise TransientError(f"another build is still running on {paths.root}: try again when it has ended") from error
    except OSError as error:
        raise BuildError(f"warehouse folder {paths.root} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def is_building(paths: WarehousePaths) -> bool:
    """Whether a build holds the warehouse now."""
    lock = FileLock(paths.lock_file, timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def read_running(paths: WarehousePaths) -> dict[str, Any] | None:
    """What the build that is under way, or that died, wrote last; None where there is none."""
    return read_json(paths.running_file)


def write_last_run(paths: WarehousePaths, content: Mapping[str, Any]) -> None:
    """Replace last_run.json; where the disk is full, in the room that is kept for it."""
    try:
        write_json(paths.last_run_file, content)
    except OSError:
        paths.reserve_file.unlink(missing_ok=True)
        write_json(paths.last_run_file, content)
    if not paths.reserve_file.exists():
        with suppress(OSError):
            paths.reserve_file.write_bytes(bytes(RESERVED_BYTES))


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no file."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return content


def write_json(path: Path, content: Mapping[str, Any], *, indent: int | None = 2) -> None:
    """Replace a JSON file in one rename. Without `indent` it is for programs, and written in a tenth of the time."""
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(
            json.dumps(content, indent=indent, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
