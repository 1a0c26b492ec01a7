"""Publishing under load and under fire: readers see whole builds only, and a killed build leaves nothing to repair."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from orchestration.core.errors import BuildError, UsageError
from orchestration.core.paths import WarehousePaths
from orchestration.publish.marts import Build, publish
from orchestration.publish.releases import (
    KEPT_RELEASES,
    KEPT_SECONDS,
    current_release,
    history,
    new_release,
    roll_back,
    rolled_back,
)
from orchestration.warehouse.lock import is_building, read_json
from tests.support.command import kpi, last_run
from tests.support.die_while_publishing import publish_run, published_run
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

PUBLISHES = 20
AS_OF = ("--as-of", "2026-06-30")
READER = Path(__file__).parent / "support" / "reader.py"
MARTS = 6


def write_build_file(paths: WarehousePaths, number: int, marts: int = MARTS, rows: int = 20000) -> None:
    """A build file whose marts all say the same number."""
    paths.root.mkdir(parents=True, exist_ok=True)
    paths.build_file.unlink(missing_ok=True)
    with duckdb.connect(str(paths.build_file)) as connection:
        connection.execute("create schema kpi; create schema facts; create schema drill; create schema raw")
        connection.execute(
            "create table raw.load_files "
            "(system_table varchar, row_count bigint, malformed_line_count bigint, loaded_at timestamp)"
        )
        connection.execute("create table facts.fct_events as select range as event_key, 1 as numerator from range(5)")
        connection.execute('create view drill."0" as select * from facts.fct_events')
        for mart in range(marts):
            connection.execute(
                f"create table kpi.kpi_{mart} as select 'm{mart}' as metric_id, 'run-{number}' as told, r.range as row "
                f"from range({rows}) as r"
            )
            connection.execute(f"comment on table kpi.kpi_{mart} is 'It''s a mart.'")
            connection.execute(f"comment on column kpi.kpi_{mart}.told is 'The run.'")


def publish_number(paths: WarehousePaths, number: int) -> None:
    """Publish a build file of that number."""
    write_build_file(paths, number)
    tables = {"facts": ["fct_events"], "kpi": [f"kpi_{mart}" for mart in range(MARTS)]}
    publish(paths, Build(f"run-{number}", "2026-06-30", "1", {}, tables), with_finance=False)


def test_a_reader_in_a_loop_sees_whole_builds_and_no_error(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    paths = WarehousePaths(warehouse)
    publish_number(paths, 0)
    reader = subprocess.Popen(
        [sys.executable, str(READER), str(warehouse), "--column", "told"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert reader.stdout is not None and reader.stdin is not None
    assert reader.stdout.readline().strip() == "reading"
    for number in range(1, PUBLISHES):
        publish_number(paths, number)
    told, _ = reader.communicate("stop\n", timeout=60)
    assert reader.returncode == 0, told
    reads, builds = (int(word) for word in told.split())
    assert reads >= PUBLISHES
    assert builds > 1


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small `landing`, and the `warehouse` built of it; each test takes a copy."""
    folder = tmp_path_factory.mktemp("publish")
    Landing(folder / "landing").add_parents()
    ended = kpi(*build_command(folder))
    assert ended.exit_code == 0, ended.err
    return folder


def build_command(folder: Path) -> list[str]:
    return ["build", "--landing", str(folder / "landing"), "--warehouse", str(folder / "warehouse"), *AS_OF]


