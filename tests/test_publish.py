"""Publishing under load and under fire: readers see whole builds only, and a killed build leaves nothing to repair."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.publish.marts import publish
from tests.conftest import Landing
from tests.test_bad_files import contents, kpi, last_run

PUBLISHES = 20
KILLS = 1
READER = Path(__file__).parent / "reader.py"
MARTS = 6


def build_file(folder: Path, number: int) -> Path:
    """A build file whose marts all say the same number."""
    path = folder / f"build-{number}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema kpi")
        for mart in range(MARTS):
            connection.execute(
                f"create table kpi.kpi_{mart} as select 'm{mart}' as metric_id, 'run-{number}' as told, r.range as row "
                "from range(20000) as r"
            )
    return path


def test_a_reader_in_a_loop_sees_whole_builds_and_no_error(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    warehouse.mkdir()
    marts = [f"kpi_{mart}" for mart in range(MARTS)]
    files = [build_file(tmp_path, number) for number in range(PUBLISHES)]

    def publish_number(number: int) -> None:
        publish(
            files[number], warehouse, marts,
            run_id=f"run-{number}", as_of="2026-06-30", code_version="1", settings={}, with_finance=False,
        )  # fmt: skip

    publish_number(0)
    reader = subprocess.Popen(
        [sys.executable, str(READER), str(warehouse), "told"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert reader.stdout is not None and reader.stdin is not None
    assert reader.stdout.readline().strip() == "reading"
    for number in range(1, PUBLISHES):
        publish_number(number)
    told, _ = reader.communicate("stop\n", timeout=60)
    assert reader.returncode == 0, told
    reads, builds = (int(word) for word in told.split())
    assert reads >= PUBLISHES
    assert builds > 1


def test_a_killed_build_leaves_what_was_published_and_nothing_to_repair(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    landing.add_parents()
    warehouse = tmp_path / "warehouse"
    build = ["build", "--landing", str(landing.folder), "--warehouse", str(warehouse), "--as-of", "2026-06-30"]
    assert kpi(*build).exit_code == 0
    seconds = sum(last_run(warehouse)["seconds"].values())
    before = marts(warehouse / "kpi.duckdb")
    rng = random.Random(os.getpid())
    for kill in range(KILLS):
        published = contents(warehouse)
        moment = rng.uniform(0.1, 1) * seconds
        process = subprocess.Popen(
            [Path(sys.executable).parent / "kpi", *build], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert marts(warehouse / "kpi.duckdb") == before, f"killed after {moment:.1f} s"
        if process.returncode == -signal.SIGKILL and (warehouse / ".running.json").exists():
            assert "died" in kpi("status", "--warehouse", warehouse).out
            if kill < KILLS - 1:
                assert published.keys() <= contents(warehouse).keys()
    ended = kpi(*build)
    assert ended.exit_code == 0, ended.err
    assert marts(warehouse / "kpi.duckdb") == before
    assert not list(warehouse.glob(".kpi.*"))


def marts(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all published marts, but which run they are of."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'kpi' "
            "and table_name <> 'build_info' order by 1"
        ).fetchall()
        return {name: connection.execute(f"from published.kpi.{name} order by all").fetchall() for (name,) in names}


@pytest.mark.parametrize("name", ["kpi.duckdb", "parquet"])
def test_no_leftover_of_a_died_publish_stays(tmp_path: Path, name: str) -> None:
    warehouse = tmp_path / "warehouse"
    (warehouse / "parquet" / ".builds" / "run-dead.partial").mkdir(parents=True)
    (warehouse / ".kpi.run-dead.duckdb").touch()
    for number in range(3):
        path = build_file(tmp_path, number)
        publish(
            path, warehouse, [f"kpi_{mart}" for mart in range(MARTS)],
            run_id=f"run-{number}", as_of="2026-06-30", code_version="1", settings={}, with_finance=False,
        )  # fmt: skip
    left = {path.name for path in warehouse.iterdir()} | {
        path.name for path in (warehouse / "parquet" / ".builds").iterdir()
    }
    assert not {entry for entry in left if "dead" in entry}
    assert (warehouse / name).exists()
