"""The gates: what closes each of them, and that nothing comes after a closed one."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pytest

import expectations.families
from expectations.families import GATES, read_families
from expectations.runner import GateResult, GateRunner
from orchestration.build import gates
from orchestration.build.transform import DbtProject
from orchestration.core.contract import PROJECT_ROOT, source_tables
from orchestration.core.errors import BuildError, GateClosedError
from orchestration.core.settings import Settings
from tests.support.builds import AS_OF, build, settings_for
from tests.support.command import contents, last_run
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

RunPython = Callable[[str], str]
# More than the gates need to compare one build with the next.
SALES = 1200
STEPS_AFTER = {
    "after_load": ("staging", "after_staging", "facts", "after_facts", "kpi", "after_kpi", "publish"),
    "after_staging": ("facts", "after_facts", "kpi", "after_kpi", "publish"),
    "after_facts": ("kpi", "after_kpi", "publish"),
    "after_kpi": ("publish",),
}


class Business:
    """A business with enough sales to be compared, built and published once; each test takes a copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.landing = Landing(folder / "landing")
        self.warehouse = folder / "warehouse"

    def copy(self, folder: Path) -> Business:
        shutil.copytree(self.folder, folder, symlinks=True)
        return Business(folder)

    def deliver_sales(self, file: str, **values: str) -> None:
        """All sales of the year before the as-of date, three or four a day."""
        days = [AS_OF - timedelta(days=number % 365) for number in range(SALES)]
        self.landing.add(
            "billing.orders",
            *({"order_id": f"S{n}", "ordered_at": day.isoformat(), **values} for n, day in enumerate(days)),
            file=file,
        )

    def build(self, **settings: Any) -> None:
        build(self.landing, self.warehouse, **settings)

    def settings(self) -> Settings:
        return settings_for(self.landing.folder, self.warehouse)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Business:
    folder = tmp_path_factory.mktemp("gates") / "business"
    (folder / "landing").mkdir(parents=True)
    business = Business(folder)
    business.landing.add_parents()
    business.deliver_sales("sales.csv", account_id="A1", rep_id="R1", updated_at="2026-07-01")
    business.landing.add(
        "billing.order_items",
        *({"order_item_id": f"I{n}", "order_id": f"S{n}", "unit_price": "12.34"} for n in range(SALES)),
    )
    for table in ("crm.activities", "crm.leads", "support.inquiries", "support.csat_responses", "planning.fx_rates"):
        business.landing.add(table, {})
    business.landing.add("billing.refunds", {"order_id": "S1", "amount": "2"})
    # a line that is not CSV: set aside once, and no row that vanished for the builds to come
    business.landing.add_file(
        "billing.order_items",
        f"order_item_id,order_id,product_id,quantity,unit_price\nI{SALES},S1,P1,1,0\ntoo,many,values,for,a,line\n",
        "odd.csv",
    )
    business.build()
    return business


