"""Whole builds that are told to end, or killed, at random moments; then everything that is promised is looked at.

    python benchmarks/kills.py LANDING AS_OF [KILLS] [SEED]

Each build gets SIGKILL, SIGTERM or SIGINT in turn, while it starts, in each of its steps in turn at a random moment of
the step's time, or at any moment. After each: how it ended and what it said; whether the published files
open and are of one run; whether `kpi status` says what is so; whether the lock is free; what was left behind. After
every tenth, and at the end, a build must publish the marts of an undisturbed one. Prints counts; exits 1 where a
promise was broken. A kill takes about twenty seconds.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.core.paths import WarehousePaths
from orchestration.publish.releases import current_release
from orchestration.warehouse.lock import is_building, read_json, read_running

KPI = Path(sys.executable).parent / "kpi"
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# A build that is told to end is given so long.
PATIENCE_SECONDS = 60
BUILDS_EVERY = 10
STARTING, ANY = "start", "any"
STARTING_SECONDS = 1.5
# Until then Python itself starts, and a signal ends it as it ends any.
PYTHON_SECONDS = 0.1
LEFTOVERS = ("releases/.*.partial", ".current.next", "*.tmp", ".running.json", ".malformed*")


@dataclass
class Counts:
    """What was seen: how builds ended by signal, in which step, and what broke a promise."""

    ends: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    published: int = 0
    slowest: float = 0.0
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Experiment:
    """A landing folder that is built into a warehouse, again and again."""

    landing: str
    as_of: str
    paths: WarehousePaths

    def start(self) -> subprocess.Popen[str]:
        """Start a build."""
        return subprocess.Popen(
            [KPI, "build", "--landing", self.landing, "--as-of", self.as_of, "--warehouse", str(self.paths.root)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def build(self) -> float:
        """Build to the end; returns the seconds it took. Raises AssertionError where it fails."""
        started = time.monotonic()
        process = self.start()
        _, told = process.communicate()
        assert process.returncode == 0, f"exit {process.returncode}: {told}"
        return time.monotonic() - started

    def published_run(self) -> str:
        """The run that every published path is of. Raises AssertionError where they are of several, or one is lost."""
        release = current_release(self.paths)
        assert release is not None, "no release is current"
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.paths.marts_file}' as published (read_only)")
            row = connection.execute("select run_id from published.meta.build_info").fetchone()
            marts = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'kpi'"
            ).fetchall()
            assert row is not None, "meta.build_info is empty"
            runs = {release.run_id, row[0]}
            for (mart,) in marts:
                connection.execute(f"select count(*) from published.kpi.{mart}").fetchall()
                file = str(self.paths.parquet / "kpi" / f"{mart}.parquet")
                connection.execute("select count(*) from read_parquet(?)", [file]).fetchall()
                runs |= {
                    value
                    for (value,) in connection.execute(
                        "select decode(value) from parquet_kv_metadata(?) where decode(key) = 'run_id'", [file]
                    ).fetchall()
                }
        for page in sorted(self.paths.dashboard.rglob("*.html")):
            runs |= set(re.findall(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}\b", page.read_text(encoding="utf-8")))
        assert len(runs) == 1, f"published paths are of runs {sorted(runs)}"
        return str(runs.pop())

    def fingerprint(self) -> dict[str, tuple[object, ...]]:
        """Rows and a hash of each mart of what is published."""
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.paths.marts_file}' as published (read_only)")
            names = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'kpi' "
                "order by 1"
            ).fetchall()
            return {
                name: connection.execute(
                    f"select count(*), bit_xor(hash(mart)) from published.kpi.{name} as mart"
                ).fetchall()[0]
                for (name,) in names
            }

    def status(self) -> str:
        """What `kpi status` says. Raises AssertionError where it does not end well."""
        done = subprocess.run(
            [KPI, "status", "--warehouse", str(self.paths.root)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"kpi status: exit {done.returncode}: {done.stderr}"
        return done.stdout

    def leftovers(self) -> list[str]:
        """What lies in the warehouse folder that a build that ended does not leave there."""
        return sorted(path.name for pattern in LEFTOVERS for path in self.paths.root.glob(pattern))


def interrupt(experiment: Experiment, number: signal.Signals, step: str, moment: float) -> tuple[str, int, str, float]:
    """Start a build and signal it so many seconds into a step; returns the step it was in then, how it ended, its
    stderr, and how long it took to end."""
    process = experiment.start()
    while step not in (STARTING, ANY) and process.poll() is None and step_of(experiment.paths, process.pid) != step:
        time.sleep(0.01)
    time.sleep(moment)
    now = step_of(experiment.paths, process.pid)
    process.send_signal(number)
    sent = time.monotonic()
    try:
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        _, told = process.communicate()
        told += f"did not end within {PATIENCE_SECONDS} s"
    return now, process.returncode, told, time.monotonic() - sent


def step_of(paths: WarehousePaths, pid: int) -> str:
    """The step that the build of a process is in; empty before its first and after its last."""
    running = read_running(paths)
    return str(running["step"]) if running and running["pid"] == pid else ""


def look(experiment: Experiment, number: signal.Signals, code: int, told: str) -> str:
    """Look at everything after a build that was signalled; returns the run that is published.

    Raises AssertionError naming the promise that was broken.
    """
    assert "Traceback" not in told, f"a stack trace: {told}"
    assert not is_building(experiment.paths), "the lock is held"
    run = experiment.published_run()
    status = experiment.status()
    assert f"run {run}" in status.splitlines()[0], f"status: {status}"
    running = read_running(experiment.paths)
    if number == signal.SIGKILL:
        assert code in (0, -signal.SIGKILL), f"exit {code}: {told}"
        if running is not None:
            verdict = "died after it had published" if run == running["run_id"] else "died; the next"
            assert verdict in status, f"status: {status}"
        return run
    assert code in (0, 128 + number), f"exit {code}: {told}"
    if code:
        lines = told.splitlines()
        assert len(lines) == 1 and lines[0].startswith(f"kpi: ended by {number.name}"), f"told: {told}"
        record = read_json(experiment.paths.last_run_file)
        assert record is not None and running is None, "no record"
        # a signal before the lock was taken ends no build, and tidies nothing up
        if f"ended by {number.name}" not in str(record["error"]):
            return run
        assert f"last build: {record['run_id']}" in status, f"status: {status}"
    assert not experiment.leftovers(), f"left behind: {experiment.leftovers()}"
    return run


def main() -> int:
    landing, as_of = sys.argv[1], sys.argv[2]
    kills = int(sys.argv[3]) if len(sys.argv) > 3 else 39
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    counts = Counts()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a child of a background job would ignore it
    with tempfile.TemporaryDirectory() as folder:
        experiment = Experiment(landing, as_of, WarehousePaths(Path(folder) / "warehouse"))
        seconds = experiment.build()
        record = read_json(experiment.paths.last_run_file)
        assert record is not None
        moments = {STARTING: STARTING_SECONDS, **record["seconds"], ANY: seconds}
        undisturbed = experiment.fingerprint()
        run = experiment.published_run()
        for kill in range(kills):
            number, target = SIGNALS[kill % len(SIGNALS)], list(moments)[kill % len(moments)]
            moment = rng.uniform(PYTHON_SECONDS if target == STARTING else 0, moments[target])
            step, code, told, took = interrupt(experiment, number, target, moment)
            where = f"{number.name} {moment:.2f} s into {target}, in step {step or 'none'}"
            try:
                now = look(experiment, number, code, told)
                counts.published += now != run
                run = now
                if kill % BUILDS_EVERY == BUILDS_EVERY - 1 or kill == kills - 1:
                    experiment.build()
                    run = experiment.published_run()
                    assert not experiment.leftovers(), f"left behind: {experiment.leftovers()}"
                    assert experiment.fingerprint() == undisturbed, "the next build's marts differ"
            except (AssertionError, duckdb.Error) as error:
                counts.broken.append(f"{kill + 1}: {where}: {error}")
            counts.ends[f"{number.name}: exit {code}"] += 1
            counts.steps[step or "none"] += 1
            counts.slowest = max(counts.slowest, took if number != signal.SIGKILL else 0)
            print(f"{kill + 1}: {where}: exit {code} after {took:.1f} s", flush=True)
    for broken in counts.broken:
        print(f"BROKEN {broken}")
    print(
        f"{kills} builds signalled: {dict(sorted(counts.ends.items()))}; in step {dict(sorted(counts.steps.items()))}"
    )
    print(f"of these {counts.published} had published; the slowest to end when told to took {counts.slowest:.1f} s")
    print(f"{len(counts.broken)} promises broken")
    return 1 if counts.broken else 0


if __name__ == "__main__":
    sys.exit(main())
