"""Loads new files: plain texts of a table several in a transaction, several such at a time; all others one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from orchestration.core.errors import is_full_disk
from orchestration.load.appending import append, at_once, enter
from orchestration.load.file_facts import FileLayout, UnreadableFileError, content_hash
from orchestration.load.kinds.text import TextReading
from orchestration.load.new_files import NewFile
from orchestration.load.plain_csv import insert_plain
from orchestration.load.scanned import Scanned
from orchestration.warehouse.connections import scalar

# Files that are loaded in one transaction have at most so many bytes: a crash leaves little to be done again.
TOGETHER_BYTES = 64 << 20


@dataclass(frozen=True)
class Loaded:
    """What came of a file: how it was read, what it holds beside its records, and how many of these were added."""

    layout: FileLayout
    scanned: Scanned
    rows: int


_Outcome = TypeVar("_Outcome", bound=Loaded | list[Loaded] | None)


@dataclass(frozen=True)
class _Task:
    """A file to be loaded, with what each of its rows gets."""

    new: NewFile
    file_id: int
    load_id: str


def load_files(
    connection: duckdb.DuckDBPyConnection, files: Sequence[NewFile], load_id: str, progress: Callable[[str], None]
) -> list[Loaded | UnreadableFileError]:
    """Load files; returns for each, in their order, what came of it. Of one that fails nothing is loaded.

    An error that is no fault of a file's is raised; then some files may be loaded and others not, each as a whole.
    """
    first = scalar(connection, "select coalesce(max(file_id), 0) + 1 from raw.load_files")
    tasks = [_Task(new, file_id, load_id) for file_id, new in enumerate(files, start=first)]
    outcomes: dict[int, Loaded | UnreadableFileError] = {}

    def note(task: _Task, outcome: Loaded | UnreadableFileError) -> None:
        outcomes[task.file_id] = outcome
        task.new.close()
        progress(f"{task.new.piece.label} ({len(outcomes)} of {len(tasks)})")

    def plainly(batch: Sequence[_Task]) -> list[Loaded | UnreadableFileError | None]:
        with connection.cursor() as cursor:
            return _load_plainly(cursor, batch)

    batches = _batches([task for task in tasks if _is_plain(task.new)])
    with ThreadPoolExecutor(at_once(connection)) as pool:
        try:
            for batch, loaded in zip(batches, pool.map(plainly, batches), strict=True):
                for task, outcome in zip(batch, loaded, strict=True):
                    if outcome is not None:
                        note(task, outcome)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    for task in tasks:
        if task.file_id not in outcomes:
            note(task, _outcome(lambda task=task: _load_carefully(connection, task)))  # type: ignore[misc]
    return [outcomes[task.file_id] for task in tasks]


def _is_plain(new: NewFile) -> bool:
    return isinstance(new.reading, TextReading) and new.reading.plain is not None


def _batches(tasks: Sequence[_Task]) -> list[list[_Task]]:
    """Tasks in lists of one table each, of TOGETHER_BYTES or a single file; the largest first."""
    batches: list[list[_Task]] = []
    room = 0
    for task in tasks:
        if not batches or batches[-1][0].new.table != task.new.table or task.new.landed.size_bytes > room:
            batches.append([])
            room = TOGETHER_BYTES
        batches[-1].append(task)
        room -= task.new.landed.size_bytes
    return sorted(batches, key=lambda batch: -sum(task.new.landed.size_bytes for task in batch))


def _outcome(load: Callable[[], _Outcome]) -> _Outcome | UnreadableFileError:
    """What came of a file, a fault of its own included."""
    try:
        return load()
    except UnreadableFileError as error:
        return error


def _load_plainly(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[_Task]
) -> list[Loaded | UnreadableFileError | None]:
    """Read plain texts of a table straight into it; returns what came of each, None where one proves not to be plain.

    All are loaded in one transaction, or, where one of them fails, each in its own.
    """
    together = _outcome(lambda: _insert(connection, batch))
    if isinstance(together, list):
        return [*together]
    if len(batch) == 1:
        return [together]
    return [outcome for task in batch for outcome in _load_plainly(connection, [task])]


def _insert(connection: duckdb.DuckDBPyConnection, batch: Sequence[_Task]) -> list[Loaded] | None:
    """Load plain texts in one transaction. None, and nothing loaded, where one proves not to be plain; raises
    UnreadableFileError, nothing loaded either, where one cannot be read or has changed."""
    connection.execute("begin transaction")
    try:
        loaded = []
        for task in batch:
            one = _insert_plainly(connection, task)
            if one is None:
                connection.execute("rollback")
                return None
            loaded.append(one)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return loaded


def _insert_plainly(connection: duckdb.DuckDBPyConnection, task: _Task) -> Loaded | None:
    """Append the records of a plain text, and enter the file. The caller has a transaction."""
    reading = task.new.reading
    assert isinstance(reading, TextReading)
    assert reading.plain is not None
    layout, row = reading.layout, (task.file_id, task.new.landed, task.load_id)
    with _as_unreadable(task.new.piece.file.path):
        scratch = reading.content.working_folder()
        scanned = insert_plain(connection, reading.text.path, layout, reading.plain, row, scratch)
        if scanned is None:
            return None
        _check_unchanged(task.new)
    enter(connection, row, layout, scanned, reading.plain.records)
    return Loaded(layout, scanned, reading.plain.records)


def _load_carefully(connection: duckdb.DuckDBPyConnection, task: _Task) -> Loaded:
    """Scan a file into temporary tables, then append it. Raises UnreadableFileError, nothing loaded then."""
    with _as_unreadable(task.new.piece.file.path):
        reading = task.new.open()
        # no transaction yet: a refused read would end it
        scanned = reading.scan(connection)
        _check_unchanged(task.new)
    layout, landed = reading.layout, task.new.landed
    connection.execute("begin transaction")
    try:
        rows = append(connection, landed, layout, task.load_id, task.file_id)
        enter(connection, (task.file_id, landed, task.load_id), layout, scanned, rows)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return Loaded(layout, scanned, rows)


def _check_unchanged(new: NewFile) -> None:
    """Raises UnreadableFileError where a file is, now that it was read, not what it was when it was looked at."""
    if content_hash(new.piece.file.path) != new.piece.sha256:
        raise UnreadableFileError("changed while it was being loaded; run again when it has settled")


@contextmanager
def _as_unreadable(path: Path) -> Iterator[None]:
    """Have what fails on a file's account be an UnreadableFileError; a full disk is nobody's fault."""
    try:
        yield
    except (UnreadableFileError, OSError, duckdb.Error) as error:
        if is_full_disk(error):
            raise
        raise UnreadableFileError(_failure(error, path)) from error


def _failure(error: Exception, path: Path) -> str:
    if not path.exists():
        return "disappeared while it was being loaded; run again"
    if isinstance(error, UnreadableFileError):
        return str(error)
    return f"cannot be read ({str(error).splitlines()[0]})"
