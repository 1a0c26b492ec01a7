"""Publishes releases and ends, in every way that there is, at one operation after the other.

    python -m tests.support.die_while_publishing WAREHOUSE LANDING|- die|full|told [EVERY]

WAREHOUSE holds a build file. With `-` a child process publishes a release of it, and an operation is every file that is
opened, made, renamed, linked, stamped or removed below the warehouse, and every statement that DuckDB is given. With a
LANDING folder, which WAREHOUSE is built of, the child takes all that `kpi build` does after its last gate: records, the
release with schema finance, a dashboard; an operation is one of files. The n-th child, just before its n-th operation,
is killed (die) or finds the disk full (full), or gets a SIGTERM just after it (told). After each, everything that is
published must be whole and of one run, what `kpi status` says must be so, and what is told to end must leave nothing
behind. EVERY 3 takes every
third operation. Prints the number of operations, and how many of the children had published.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import dashboards.site
from orchestration.build import pipeline
from orchestration.commands import build as commands
from orchestration.commands import console
from orchestration.core.errors import BuildError, InterruptedByError
from orchestration.core.paths import WarehousePaths
from orchestration.core.process import end_in_order_when_told_to
from orchestration.core.settings import Settings
from orchestration.publish.marts import Build, publish
from orchestration.publish.releases import current_release
from orchestration.warehouse.lock import is_building, read_json, read_running, write_json
from tests.support.builds import settings_for

FILE_EVENTS = {
    "open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.utime", "shutil.copyfile",
    "shutil.rmtree",
}  # fmt: skip
FILE_CALLS = {"open", "mkdir", "rename", "replace", "unlink", "remove", "rmdir", "symlink", "link", "utime"}
FILE_MODULES = {"posix", "_io", "io"}
STATEMENTS = {"execute", "executemany", "commit"}
FAULT, LOST = 99, 98
# What a whole build publishes here: some marts and the facts that their views read.
TABLES = {"facts": ["fct_csat_responses"], "kpi": ["kpi_catalog", "kpi_csat", "kpi_scorecard"]}


def render(marts_file: Path, company: str | None = None) -> None:
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


@dataclass(frozen=True)
class Project:
    """What a publish asks of the dbt project."""

    semantic_manifest: Path

    def models_of(self, schema: str) -> list[str]:
        return TABLES[schema]

    def write_built_project(self) -> None:
        file = self.semantic_manifest.with_name("project.json")
        write_json(file, json.loads(file.read_text(encoding="utf-8")))


def finish_build(settings: Settings, run_id: str) -> None:
    """All of a build behind its last gate, on a build file that is there."""
    build = pipeline.Build(settings)
    build.record.run_id = run_id
    gates = [step for step in pipeline.STEPS if step.startswith("after_")]
    passed = {"passed": True, "warnings": [], "failures": [], "expectations": 1, "data_docs": "none"}
    build.record.gates = [{"gate": gate, **passed} for gate in gates]
    vars(build)["project"] = Project(settings.paths.dbt_target / "semantic_manifest.json")
    dashboards.site.render_site = render  # type: ignore[assignment]  # the boards take seconds
    with build.running():
        build.step("publish")


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


def told_status(paths: WarehousePaths) -> str:
    """What `kpi status` prints."""
    console.out.file = told = io.StringIO()
    commands.status(paths.root)
    return told.getvalue()


def check_status(paths: WarehousePaths, run: str) -> None:
    """AssertionError where `kpi status` does not say what is so of the published run and of the last build."""
    published, *rest = told_status(paths).splitlines()
    assert published.endswith(f"run {run}"), published
    running, record = read_running(paths), read_json(paths.last_run_file)
    if running is not None:
        verdict = "died after it had published" if running["run_id"] == run else "died; the next"
        assert any(running["run_id"] in line and verdict in line for line in rest), rest
    assert record is not None
    (last,) = [line for line in rest if line.startswith("last build: ")]
    assert record["run_id"] in last and (record["run_id"] != run or ", published" in last), last
    assert record["run_id"] == run or record["exit_code"] == 0 or ", published" not in last, last


def compared_with(paths: WarehousePaths) -> list[tuple[Any, ...]]:
    """What the gate after kpi compares past months with: the settings they were built by, and the figures."""
    with duckdb.connect(str(paths.marts_file), read_only=True) as connection:
        return connection.execute(
            "select settings, (select count(*) from kpi.kpi_scorecard), "
            "(select bit_xor(hash(figures)) from kpi.kpi_scorecard as figures) from meta.build_info"
        ).fetchall()


def dies_at(
    number: int, root: str, end: Callable[[], None], *, statements: bool, afterwards: bool = False
) -> Callable[[], bool]:
    """Have this process end at its n-th operation, before or after it. Returns what says whether it got there."""
    count = 0

    def one_more() -> None:
        nonlocal count
        count += 1
        if count == number:
            end()

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        # a full disk does not mind being read
        is_reading = end is disk_is_full and event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in FILE_EVENTS and not is_reading and any(str(one).startswith(root) for one in arguments):
            one_more()

    def profile(frame: Any, event: str, argument: Any) -> None:
        if event != ("c_return" if afterwards else "c_call"):
            return
        is_of_a_file = argument.__name__ in FILE_CALLS and argument.__module__ in FILE_MODULES
        if (statements and argument.__name__ in STATEMENTS) or (afterwards and is_of_a_file):
            one_more()

    if not afterwards:
        sys.addaudithook(audit)
    if afterwards or statements:
        sys.setprofile(profile)
    return lambda: count >= number


def kill_myself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def disk_is_full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def end_myself() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def in_a_child(work: Callable[[], None]) -> int:
    """The wait status of a process that does some work: 0 where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except InterruptedByError as error:
            os._exit(error.exit_code)
        except (OSError, BuildError) as error:
            os._exit(errno.ENOSPC if os.strerror(errno.ENOSPC) in str(error) else FAULT)
        except BaseException:
            traceback.print_exc()
            os._exit(FAULT)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def ask_a_child(question: Callable[[], str]) -> str:
    """An answer given by a process of its own: no connection is open where the next child is forked."""
    reading, writing = os.pipe()

    def tell() -> None:
        os.write(writing, question().encode())

    status = in_a_child(tell)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        told = stream.read()
    assert status == 0 and told, "what is published is not whole"
    return told


