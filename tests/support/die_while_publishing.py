"""Publishes releases and dies, or finds the disk full, at one file operation or statement after the other.

    python -m tests.support.die_while_publishing WAREHOUSE die|full

WAREHOUSE holds a build file. A child process publishes run after run; the n-th one ends just before its n-th
operation: every file that is opened, made, renamed, linked, stamped or removed below the warehouse, and every statement
that DuckDB is given. After each, whatever is published must be whole and of one run. Prints the number of operations.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.paths import WarehousePaths
from orchestration.publish.marts import Build, publish
from orchestration.publish.releases import current_release

FILE_EVENTS = {
    "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.utime", "shutil.copyfile",
    "shutil.rmtree",
}  # fmt: skip
FAULT = 99


def render(marts_file: Path) -> None:
    """A dashboard that says which run it is of."""
    with duckdb.connect(str(marts_file), read_only=True) as connection:
        row = connection.execute("select run_id from meta.build_info").fetchone()
    assert row is not None
    folder = marts_file.parent / "dashboard"
    folder.mkdir()
    (folder / "index.html").write_text(row[0], encoding="utf-8")


def publish_run(paths: WarehousePaths, run_id: str) -> None:
    """Publish the build file as a run."""
    with duckdb.connect(str(paths.build_file), read_only=True) as connection:
        names = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
    tables = {schema: [name for of, name in names if of == schema] for schema in ("facts", "kpi")}
    build = Build(run_id, "2026-06-30", "1", {}, tables)
    publish(paths, build, render=render, with_finance=False)


def published_run(paths: WarehousePaths) -> str:
    """The run that every published path is of. AssertionError where they disagree or one is missing."""
    release = current_release(paths)
    assert release is not None
    with duckdb.connect(str(paths.marts_file), read_only=True) as connection:
        row = connection.execute("select run_id from meta.build_info").fetchone()
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'kpi'").fetchall()
    assert row is not None
    runs = {release.run_id, row[0], (paths.dashboard / "index.html").read_text(encoding="utf-8")}
    for (name,) in tables:
        metadata = duckdb.execute(
            "select decode(value) from parquet_kv_metadata(?)", [str(paths.parquet / "kpi" / f"{name}.parquet")]
        ).fetchall()
        runs |= {value for (value,) in metadata}
    assert len(runs) == 1, runs
    return str(runs.pop())


def dies_at(number: int, root: str, end: Callable[[], None]) -> None:
    """Have this process end at its n-th operation."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1
        if count == number:
            end()

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILE_EVENTS and any(str(argument).startswith(root) for argument in arguments):
            one_more()

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event == "c_call" and argument.__name__ == "execute":
            one_more()

    sys.addaudithook(audit)
    if end is kill_myself:
        sys.setprofile(profile)


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def disk_is_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def in_a_child(work: Callable[[], None]) -> int:
    """The wait status of a process that does some work: 0 where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except OSError as error:
            os._exit(errno.ENOSPC if error.errno == errno.ENOSPC else FAULT)
        except BaseException:
            traceback.print_exc()
            os._exit(FAULT)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(root: Path, how: str) -> None:
    """Publish until a run comes to its end. AssertionError names the operation after which something was wrong."""
    paths = WarehousePaths(root)
    end = {"die": kill_myself, "full": disk_is_full}[how]
    assert in_a_child(lambda: publish_run(paths, "run-000")) == 0
    before, number, status = "run-000", 0, -1
    while status != 0:
        number += 1
        run = f"run-{number:03}"

        def attempt(number: int = number, run: str = run) -> None:
            dies_at(number, str(root), end)
            publish_run(paths, run)

        status = in_a_child(attempt)
        assert os.waitstatus_to_exitcode(status) != FAULT, f"operation {number}"
        now = in_a_child_that_tells(paths)
        assert now in (before, run), f"operation {number}: published is {now}"
        if how == "full":
            left = [path.name for path in paths.releases.glob(".*.partial")]
            assert not left, f"operation {number}: {left} left on the full disk"
        before = now
    assert before == run
    assert not list(paths.releases.glob(".*.partial"))
    sys.stdout.write(f"{number - 1}\n")


def in_a_child_that_tells(paths: WarehousePaths) -> str:
    """The published run, read in a process of its own: no connection is open where the next child is forked."""
    reading, writing = os.pipe()

    def tell() -> None:
        os.write(writing, published_run(paths).encode())

    status = in_a_child(tell)
    os.close(writing)
    told = os.read(reading, 100).decode()
    os.close(reading)
    assert status == 0 and told, "what is published is not whole"
    return told


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