class TestAClosedGate:
    """Each through the real job: nothing after it runs, what was published stays, and the message says it all."""

    def assert_closes(self, business: Business, gate: str, *told: str, **settings: Any) -> None:
        before = contents(business.warehouse)
        with pytest.raises(GateClosedError) as closed:
            business.build(**settings)
        assert closed.value.exit_code == 4
        assert contents(business.warehouse) == before
        run = last_run(business.warehouse)
        assert not set(run["seconds"]) & set(STEPS_AFTER[gate])
        assert [entry["gate"] for entry in run["gates"] if not entry["passed"]] == [gate]
        message = str(closed.value)
        assert message.startswith(f"the gate {gate.replace('_', ' ')} closed: ")
        for part in told:
            assert part in message
        page = Path(run["gates"][-1]["failures"][0]["data_docs"])
        assert f"details: {page}" in "\n".join(closed.value.details)
        assert "Failed" in page.read_text(encoding="utf-8")
        assert Path(run["gates"][-1]["data_docs"]).name == "index.html"

    def test_after_load_when_rows_have_vanished(self, published: Business, tmp_path: Path) -> None:
        business = published.copy(tmp_path / "business")
        with duckdb.connect(str(business.warehouse / "build.duckdb")) as connection:
            connection.execute("delete from raw.billing__orders where order_id = 'S7'")
            connection.execute("update raw.load_files set row_count = row_count - 1 where file_name = 'sales.csv'")
        self.assert_closes(
            business, "after_load", "billing.orders: expect_column_values_to_be_between(kept_share)",
            "observed 0.999167, limit no fewer rows than at the last published run",
        )  # fmt: skip

    def test_after_staging_when_too_much_is_set_aside(self, published: Business, tmp_path: Path) -> None:
        business = published.copy(tmp_path / "business")
        business.landing.add("crm.leads", {"created_at": "yesterday"}, file="bad.csv")
        self.assert_closes(
            business, "after_staging", "crm.leads: expect_column_values_to_be_between(quarantined_share)",
            "observed 0.333333, limit at most 0.01 (setting quarantine_threshold)",
            "(1 of 3 rows quarantined: invalid_created_at 1: 'yesterday' bad.csv:2; an instant is written ",
        )  # fmt: skip

    def test_after_facts_when_a_date_is_beyond_reason(self, published: Business, tmp_path: Path) -> None:
        business = published.copy(tmp_path / "business")
        business.landing.add("billing.orders", {"ordered_at": "0202-01-01"}, file="typo.csv")
        self.assert_closes(
            business, "after_facts", "fct_sales: expect_column_values_to_be_between(earliest of sold_on)",
            "observed 0202-01-01", "limit at least 1990-01-01", f"(1 of {SALES + 2} rows)",
        )  # fmt: skip

    def test_after_kpi_when_past_months_lose_most_of_what_was_published(
        self, published: Business, tmp_path: Path
    ) -> None:
        business = published.copy(tmp_path / "business")
        business.deliver_sales("canceled.csv", account_id="A1", status="canceled", updated_at="2026-07-02")
        self.assert_closes(
            business, "after_kpi", "kpi_average_order_value: expect_column_values_to_be_between(kept_share)",
            "limit past months keep half of what was published, or more",
        )  # fmt: skip
        business.build(acknowledged=("average_order_value", "new_customers", "revenue"))
        assert last_run(business.warehouse)["exit_code"] == 0


# A fault of the layer before, the gate that must see it, and what it must say: table, family or column, observed.
FAULTS: list[tuple[str, str, str]] = [
    ("after_load", "update raw.load_files set row_count = 7", "crm.accounts: ...(unaccounted_rows): observed -6"),
    ("after_load", "alter table raw.crm__deals drop amount", "crm.deals: ...(missing_columns): observed amount"),
    ("after_load", "alter table raw.crm__deals add colour text", "crm.deals: ...(other_columns): observed colour"),
    ("after_staging", "update staging.load_books set rows_current = 0", "crm.deals: ...(unbalanced_rows): observed 1"),
    ("after_facts", "delete from facts.fct_leads", "fct_leads: ...(rows): observed rows_before 2, rows_after 0"),
    (
        "after_facts", "update facts.fct_sales set amount = amount + 0.01 where sale_id = 'S1'",
        "fct_sales: ...(money): observed money_before 14,808, money_after 14,808.01",
    ),
    (
        "after_facts", "delete from facts.fct_revenue_lines where line_type = 'refund'",
        "fct_revenue_lines: ...(money of refunds): observed money_before 2, money_after 0",
    ),
    (
        "after_facts", "update facts.fct_csat_responses set score = 6",
        "fct_csat_responses: ...(largest of score): observed 6, limit at most 5 (1 of 1 rows)",
    ),
    (
        "after_kpi", "delete from kpi.kpi_revenue where period_grain = 'week' and dimension = 'all' "
        "and period_start = '2026-03-02'", "kpi_revenue: ...(periods_wrong): observed 1, limit one row of all for "
        "every period, without a gap (the first: week 2026-03-02)",
    ),
    (
        "after_kpi", "update kpi.kpi_revenue set numerator = numerator + 0.01 where period_grain = 'month' "
        "and dimension = 'all' and period_start = '2026-03-01'", "kpi_revenue: ...(totals): observed of_facts 14,806",
    ),
    ("after_kpi", "update kpi.kpi_csat set metric_value = 65", "kpi_csat: ...(largest): observed 65, limit at most 1"),
    (
        "after_kpi", "delete from kpi.kpi_scorecard where metric_id = 'csat'",
        "kpi_scorecard: ...(metrics_missing): observed 1, limit every metric of the catalogue has rows (csat)",
    ),
]  # fmt: skip