def main(root: Path, landing: str, how: str, every: int = 1) -> None:
    """Publish until a run comes to its end. AssertionError names the operation after which something was wrong."""
    importlib.import_module("pandas")  # DuckDB does at the first parameter: not in every child
    paths = WarehousePaths(root)
    is_whole = landing != "-"
    end = {"die": kill_myself, "full": disk_is_full, "told": end_myself}[how]

    def run_once(run: str) -> None:
        if is_whole:
            finish_build(settings_for(Path(landing), root, dashboard=True), run)
        else:
            publish_run(paths, run)

    def attempt(number: int, run: str) -> None:
        end_in_order_when_told_to()
        got_there = dies_at(number, str(root), end, statements=not is_whole, afterwards=how == "told")
        run_once(run)
        sys.setprofile(None)
        if got_there():
            os._exit(LOST)

    def question() -> str:
        run = published_run(paths)
        if is_whole:
            assert not is_building(paths), "the lock is held"
            check_status(paths, run)
            assert json.dumps(compared_with(paths), default=str) == figures, "the gate has other figures to compare"
        return run

    assert in_a_child(lambda: run_once("run-000")) == 0
    figures = ""
    if is_whole:
        figures = ask_a_child(lambda: json.dumps(compared_with(paths), default=str))
    before, number, status, switched = "run-000", 1 - every, -1, 0
    while status != 0:
        number += every
        run = f"run-{number:03}"
        status = in_a_child(lambda number=number, run=run: attempt(number, run))  # type: ignore[misc]
        code = os.waitstatus_to_exitcode(status)
        # a library may lose the exception of a signal, while it imports another: then the run comes to its end
        codes = {"die": (-signal.SIGKILL,), "full": (errno.ENOSPC, LOST), "told": (128 + signal.SIGTERM, LOST)}[how]
        assert code in (0, *codes), f"operation {number}: exit {code}"
        now = ask_a_child(question)
        assert now == run if code in (0, LOST) else now in (before, run), f"operation {number}: published is {now}"
        if how != "die":
            left = [path.name for pattern in ("releases/.*.partial", ".*.next", "*.tmp") for path in root.glob(pattern)]
            assert not left, f"operation {number}: {left} left behind"
        switched += now != before
        before = now
    assert before == run
    assert not list(paths.releases.glob(".*.partial"))
    sys.stdout.write(f"{number - 1} {switched - 1}\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
