"""The sample company through the `kpi` command, as a user runs it, and what stands in the warehouse afterwards."""

from __future__ import annotations

import csv
import io
import os
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.core.contract import source_tables
from tests.reference import Result, compare, compute, differing_books
from tests.support import command, safe_to_sum
from tests.support.command import last_run

pytestmark = pytest.mark.slow

AS_OF = date(2026, 10, 31)
EARLIER = date(2026, 7, 15)
NOT_MARTS = ("build_info",)
Rows = dict[str, list[tuple[Any, ...]]]


def kpi(*arguments: str | Path, exit_code: int = 0, cwd: Path | None = None, **environment: str) -> str:
    """What the command prints, in a terminal of 200 columns."""
    done = command.kpi(*arguments, cwd=cwd, COLUMNS="200", DO_NOT_TRACK="1", **environment)
    assert done.exit_code == exit_code, done.out + done.err
    return done.out


def build(landing: Path, warehouse: Path, as_of: date, dashboard: str = "false") -> str:
    """A build as somebody runs it from a folder that is not the project's, with paths relative to it."""
    elsewhere = landing.parent
    folders = ("--landing", os.path.relpath(landing, elsewhere), "--warehouse", os.path.relpath(warehouse, elsewhere))
    return kpi("build", *folders, "--as-of", as_of.isoformat(), cwd=elsewhere, KPI_DASHBOARD=dashboard)