def test_a_killed_build_leaves_what_was_published_and_nothing_to_repair(built: Path, tmp_path: Path) -> None:
    """One moment of many: benchmarks/kills.py takes hours of them."""
    folder = tmp_path / "company"
    shutil.copytree(built, folder, symlinks=True)
    warehouse = folder / "warehouse"
    seconds = sum(last_run(warehouse)["seconds"].values())
    before = marts(warehouse / "marts.duckdb")
    moment = random.Random(os.getpid()).uniform(0.1, 1) * seconds
    process = subprocess.Popen(
        [Path(sys.executable).parent / "kpi", *build_command(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert marts(warehouse / "marts.duckdb") == before, f"killed after {moment:.1f} s"
    if process.returncode == -signal.SIGKILL and (warehouse / ".running.json").exists():
        assert "died" in kpi("status", "--warehouse", warehouse).out
    ended = kpi(*build_command(folder))
    assert ended.exit_code == 0, ended.err
    assert marts(warehouse / "marts.duckdb") == before
    assert not list(warehouse.glob(".kpi.*"))


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_build_that_is_told_to_end_says_so_in_a_line(tmp_path: Path, number: signal.Signals, exit_code: int) -> None:
    landing = Landing(tmp_path / "landing")
    landing.add_parents()
    paths = WarehousePaths(tmp_path / "warehouse")
    command = ["build", "--landing", str(landing.folder), "--warehouse", str(paths.root), "--as-of", "2026-06-30"]
    process = subprocess.Popen(
        [Path(sys.executable).parent / "kpi", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while (running := read_json(paths.running_file)) is None or running["step"] != "staging":
        time.sleep(0.05)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == exit_code
    assert told == f"kpi: ended by {number.name}; what was published stays as it was\n"
    record = last_run(paths.root)
    assert (record["exit_code"], record["error"]) == (exit_code, f"ended by {number.name}")
    assert not is_building(paths)
    assert not paths.running_file.exists()


def test_later_days_are_taken_away_only_where_that_is_asked_for(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    landing.add_parents()
    paths = WarehousePaths(tmp_path / "warehouse")
    with new_release(paths, "run-1", "run-1", "2026-07-31"):
        pass
    command: list[str | Path] = [
        "build", "--landing", landing.folder, "--warehouse", paths.root, "--as-of", "2026-06-30",
    ]  # fmt: skip
    refused = kpi(*command)
    assert refused.exit_code == 2
    assert refused.err.startswith(
        "kpi: what is published counts up to 2026-07-31, this build would only up to 2026-06-30"
    )
    # a build that never began is no last build
    assert kpi("build", "--landing", tmp_path / "nowhere", "--warehouse", paths.root).exit_code == 3
    assert not paths.last_run_file.exists()
    assert kpi(*command, "--publish-earlier").exit_code == 0
    release = current_release(paths)
    assert release is not None and release.as_of_date == "2026-06-30"
    # salaries and quotas are in these files
    for path in (paths.marts_file, paths.build_file, paths.releases / release.name):
        assert path.stat().st_mode & 0o077 == 0, path


def marts(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all published marts, but which run they are of."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'kpi' "
            "order by 1"
        ).fetchall()
        return {name: connection.execute(f"from published.kpi.{name} order by all").fetchall() for (name,) in names}


@pytest.mark.parametrize(("how", "least"), [("die", 60), ("told", 60)])
def test_whatever_operation_a_publish_ends_at_one_whole_release_is_published(
    tmp_path: Path, how: str, least: int
) -> None:
    """Every file operation and statement of a publish in turn: killed before it, or told to end after it."""
    write_build_file(WarehousePaths(tmp_path), 0, marts=2, rows=10)
    assert die_while_publishing(tmp_path, "-", how) >= least


@pytest.mark.parametrize(("how", "least", "every"), [("die", 50, 1), ("full", 25, 1), ("told", 60, 3)])
def test_wherever_a_build_ends_behind_its_last_gate_status_says_what_is_so(
    built: Path, tmp_path: Path, how: str, least: int, every: int
) -> None:
    """Every file operation from the last gate to the end of the build in turn (told to end: every third).

    The gate after kpi goes on comparing with figures and settings of what is published.
    """
    warehouse = tmp_path / "warehouse"
    shutil.copytree(built / "warehouse", warehouse, symlinks=True)
    assert die_while_publishing(warehouse, str(built / "landing"), how, every) >= least


def die_while_publishing(warehouse: Path, landing: str, how: str, every: int = 1) -> int:
    """How many operations there were; tests/support/die_while_publishing.py looks at what each left."""
    module = "tests.support.die_while_publishing"
    script = [sys.executable, "-m", module, str(warehouse), landing, how, str(every)]
    ended = subprocess.run(script, capture_output=True, text=True, timeout=600, cwd=Path(__file__).parent.parent)
    assert ended.returncode == 0, ended.stderr
    operations, published = ended.stdout.split()
    assert int(published) > 0
    return int(operations)


class TestRelease:
    @pytest.fixture
    def paths(self, tmp_path: Path) -> WarehousePaths:
        return WarehousePaths(tmp_path / "warehouse")

    def test_the_database_reads_as_it_stands_and_under_another_name(self, paths: WarehousePaths) -> None:
        publish_number(paths, 1)
        with duckdb.connect(str(paths.marts_file), read_only=True) as connection:
            assert connection.execute("select count(*), min(told) from kpi.kpi_1").fetchall() == [(20000, "run-1")]
            assert connection.execute('select sum(numerator) from drill."0"').fetchall() == [(5,)]
            assert connection.execute("select run_id from meta.build_info").fetchall() == [("run-1",)]
        with duckdb.connect() as connection:
            connection.execute(f"attach '{paths.marts_file}' as elsewhere (read_only)")
            assert connection.execute('select sum(numerator) from elsewhere.drill."0"').fetchall() == [(5,)]
            comments = connection.execute(
                "select comment from duckdb_tables() where table_name = 'kpi_1' "
                "union all select comment from duckdb_columns() where table_name = 'kpi_1' and column_name = 'told'"
            ).fetchall()
        assert comments == [("It's a mart.",), ("The run.",)]

    def test_what_fails_while_a_release_is_written_leaves_no_trace(self, paths: WarehousePaths) -> None:
        publish_number(paths, 1)
        with pytest.raises(ValueError, match="boards"), new_release(paths, "run-2", "run-2", "2026-06-30") as folder:
            (folder / "half").touch()
            raise ValueError("no boards")
        assert current_release(paths) is not None
        assert sorted(path.name for path in paths.releases.iterdir()) == ["history.jsonl", "run-1"]

    def test_a_release_that_would_not_fit_is_not_begun(
        self, paths: WarehousePaths, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        publish_number(paths, 1)
        size = sum(path.stat().st_size for path in paths.current.resolve().rglob("*") if path.is_file())
        usage = shutil.disk_usage(paths.root)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=size))
        with pytest.raises(BuildError, match=r"no room to publish: a release takes about \d+ MB, .* has \d+ MB free"):
            publish_number(paths, 2)
        assert current_release(paths) is not None and current_release(paths).run_id == "run-1"  # type: ignore[union-attr]
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2 * size))
        publish_number(paths, 3)

    def test_a_rollback_is_recorded_and_holds_until_the_next_release(self, paths: WarehousePaths) -> None:
        for number in (1, 2):
            publish_number(paths, number)
        now, before = roll_back(paths, "kim")
        assert (now.run_id, before.run_id) == ("run-1", "run-2")
        back = rolled_back(paths)
        assert back is not None
        assert (back.release, back.replaced, back.by) == ("run-1", "run-2", "kim")
        with duckdb.connect(str(paths.marts_file), read_only=True) as connection:
            assert connection.execute("select told from kpi.kpi_0 limit 1").fetchall() == [("run-1",)]
        publish_number(paths, 3)
        assert rolled_back(paths) is None
        assert [(switch.action, switch.release) for switch in history(paths)] == [
            ("publish", "run-1"), ("publish", "run-2"), ("rollback", "run-1"), ("publish", "run-3"),
        ]  # fmt: skip
        # the bad one is not what came before
        assert roll_back(paths)[0].run_id == "run-1"

    def test_there_is_nothing_to_roll_back_to_before_the_first(self, paths: WarehousePaths) -> None:
        with pytest.raises(UsageError, match=r"nothing is published in .* nothing to roll back"):
            roll_back(paths)
        publish_number(paths, 1)
        with pytest.raises(UsageError, match="no release before run-1 is kept"):
            roll_back(paths)

    def test_a_release_of_the_same_build_is_not_what_came_before_it(self, paths: WarehousePaths) -> None:
        for number in (1, 2):
            publish_number(paths, number)
        with new_release(paths, "run-2-2", "run-2", "2026-06-30"):
            pass
        assert roll_back(paths)[0].run_id == "run-1"

    def test_replaced_releases_stay_for_their_readers_and_then_go(self, paths: WarehousePaths) -> None:
        for number in range(KEPT_RELEASES + 3):
            publish_number(paths, number)
        folders = [path for path in paths.releases.iterdir() if path.is_dir()]
        assert len(folders) == KEPT_RELEASES + 3
        for folder in folders:
            os.utime(folder, (0, time.time() - KEPT_SECONDS - 1))
        publish_number(paths, 9)
        kept = {path.name for path in paths.releases.iterdir() if path.is_dir()}
        # the one that was just replaced is stamped anew
        assert kept == {"run-9", *(f"run-{number}" for number in (3, 4))}

    def test_leftovers_of_a_publish_that_died_go(self, paths: WarehousePaths) -> None:
        (paths.releases / ".run-dead.partial").mkdir(parents=True)
        publish_number(paths, 1)
        assert sorted(path.name for path in paths.releases.iterdir()) == ["history.jsonl", "run-1"]

    def test_what_was_published_before_there_were_releases_gives_way(self, paths: WarehousePaths) -> None:
        write_build_file(paths, 1)
        (paths.root / "parquet" / ".builds" / "run-0").mkdir(parents=True)
        (paths.root / "dashboard").mkdir()
        (paths.root / "dashboard" / "index.html").touch()
        for name in ("kpi.duckdb", "facts.duckdb", "semantic_manifest.json"):
            (paths.root / name).touch()
        publish_run(paths, "run-1")
        assert published_run(paths) == "run-1"
        assert sorted(path.name for path in paths.root.iterdir()) == [
            "build.duckdb", "current", "dashboard", "marts.duckdb", "parquet", "releases",
        ]  # fmt: skip