class TestFaults:
    @pytest.mark.parametrize(("gate", "fault", "told"), FAULTS, ids=[f"{gate}: {fault}" for gate, fault, _ in FAULTS])
    def test_a_fault_closes_the_gate_behind_it(
        self, published: Business, tmp_path: Path, gate: str, fault: str, told: str
    ) -> None:
        result = self.gate(published, tmp_path, gate, fault)
        table, told = told.split("...")
        lines = [str(failure) for failure in result.failures]
        assert any(line.startswith(table) and told in line for line in lines), lines

    def test_a_table_that_cannot_be_measured_is_named(self, published: Business, tmp_path: Path) -> None:
        with pytest.raises(BuildError, match=r"after kpi stopped: kpi_csat: `rates` cannot be measured: .*metric_val"):
            self.gate(published, tmp_path, "after_kpi", "alter table kpi.kpi_csat drop metric_value")

    def test_a_warning_is_listed_and_lets_pass(self, published: Business, tmp_path: Path) -> None:
        aged = "update raw.load_files set loaded_at = loaded_at - interval 30 day where system_table = 'crm.deals'"
        result = self.gate(published, tmp_path, "after_load", aged)
        assert result.passed
        assert [(warning.table, warning.observed, warning.limit) for warning in result.warnings] == [
            (
                "crm.deals",
                "days_since_last_file 30, days_allowed 3",
                "a new file within the days allowed (`freshness` in models/staging/_sources.yml)",
            )
        ]

    def gate(self, published: Business, tmp_path: Path, gate: str, fault: str) -> GateResult:
        """What a gate says of the published build with a fault put into it."""
        build_file = tmp_path / "build.duckdb"
        shutil.copy(published.warehouse / "build.duckdb", build_file)
        with duckdb.connect(str(build_file)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(fault)
            gates.prepare(connection, gate, published.settings())
        parameters = gates.gate_parameters(published.settings())
        return GateRunner(build_file, tmp_path / "data_docs", "test", parameters).run(gate, gates.families(gate))


class TestTheFamilies:
    def test_every_landed_table_and_every_mart_is_looked_at_and_every_table_named_is_there(
        self, published: Business
    ) -> None:
        models = DbtProject(published.settings()).manifest.nodes.values()
        in_schema = {
            schema: {node.name for node in models if node.schema == schema and node.resource_type == "model"}
            for schema in ("facts", "kpi")
        }
        landed = {table.label for table in source_tables()}
        assert set(gates.tables_of("after_load")) == landed
        assert set(gates.tables_of("after_staging")) == landed
        assert set(gates.tables_of("after_facts")) <= in_schema["facts"]
        assert set(gates.tables_of("after_kpi")) == in_schema["kpi"]

    def test_no_expectation_is_written_twice(self) -> None:
        for gate in GATES:
            asked = [
                (family.name, question.table, question.subject)
                for family in gates.families(gate)
                for question in family.questions
            ]
            assert len(asked) == len(set(asked))

    @pytest.mark.parametrize(
        ("family", "told"),
        [
            ("{family: a, about: b, tables: [x], query: select 1}", "the family a lacks expectations"),
            (
                "{family: a, about: b, tables: [x], query: select 1, expectations: [], where: 1}",
                "the family a has where, which nothing reads",
            ),
            (
                '{family: a, about: b, tables: [x], query: "select {{ column }}", expectations: []}',
                "the family a: 'column' is undefined",
            ),
            ("{family: a, about: b, tables: every fact, query: select 1, expectations: []}", "the family a: 'fact'"),
        ],
    )
    def test_a_family_that_cannot_be_read_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str, told: str
    ) -> None:
        (tmp_path / "after_kpi.yml").write_text(f"- {family}", encoding="utf-8")
        monkeypatch.setattr(expectations.families, "FOLDER", tmp_path)
        with pytest.raises(ValueError, match=rf"after_kpi\.yml: {told}"):
            read_families("after_kpi", {"mart": []})

    def test_values_are_a_tables_own_or_all_tables_and_tables_can_be_left_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "after_kpi.yml").write_text(
            "- {family: a, about: b, tables: every mart, except: [y], with: {n: 1}, query: '{{ table }} {{ n }}', "
            "expectations: []}\n"
            "- {family: c, about: d, tables: {x: [{column: u}, {column: v}]}, query: '{{ column }}', "
            "expectations: []}\n",
            encoding="utf-8",
        )
        monkeypatch.setattr(expectations.families, "FOLDER", tmp_path)
        first, second = read_families("after_kpi", {"mart": ["x", "y", "z"]})
        assert [(asked.table, asked.subject, asked.query) for asked in first.questions] == [
            ("x", "", "x 1"),
            ("z", "", "z 1"),
        ]
        assert [(asked.table, asked.subject, asked.query) for asked in second.questions] == [
            ("x", "u", "u"),
            ("x", "v", "v"),
        ]

    def test_data_docs_of_the_last_runs_are_kept(self, tmp_path: Path) -> None:
        for day in range(5):
            (tmp_path / f"{date(2026, 1, 1) + timedelta(day):%Y%m%d}T000000Z-aa").mkdir()
        gates.forget_old_data_docs(tmp_path, keep=2)
        assert sorted(path.name[:8] for path in tmp_path.iterdir()) == ["20260104", "20260105"]