def published(warehouse: Path) -> Rows:
    """All rows of everything published, in the order they lie in."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse / 'marts.duckdb'}' as published (read_only)")
        connection.execute("use published")
        of_schema = "select table_name from duckdb_tables() where schema_name = 'kpi'"
        names = [name for (name,) in connection.execute(of_schema).fetchall()]
        return {
            name: connection.execute(f"from kpi.{name}").fetchall() for name in sorted(names) if name not in NOT_MARTS
        }


def values(text: str) -> dict[str, list[str]]:
    """The rows of a printed table, by their first cell."""
    lines = [line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│")]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "landing"
    told = kpi("sample", "--scale", "1", "--as-of", AS_OF.isoformat(), folder)
    assert f"build it with: kpi build --landing {folder} --as-of {AS_OF}" in told
    return folder


class Built:
    """A warehouse of the sample company, what its first build printed and published, and what it ought to be."""

    def __init__(self, landing: Path, warehouse: Path) -> None:
        self.landing, self.warehouse = landing, warehouse
        self.told = build(landing, warehouse, AS_OF, dashboard="true")
        self.first_run = last_run(warehouse)
        self.marts = published(warehouse)
        self.expected: Result = compute(landing, as_of=AS_OF)


@pytest.fixture(scope="module")
def built(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(landing, tmp_path_factory.mktemp("built") / "warehouse")


def test_the_run_is_on_record(built: Built) -> None:
    run = built.first_run
    files = sum(1 for path in built.landing.rglob("*") if path.is_file())
    assert run["exit_code"] == 0 and run["error"] is None
    assert run["as_of_date"] == "2026-10-31"
    assert run["settings"]["revenue_basis"] == "billing"
    assert run["files"]["seen"] == files == run["files"]["loaded"] + run["files"]["known_already"]
    assert run["published"] == str(built.warehouse / "marts.duckdb")
    assert run["started_at"] <= run["finished_at"]
    assert all(gate["passed"] for gate in run["gates"])
    assert set(run["tables"]) == {table.label for table in source_tables()}


def test_the_books_balance_in_the_record_and_are_the_references(built: Built) -> None:
    for table, book in built.first_run["tables"].items():
        told = {name: book[name] for name in ("read", "current", "superseded", "quarantined", "deleted")}
        assert told["read"] == told["current"] + told["superseded"] + told["quarantined"] + told["deleted"], table
        assert told == vars(built.expected.books[table]), table
    assert sum(book["quarantined"] for book in built.first_run["tables"].values()) == len(built.expected.quarantine) > 0


def test_every_mart_and_every_row_set_aside_is_the_references(built: Built) -> None:
    assert differing_books(built.expected, built.warehouse / "build.duckdb") == []
    assert compare(built.expected, built.warehouse / "marts.duckdb") == []


def test_parquet_holds_what_the_database_holds(built: Built) -> None:
    files = {path.stem: path for path in (built.warehouse / "parquet" / "kpi").glob("*.parquet")}
    assert files.keys() == built.marts.keys()
    for name, path in files.items():
        assert duckdb.execute("from read_parquet(?)", [str(path)]).fetchall() == built.marts[name], name


def test_what_the_docs_call_safe_to_sum_adds_up(built: Built) -> None:
    assert safe_to_sum.differences(built.warehouse / "marts.duckdb") == []


def test_the_build_ends_with_its_scorecard(built: Built) -> None:
    september = built.expected.marts["revenue"]["month", date(2026, 9, 1), "all", "all"]
    headline = values(built.told)["Revenue"]
    told = (september.metric_value, september.prior_period_value, september.prior_year_value, september.target_value)
    assert headline == [f"{float(value):,.2f}" for value in told if value is not None]
    read = sum(book.read for book in built.expected.books.values())
    assert f"{read:,} rows read so far, {len(built.expected.quarantine):,} set aside" in built.told


def test_show_prints_the_last_periods_of_a_metric(built: Built) -> None:
    text = kpi("show", "revenue", "--warehouse", built.warehouse, "--last", "3")
    mart = built.expected.marts["revenue"]
    expected = {}
    for month, name in ((8, "2026-08"), (9, "2026-09"), (10, "2026-10 (so far)")):
        row = mart["month", date(2026, month, 1), "all", "all"]
        told = (row.metric_value, row.prior_period_value, row.prior_year_value, row.target_value)
        expected[name] = ["-" if value is None else f"{float(value):,.2f}" for value in told]
    assert values(text) == expected
    assert re.search(r"^[▁▂▃▄▅▆▇█]{3}$", text, re.MULTILINE)


def test_show_prints_a_cut_by_member(built: Built) -> None:
    by_year = kpi("show", "win_rate", "--grain", "year", "--warehouse", built.warehouse)
    assert by_year.count("Year before") == 1
    text = kpi("show", "win_rate", "--by", "team", "--grain", "quarter", "--warehouse", built.warehouse)
    latest = {
        key[3]: row
        for key, row in built.expected.marts["win_rate"].items()
        if key[:3] == ("quarter", date(2026, 10, 1), "team")
    }
    shown = {team: cells[0] for team, cells in values(text).items() if cells[0] != "-"}
    assert shown == {team: f"{row.metric_value:.1%}" for team, row in latest.items() if row.metric_value is not None}


def test_show_writes_a_marts_rows_for_other_programs(built: Built) -> None:
    told = kpi("show", "revenue", "--by", "team", "--last", "2", "--format", "csv", "--warehouse", built.warehouse)
    read = list(csv.DictReader(io.StringIO(told)))
    mart = {
        (str(start), value): row.metric_value
        for (grain, start, cut, value), row in built.expected.marts["revenue"].items()
        if grain == "month" and cut == "team"
    }
    last = sorted({start for start, _ in mart})[-2:]
    expected = {key: value for key, value in mart.items() if key[0] in last}
    shown = {(row["period_start"], row["dimension_value"]): Decimal(row["metric_value"]) for row in read}
    assert shown.keys() == expected.keys() and len(shown) == len(read)
    assert all(abs(shown[key] - Decimal(str(expected[key]))) < Decimal("0.005") for key in shown)
    kpi("show", "quota_attainment", "--grain", "week", "--format", "json", "--warehouse", built.warehouse, exit_code=2)


def test_status_says_what_is_published(built: Built) -> None:
    run = last_run(built.warehouse)
    lines = kpi("status", "--warehouse", built.warehouse).splitlines()
    assert lines[0].startswith(
        f"published: {built.warehouse / 'marts.duckdb'}, {len(built.marts)} marts as of 2026-10-31, "
    )
    assert lines[0].endswith(f"run {run['run_id']}")
    assert f"last build: {run['run_id']}, ended {run['finished_at']}, published" in lines


def test_quarantine_lists_every_row_set_aside_with_its_reasons(built: Built) -> None:
    everything = kpi("quarantine", "--limit", "100000", "--warehouse", built.warehouse)
    listed = re.findall(r"^([a-z]+\.[a-z_]+) (.+):(\d+) ([a-z_, ]+?)(?: \(repaired: .+\))?$", everything, re.MULTILINE)
    assert everything.startswith(f"{len(built.expected.quarantine):,} rows quarantined:")
    assert sorted((table, file, int(line), set(why.split(", "))) for table, file, line, why in listed) == sorted(
        (row.table, row.file, row.line, set(row.reasons)) for row in built.expected.quarantine
    )
    of_one = kpi("quarantine", "--limit", "2", "--table", "billing.orders", "--warehouse", built.warehouse)
    count = built.expected.books["billing.orders"].quarantined
    assert count > 2 and of_one.startswith(f"{count} rows quarantined, the first 2:")
    assert len(re.findall(r"^billing\.orders ", of_one, re.MULTILINE)) == 2


def test_a_build_on_earlier_books_then_one_with_nothing_new_publish_what_one_alone_does(
    built: Built, tmp_path: Path
) -> None:
    warehouse = tmp_path / "warehouse"
    build(built.landing, warehouse, EARLIER)
    assert last_run(warehouse)["as_of_date"] == EARLIER.isoformat()
    build(built.landing, warehouse, AS_OF)
    run = last_run(warehouse)
    assert run["run_id"] != built.first_run["run_id"]
    assert run["files"]["loaded"] == 0 and run["files"]["known_already"] == run["files"]["seen"]
    assert run["tables"] == built.first_run["tables"]
    assert_same(published(warehouse), built.marts)


def assert_same(marts: Rows, expected: Rows) -> None:
    assert marts.keys() == expected.keys()
    assert [name for name, rows in marts.items() if rows != expected[name]] == []
