"""Nothing quadratic: of all the statements that the program sends to DuckDB, none joins two relations that both grow
with the business by a nested loop."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.build import gates
from orchestration.build.pipeline import Build, run_build
from orchestration.cli import _application
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.settings import Settings
from orchestration.publish.marts import republish_finance
from orchestration.sample import write_sample
from orchestration.sample.as_systems import SYSTEMS, write_sample_as
from orchestration.warehouse.connections import open_build_file, open_published
from tests.support.builds import settings_for
from tests.support.plans import Recorder, recording

# As it is where nothing is recorded.
CONNECT = duckdb.connect
AS_OF = date(2026, 10, 31)
CLOSED, OPEN = "2026-08", "2026-09"
# What does not grow with the business (patterns of schema.table), and why.
BOUNDED = {
    r"facts\.dim_(periods|dates|period_dates|forecast_periods|business_days)": "the calendar: a row a day or a period",
}


WIDE_PLANS = {
    "sales_targets": "scope,scope_value,currency,2024-01,2024-02\nteam,Wide,USD,10,20\n",
    "sales_quotas": "rep_id,currency,2020-01,2020-02\nR-001,USD,10,20\n",
    "sales_costs": "cost_type,currency,2020-01,2020-02\ntools,USD,10,20\n",
}
# What this test does not run, and why.
NOT_RUN = {
    "orchestration/load/kinds/records.py": "copies the records of one JSON file or workbook into raw",
    "orchestration/mapping/sample_rows.py": "`kpi map` looks at one file",
    "orchestration/mapping/writing.py": "`kpi map` looks at one file",
    "orchestration/publish/postgres.py": "needs a PostgreSQL; copies table by table",
    "orchestration/sample/as_systems.py": "writes the sample company",
    "orchestration/sample/files.py": "writes the sample company",
    "orchestration/scheduling/assets.py": "Dagster counts a table's rows",
    "orchestration/load/file_load.py": "begins and ends transactions",
    "orchestration/build/data_tests.py": "is named by the data tests that it sends",
}


def _land_everything(landing: Path) -> None:
    """The sample company with its dirt, another that HubSpot and Stripe deliver, and plans with a column a month:
    every source has rows."""
    write_sample(landing)
    of_systems = landing.with_name("of_systems")
    write_sample_as(of_systems, SYSTEMS, scale=1, seed=3, as_of=AS_OF, currency="USD")
    for system in SYSTEMS:
        shutil.move(of_systems / system, landing / system)
    for table, text in WIDE_PLANS.items():
        (landing / "planning" / table / "wide.csv").write_text(text, encoding="utf-8")


def _kpi(settings: Settings, *arguments: str) -> None:
    """Run a command in this process."""
    done = CliRunner().invoke(_application(), [*arguments, "--warehouse", str(settings.warehouse)])
    assert done.exit_code == 0, (arguments, done.output, done.exception)


def _change_what_was_closed(settings: Settings) -> None:
    """Make a figure of every metric and a row of every fact other than it was closed."""
    with CONNECT(str(settings.paths.build_file)) as connection:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name) from duckdb_columns() "
            "where schema_name in ('facts', 'kpi') and database_name = current_database() group by all"
        ).fetchall()
        for schema, table, columns in tables:
            if schema == "kpi" and "numerator" in columns and table != "kpi_scorecard":
                connection.execute(f"update kpi.{table} set numerator = numerator + 1")
            elif schema == "facts" and "amount" in columns:
                connection.execute(f"update facts.{table} set amount = amount + 1")


def _ask(settings: Settings, folder: Path) -> None:
    """All that reads: the commands, the drill views, the gates that compare with what is published, the edit loop."""
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
    # what has to be read with care, of a table that has rows
    careful = settings.landing / "billing" / "products" / "careful.csv"
    careful.write_text('product_id,product_name\nP-900,"two\nlines"\nP-901,"open\nP-902,One\n', encoding="utf-8")
    Build(settings).step("load")
    with open_published(settings.paths.marts_file) as connection:
        views = connection.execute("select view_name from duckdb_views() where schema_name = 'drill'").fetchall()
        assert len(views) > 40
        for (view,) in views:
            connection.execute(f"select * from drill.{view} where event_on between date '2026-09-01' and '2026-09-30'")
    of_the_build = ("--landing", str(settings.landing), "--as-of", AS_OF.isoformat())
    _kpi(settings, "build", "--only", "kpi_win_rate", *of_the_build)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Recorder:
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
    return recorder


@pytest.mark.slow
def test_no_statement_joins_what_grows_by_a_nested_loop(ran: Recorder) -> None:
    assert ran.quadratic(BOUNDED) == []
    assert ran.unexplained == []


@pytest.mark.slow
def test_every_model_and_module_that_asks_was_recorded(ran: Recorder) -> None:
    senders = {one.sender.partition(":")[0].rpartition(".sales_kpis.")[2] for one in ran.explained}
    models = {path.stem for path in (PROJECT_ROOT / "models").rglob("*.sql")}
    assert models - senders == set()
    asking = {
        str(path.relative_to(PROJECT_ROOT))
        for package in ("dashboards", "expectations", "orchestration")
        for path in (PROJECT_ROOT / package).rglob("*.py")
        if re.search(r"\.execute(many)?\(", path.read_text(encoding="utf-8"))
    }
    assert asking - senders == set(NOT_RUN)


@pytest.mark.slow
def test_what_is_declared_bounded_is_joined_so(ran: Recorder) -> None:
    assert [pattern for pattern in BOUNDED if not ran.quadratic([one for one in BOUNDED if one != pattern])] == []


# How plans are judged


@pytest.fixture
def sales() -> Iterator[tuple[Any, Recorder]]:
    """A connection that records, with sales, orders and a calendar."""
    with recording() as recorder, duckdb.connect() as connection:
        for table in ("sales", "orders", "calendar"):
            connection.execute(
                f"create table {table} as select range as id, range % 7 as kind, date '2026-01-01' + range::int as day "
                "from range(1000)"
            )
        yield connection, recorder


QUADRATIC = {
    # how publishing took 965 seconds
    "a left join with a condition on one side": (
        "select * from sales left join orders on sales.kind = 1 and sales.id = orders.id",
        "BLOCKWISE_NL_JOIN of main.sales with main.orders on ((kind = 1) AND (id = id))",
    ),
    "an or": (
        "select * from sales inner join orders on sales.id = orders.id or sales.day = orders.day",
        "BLOCKWISE_NL_JOIN of main.sales with main.orders on ((id = id) OR (day = day))",
    ),
    "no condition, behind CTEs that are kept": (
        "with a as materialized (from sales), b as materialized (from a) select * from b cross join orders",
        "CROSS_PRODUCT of main.sales with main.orders on nothing",
    ),
    "inequality, in a subquery for each row": (
        "select (select max(orders.id) from orders where orders.day <> sales.day) from sales",
        "NESTED_LOOP_JOIN of main.orders with main.sales on day != day",
    ),
    "inequality, by groups": (
        "select * from sales inner join (select day from orders group by day) as days on sales.day <> days.day",
        "NESTED_LOOP_JOIN of main.sales with main.orders on day != day",
    ),
}


@pytest.mark.parametrize("case", QUADRATIC)
def test_a_quadratic_join_is_caught_by_name(sales: tuple[Any, Recorder], case: str) -> None:
    connection, recorder = sales
    query, told = QUADRATIC[case]
    connection.cursor().execute(f'/* {{"node_id": "model.sales_kpis.made_quadratic"}} */ {query}')
    [(sender, join)] = recorder.quadratic({r"main\.calendar": "days"})
    assert (sender, str(join)) == ("model.sales_kpis.made_quadratic", told)


@pytest.mark.parametrize(
    "query",
    [
        "select * from sales left join orders on sales.id = orders.id where sales.kind = 1",
        "select * from sales inner join orders on sales.day >= orders.day and sales.id < orders.id",
        "select * from sales asof left join orders on sales.day >= orders.day",
        "select * from sales cross join (select max(id) as last from orders)",
        "select * from sales cross join (from orders order by id limit 3)",
        "select * from sales cross join calendar",
        "select * from sales inner join (values (1), (2)) as few (kind) on sales.kind <> few.kind",
        "select * from sales, duckdb_tables()",
        "insert into sales select * from orders where id = ?",
    ],
)
def test_what_is_not_quadratic_passes(sales: tuple[Any, Recorder], query: str) -> None:
    connection, recorder = sales
    connection.execute(query, [1] if "?" in query else None)
    assert recorder.quadratic({r"main\.calendar": "days"}) == []
    assert len(recorder.explained) == 4
    assert recorder.explained[-1].sender.startswith("tests/test_query_plans.py:")