class TestGreatExpectations:
    """What the gates take from Great Expectations beyond its documented interface. Look here after an upgrade."""

    def test_it_still_has_the_list_that_the_mend_adds_to(self) -> None:
        engine = importlib.import_module("great_expectations.execution_engine.sqlalchemy_execution_engine")
        assert isinstance(getattr(engine, "_PERSISTED_CONNECTION_DIALECTS", None), tuple), (
            f"great_expectations {version('great_expectations')} keeps no tuple _PERSISTED_CONNECTION_DIALECTS any "
            "more: see how it keeps a connection until rows are fetched (its issue 11579), and write "
            "expectations/great_expectations_on_duckdb.py anew"
        )

    def test_nothing_else_imports_it(self) -> None:
        importers = [
            path.name
            for folder in ("expectations", "orchestration", "dashboards")
            for path in (PROJECT_ROOT / folder).rglob("*.py")
            if "import great_expectations" in path.read_text(encoding="utf-8")
        ]
        assert importers == ["great_expectations_on_duckdb.py"]

    @pytest.mark.parametrize("is_mended", [True, False])
    def test_it_needs_its_mend_on_duckdb(self, tmp_path: Path, is_mended: bool, run_python: RunPython) -> None:
        told = run_python(self.one_expectation(tmp_path, is_mended))
        assert f"met: {is_mended}" in told, (
            f"with great_expectations {version('great_expectations')} expectations fail on DuckDB in spite of the "
            f"mend in expectations/great_expectations_on_duckdb.py: {told}"
            if is_mended
            else "great_expectations works on DuckDB by itself now: remove expectations/great_expectations_on_duckdb.py"
        )

    def test_it_names_the_rows_that_fail(self, tmp_path: Path, run_python: RunPython) -> None:
        """The gates' messages are made of `unexpected_index_list` and `details.unexpected_rows`."""
        told = run_python(self.one_expectation(tmp_path, is_mended=True))
        assert "by column: [{'table_name': 'x', 'one': 7}]" in told, told
        assert "by query: [{'table_name': 'x', 'one': 7}]" in told, told

    def one_expectation(self, folder: Path, is_mended: bool) -> str:
        """A program that holds one row against three expectations."""
        mended, plain = "from expectations.great_expectations_on_duckdb import gx", "import great_expectations as gx"
        return f"""
            import warnings
            warnings.simplefilter("ignore")
            {mended if is_mended else plain}
            context = gx.get_context(mode="ephemeral")
            context.variables.progress_bars = {{"globally": False}}
            data = context.data_sources.add_sql("build", connection_string="duckdb:///{folder / "one.duckdb"}")
            asset = data.add_query_asset("rows", query="select 'x' as table_name, 7 as one")
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            print("met:", batch.validate(gx.expectations.ExpectTableRowCountToEqual(value=1)).success)
            rows = dict(result_format="COMPLETE", unexpected_index_column_names=["table_name"])
            smaller = gx.expectations.ExpectColumnValuesToBeBetween(column="one", max_value=6)
            print("by column:", batch.validate(smaller, result_format=rows).result.get("unexpected_index_list"))
            none = gx.expectations.UnexpectedRowsExpectation(unexpected_rows_query="select * from {{batch}}")
            found = batch.validate(none, result_format=rows).result
            print("by query:", found.get("details", {{}}).get("unexpected_rows"))
        """


@pytest.fixture
def run_python() -> RunPython:
    """Runs a program in a process of its own."""

    def run(program: str) -> str:
        lines = program.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        source = "\n".join(line[indent:] for line in lines)
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    return run
