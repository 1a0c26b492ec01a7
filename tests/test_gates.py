"""The gates: what closes each of them, and that nothing comes after a closed one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from expectations.runner import GATES, SUITES, GateResult, GateRunner, tables_of
from orchestration.build import gates
from orchestration.build.transform import DbtProject
from orchestration.core.contract import source_tables
from orchestration.core.errors import GateClosedError
from orchestration.core.settings import Settings
from tests.support.builds import AS_OF, build, settings_for
from tests.support.command import contents, last_run
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

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
            business, "after_load", "billing.orders", "expect_column_min_to_be_between(kept_share)",
            "observed 0.999167, limit no fewer rows than at the last published run",
        )  # fmt: skip

    def test_after_staging_when_too_much_is_set_aside(self, published: Business, tmp_path: Path) -> None:
        business = published.copy(tmp_path / "business")
        business.landing.add("crm.leads", {"created_at": "yesterday"}, file="bad.csv")
        self.assert_closes(
            business, "after_staging", "crm.leads: expect_column_max_to_be_between(quarantined_share)",
            "observed 0.333333, limit at most 0.01 (setting quarantine_threshold)",
            "(1 of 3 rows quarantined: invalid_created_at 1)",
        )  # fmt: skip

    def test_after_facts_when_a_date_is_beyond_reason(self, published: Business, tmp_path: Path) -> None:
        business = published.copy(tmp_path / "business")
        business.landing.add("billing.orders", {"ordered_at": "0202-01-01"}, file="typo.csv")
        self.assert_closes(
            business, "after_facts", "fct_sales: expect_column_values_to_be_between(sold_on)",
            f"observed 1 of {SALES + 2:,} values such as 0202-01-01", "limit at least 1990-01-01",
        )  # fmt: skip

    def test_after_kpi_when_past_months_lose_most_of_what_was_published(
        self, published: Business, tmp_path: Path
    ) -> None:
        business = published.copy(tmp_path / "business")
        business.deliver_sales("canceled.csv", account_id="A1", status="canceled", updated_at="2026-07-02")
        self.assert_closes(
            business, "after_kpi", "kpi_average_order_value: expect_column_min_to_be_between(kept_share)",
            "limit past months keep half of what was published, or more",
        )  # fmt: skip
        business.build(acknowledged=("average_order_value", "new_customers", "revenue"))
        assert last_run(business.warehouse)["exit_code"] == 0


# A fault of the layer before, the gate that must see it, and the table and expectation it must name.
FAULTS: list[tuple[str, str, str, str]] = [
    ("after_load", "update raw.load_files set row_count = 7", "crm.accounts", "unaccounted_rows"),
    ("after_load", "alter table raw.crm__deals drop amount", "crm.deals", "expect_table_columns_to_match_set"),
    ("after_staging", "update staging.load_books set rows_current = 0", "billing.orders", "unbalanced_rows"),
    ("after_facts", "delete from facts.fct_leads", "fct_leads", "unexpected_rows_expectation"),
    (
        "after_facts", "update facts.fct_sales set amount = amount + 0.01 where sale_id = 'S1'",
        "fct_sales", "unexpected_rows_expectation",
    ),
    (
        "after_facts", "delete from facts.fct_revenue_lines where line_type = 'refund'",
        "fct_revenue_lines", "unexpected_rows_expectation",
    ),
    (
        "after_facts", "update facts.fct_deals set account_id = 'nobody'",
        "fct_deals", "unexpected_rows_expectation",
    ),
    ("after_facts", "update facts.fct_csat_responses set score = 6", "fct_csat_responses", "(score)"),
    (
        "after_kpi", "delete from kpi.kpi_revenue where period_grain = 'week' and dimension = 'all' "
        "and period_start = '2026-03-02'", "kpi_revenue", "(rows_of_all)",
    ),
    (
        "after_kpi", "update kpi.kpi_revenue set numerator = numerator + 0.01 where period_grain = 'month' "
        "and dimension = 'all' and period_start = '2026-03-01'", "kpi_revenue", "unexpected_rows_expectation",
    ),
    ("after_kpi", "update kpi.kpi_csat set metric_value = 65", "kpi_csat", "(metric_value)"),
    ("after_kpi", "delete from kpi.kpi_scorecard where metric_id = 'csat'", "kpi_scorecard", "(row_count)"),
]  # fmt: skip


class TestFaults:
    @pytest.mark.parametrize(
        ("gate", "fault", "table", "expectation"), FAULTS, ids=[f"{gate}: {fault}" for gate, fault, *_ in FAULTS]
    )
    def test_a_fault_closes_the_gate_behind_it(
        self, published: Business, tmp_path: Path, gate: str, fault: str, table: str, expectation: str
    ) -> None:
        result = self.gate(published, tmp_path, gate, fault)
        assert any(failure.table == table and expectation in failure.expectation for failure in result.failures), (
            result.failures
        )

    def test_a_warning_is_listed_and_lets_pass(self, published: Business, tmp_path: Path) -> None:
        aged = "update raw.load_files set loaded_at = loaded_at - interval 30 day where system_table = 'crm.deals'"
        result = self.gate(published, tmp_path, "after_load", aged)
        assert result.passed
        assert [(warning.table, warning.observed, warning.limit) for warning in result.warnings] == [
            ("crm.deals", "30", "a new file within 3 days")
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
        return GateRunner(build_file, tmp_path / "data_docs", "test", parameters).run(gate)


class TestTheSuites:
    def test_every_table_of_a_layer_has_its_file(self, published: Business) -> None:
        models = DbtProject(published.settings()).manifest.nodes.values()
        facts = {node.name for node in models if node.schema == "facts" and node.name.startswith("fct_")}
        marts = {node.name for node in models if node.schema == "kpi" and node.resource_type == "model"}
        landed = {table.label for table in source_tables()}
        assert set(tables_of("after_load")) == landed
        assert set(tables_of("after_staging")) == landed
        assert facts <= set(tables_of("after_facts"))
        assert set(tables_of("after_kpi")) == marts

    def test_a_file_is_named_after_its_table(self) -> None:
        for path in SUITES.glob("*/*.yml"):
            assert yaml.safe_load(path.read_text(encoding="utf-8"))["table"].replace(".", "__") == path.stem
            assert path.parent.name in GATES

    def test_data_docs_of_the_last_runs_are_kept(self, tmp_path: Path) -> None:
        for day in range(5):
            (tmp_path / f"{date(2026, 1, 1) + timedelta(day):%Y%m%d}T000000Z-aa").mkdir()
        gates.forget_old_data_docs(tmp_path, keep=2)
        assert sorted(path.name[:8] for path in tmp_path.iterdir()) == ["20260104", "20260105"]

    @pytest.mark.parametrize("is_mended", [True, False])
    def test_great_expectations_needs_its_mend_on_duckdb(
        self, published: Business, is_mended: bool, run_python: Callable[[str], str]
    ) -> None:
        """Without it nothing can be expected of DuckDB. Where this fails, the mend can go."""
        mended, plain = "from expectations.great_expectations_on_duckdb import gx", "import great_expectations as gx"
        module = mended if is_mended else plain
        told = run_python(f"""
            import warnings
            warnings.simplefilter("ignore")
            {module}
            context = gx.get_context(mode="ephemeral")
            data = context.data_sources.add_sql(
                "build", connection_string="duckdb:///{published.warehouse / "build.duckdb"}?access_mode=read_only"
            )
            batch = data.add_query_asset("rows", query="select 1 as one").add_batch_definition_whole_table("all")
            print("met:", batch.get_batch().validate(gx.expectations.ExpectTableRowCountToEqual(value=1)).success)
        """)
        assert f"met: {is_mended}" in told


@pytest.fixture
def run_python() -> Callable[[str], str]:
    """Runs a program in a process of its own."""

    def run(program: str) -> str:
        lines = program.strip("\n").splitlines()
        indent = len(lines[0]) - len(lines[0].lstrip())
        source = "\n".join(line[indent:] for line in lines)
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    return run
