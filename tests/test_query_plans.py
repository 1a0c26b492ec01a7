"""Nothing quadratic: of all the statements that the program sends to DuckDB, none joins two relations that both grow
with the business by a nested loop."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.build import gates
from orchestration.build.pipeline import LAYERS, run_build
from orchestration.build.transform import DbtProject
from orchestration.cli import _application
from orchestration.core.settings import Settings
from orchestration.publish.marts import republish_finance
from orchestration.sample import write_sample
from orchestration.sample.as_systems import SYSTEMS, write_sample_as
from orchestration.warehouse.connections import open_build_file, open_published
from tests.support.builds import settings_for
from tests.support.plans import QuadraticJoin, Recorder, quadratic_joins, recording

AS_OF = date(2026, 10, 31)
CLOSED, OPEN = "2026-08", "2026-09"
# What does not grow with the business (patterns of schema.table), and why.
BOUNDED = {
    r"facts\.dim_(periods|dates|period_dates|forecast_periods|business_days)": "the calendar: a row a day or a period",
}


def _land_everything(landing: Path) -> None:
    """The sample company with its dirt, and another that HubSpot and Stripe deliver: every source has rows."""
    write_sample(landing)
    of_systems = landing.with_name("of_systems")
    write_sample_as(of_systems, SYSTEMS, scale=1, seed=3, as_of=AS_OF, currency="USD")
    for system in SYSTEMS:
        shutil.move(of_systems / system, landing / system)


def _kpi(settings: Settings, *arguments: str) -> None:
    """Run a command in this process."""
    done = CliRunner().invoke(_application(), [*arguments, "--warehouse", str(settings.warehouse)])
    assert done.exit_code == 0, (arguments, done.output, done.exception)


def _change_what_was_closed(settings: Settings) -> None:
    """Make a figure of every metric and a row of every fact other than it was closed."""
    with _unrecorded(settings.paths.build_file) as connection:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name) from duckdb_columns() "
            "where schema_name in ('facts', 'kpi') and database_name = current_database() group by all"
        ).fetchall()
        for schema, table, columns in tables:
            if schema == "kpi" and "numerator" in columns and table != "kpi_scorecard":
                connection.execute(f"update kpi.{table} set numerator = numerator + 1")
            elif schema == "facts" and "amount" in columns:
                connection.execute(f"update facts.{table} set amount = amount + 1")


def _unrecorded(path: Path) -> duckdb.DuckDBPyConnection:
    return _connect(str(path))


_connect = duckdb.connect


def _ask(settings: Settings, folder: Path) -> None:
    """All that reads: the commands, the drill views, the gates that compare with what is published."""
    for metric in ("revenue", "win_rate"):
        _kpi(settings, "show", metric)
        _kpi(settings, "show", metric, "--by", "sales_rep", "--format", "csv")
    for command in (["status"], ["quarantine"], ["identities"], ["verify"], ["dashboard"]):
        _kpi(settings, *command)
    for month in (CLOSED, OPEN):
        _kpi(settings, "export", month, "--format", "xlsx", "--to", str(folder))
    with open_build_file(settings.paths.build_file) as connection:
        for gate in ("after_load", "after_kpi"):
            gates.prepare(connection, gate, settings)
    with open_published(settings.paths.marts_file) as connection:
        views = connection.execute("select view_name from duckdb_views() where schema_name = 'drill'").fetchall()
        assert len(views) > 40
        for (view,) in views:
            connection.execute(f"select * from drill.{view} where event_on between date '2026-09-01' and '2026-09-30'")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """What is sent while a company with every source is built, a month closed, finance published again after figures
    of every metric changed, and everything read."""
    folder = tmp_path_factory.mktemp("plans")
    _land_everything(folder / "landing")
    settings = settings_for(folder / "landing", folder / "warehouse", as_of_date=AS_OF, dashboard=True)
    with recording() as recorder:
        run_build(settings)
        _kpi(settings, "close", CLOSED, "--who", "ann")
        _change_what_was_closed(settings)
        republish_finance(settings.paths)
        _ask(settings, folder)
    yield recorder


def test_report(ran: Recorder) -> None:
    import pickle
    pickle.dump(ran, open("/tmp/plan_rec.pkl", "wb"))
