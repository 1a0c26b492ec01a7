"""The semantic layer and the marts say the same: each metric, grain and cut that both have, by MetricFlow's engine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from orchestration.build.transform import DbtProject
from orchestration.core.catalog import metrics
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.paths import WarehousePaths
from orchestration.core.settings import load_settings
from orchestration.docs.pages import marts_yaml, semantic_metrics
from orchestration.load.loader import load
from orchestration.publish.marts import Build, publish
from orchestration.sample import write_sample
from tests.support.companies import AS_OF, random_company
from tests.support.identities import LAYERS

pytestmark = pytest.mark.slow

# Plans and costs open no period: those of days outside the marts' periods have rows in the semantic layer only.
PLANNED = {"sales_target_attainment", "customer_acquisition_cost"}
# Dated by the month: MetricFlow has no fiscal quarters and years for them.
MONTHLY = {"sales_target_attainment"}
# What `config.meta` of a metric of the catalogue says.
METRICS: dict[str, dict[str, Any]] = {
    name: metric["config"]["meta"] for name, metric in semantic_metrics().items() if "config" in metric
}
# Everything else that changes a number: clocks, money, the fiscal year, and the other policy of each pair.
ABROAD = {
    "business_timezone": "America/New_York", "reporting_currency": "EUR", "fiscal_year_start_month": 4,
    "revenue_basis": "bookings", "win_rate_basis": "amount", "sales_cycle_start": "deal_created",
    "lead_conversion_basis": "period", "cac_costs": "paid_only", "response_time_clock": "business_hours",
    "paused_subscriptions": "included",
}  # fmt: skip
Cell = tuple[date, str]


class Renders:
    """What MetricFlow's engine needs of a client to write SQL."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


class Layer:
    """A warehouse without its gates, and MetricFlow's engine over its facts."""

    def __init__(self, landing: Path, warehouse: Path, **given: Any) -> None:
        self.settings = load_settings({"landing": landing, "warehouse": warehouse, **given})
        warehouse.mkdir()
        with duckdb.connect(str(self.settings.paths.build_file)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            load(connection, landing, "test")
        self.is_fiscal = self.settings.fiscal_year_start_month != 1
        project = DbtProject(self.settings)
        for select in LAYERS:
            project.build([*select, "--exclude-resource-type", "test"])
        tables = {schema: project.models_of(schema) for schema in ("facts", "kpi")}
        build = Build("test", self.settings.as_of.isoformat(), "1", self.settings.dbt_vars(), tables)
        publish(self.settings.paths, build, semantic_manifest=project.semantic_manifest, with_finance=False)
        self.manifest = parse_manifest_from_dbt_generated_manifest(
            manifest_json_string=self.settings.paths.semantic_manifest.read_text(encoding="utf-8")
        )
        self.engine = MetricFlowEngine(SemanticManifestLookup(self.manifest), sql_client=Renders())
        # the facts as they are published, under the name that the metrics know them by; and the marts
        self.connection = duckdb.connect()
        self.connection.execute(f"attach '{self.settings.paths.marts_file}' as build (read_only)")
        self.connection.execute(f"attach '{self.settings.paths.build_file}' as marts (read_only)")

    def ask(self, group_by: list[str], metric: str) -> list[tuple[Any, ...]]:
        """The rows of `mf query --metrics ... --group-by ...`."""
        request = MetricFlowQueryRequest.create(metric_names=[metric], group_by_names=group_by)
        return self.connection.execute(self.engine.explain(request).sql_statement.sql).fetchall()

    def told(self, metric: str, grain: str, member: str | None) -> dict[Cell, Any]:
        """The semantic layer's values by period and member; `all` without one."""
        if self.is_fiscal and grain in ("quarter", "year"):
            grain = f"fiscal_{grain}"
        cells: dict[Cell, Any] = {}
        for period, *members, value in self.ask([f"metric_time__{grain}", *([member] if member else [])], metric):
            if period is None and metric in PLANNED:
                continue  # a fiscal period is known for the days of the time spine only
            cell = (period.date() if isinstance(period, datetime) else period, members[0] if members else "all")
            assert None not in cell, f"{metric} by {grain} and {member}: a row of no period or member"
            assert cell not in cells, f"{metric} by {grain} and {member}: {cell} is there twice"
            cells[cell] = value
        return cells

    def mart(self, metric: str, grain: str, cut: str) -> dict[Cell, Any]:
        """The mart's values by period and member."""
        rows = self.connection.execute(
            f"select period_start, dimension_value, metric_value from marts.kpi.kpi_{metric} "
            "where period_grain = ? and dimension = ?",
            [grain, cut],
        ).fetchall()
        return {(start, member): value for start, member, value in rows}

    def cuts_of_mart(self, metric: str) -> set[tuple[str, str]]:
        """The pairs of grain and cut that a mart has rows of; years to date are left out."""
        of_mart = f"marts.kpi.kpi_{metric} where period_grain <> 'year_to_date'"
        query = f"select period_grain, dimension from {of_mart} group by all"
        return set(self.connection.execute(query).fetchall())

    def compare(self, metric: str, grain: str, cut: str) -> tuple[list[str], int]:
        """Where the two differ, and how many values there were to compare.

        Where nothing happened a sum or count is 0 and a rate NULL, and either side may as well have no row.
        All else must be on both sides, and equal.
        """
        expected = self.mart(metric, grain, cut)
        found = self.told(metric, grain, METRICS[metric]["cuts"].get(cut))
        if metric in PLANNED:
            periods = {start for start, _ in self.mart(metric, grain, "all")}
            found = {cell: value for cell, value in found.items() if cell[0] in periods}
        nothing = None if divides(metric) else 0
        expected = {cell: value for cell, value in expected.items() if value != nothing}
        found = {cell: value for cell, value in found.items() if value != nothing}
        differences = [
            f"{metric} {grain} {cut} {cell}: mart {expected.get(cell)}, semantic layer {found.get(cell)}"
            for cell in sorted(expected.keys() | found.keys())
            if not same(expected.get(cell), found.get(cell))
        ]
        return differences, len(expected)


def divides(metric: str) -> bool:
    """Whether a metric is a rate or an average, not a sum, count or balance: the mart's YAML says so."""
    return "'has_denominator': False" not in str(marts_yaml()[metric]["data_tests"])


def same(left: Any, right: Any) -> bool:
    """Equal: exactly where both are exact, else to the ninth digit."""
    if left is None or right is None:
        return left is right
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return left == right
    return bool(float(left) == pytest.approx(float(right), rel=1e-9, abs=1e-9))


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Layer]:
    """The sample company by the default settings, and a company of oddities by all the others."""
    folder = tmp_path_factory.mktemp("semantic")
    write_sample(folder / "sample")
    random_company(4).write(folder / "odd")
    return {
        "sample": Layer(folder / "sample", folder / "sample_warehouse", as_of_date=date(2026, 10, 31)),
        "abroad": Layer(folder / "odd", folder / "odd_warehouse", as_of_date=AS_OF, **ABROAD),
    }


@pytest.mark.parametrize("company", ["sample", "abroad"])
@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_what_its_mart_says(layers: dict[str, Layer], metric: str, company: str) -> None:
    layer = layers[company]
    there = {(grain, cut) for grain, cut in layer.cuts_of_mart(metric) if cut in {"all", *METRICS[metric]["cuts"]}}
    if company == "abroad":
        grains = {"month"} if metric in MONTHLY else {"week", "quarter"}
        there = {(grain, cut) for grain, cut in there if grain in grains}
    results = [layer.compare(metric, grain, cut) for grain, cut in sorted(there)]
    differences = [told for found, _ in results for told in found]
    assert not differences, "\n".join([f"{len(differences)} differences:", *differences[:10]])
    if company == "sample":
        assert all(count for _, count in results), f"{metric}: nothing to compare in {sorted(there)}"
        assert {cut for _, cut in there} == {"all", *METRICS[metric]["cuts"]}


def test_a_cut_that_the_layer_lacks_is_explained(layers: dict[str, Layer]) -> None:
    for metric, meta in METRICS.items():
        missing = {cut for _, cut in layers["sample"].cuts_of_mart(metric)} - {"all", *meta["cuts"]}
        assert bool(missing) == ("without" in meta), f"{metric} lacks {missing}"
        assert all(cut in meta["without"] for cut in missing), f"{metric} does not say why it lacks {missing}"


def test_every_metric_of_the_catalogue_is_there_or_its_page_says_why_not() -> None:
    there = semantic_metrics()
    for metric in metrics():
        page = (PROJECT_ROOT / "docs" / "metrics" / f"{metric}.md").read_text(encoding="utf-8")
        meta = marts_yaml()[metric]["config"]["meta"]
        assert (metric in there) != ("not_in_semantic_layer" in meta), metric
        told = f"**Semantic layer.** Metric `{metric}`" if metric in there else "**Semantic layer.** Not there. "
        assert told in page, metric


def test_names_and_units_are_the_catalogues() -> None:
    assert set(METRICS) == semantic_metrics().keys() & metrics().keys()
    for metric, meta in METRICS.items():
        told = metrics()[metric]
        assert (semantic_metrics()[metric]["label"], meta["unit"]) == (told.name_en, told.unit)


def test_the_configuration_is_valid(layers: dict[str, Layer]) -> None:
    results = SemanticManifestValidator[Any]().validate_semantic_manifest(layers["sample"].manifest)
    assert not results.errors and not results.future_errors
    # dbt-core 1.11 can only write a measure into a cumulative metric; MetricFlow adds a metric and warns of the two
    assert all("should not have both a measure and a metric" in warning.message for warning in results.warnings)


def test_acquisition_cost_is_not_there_with_a_lag(tmp_path: Path) -> None:
    project = DbtProject(load_settings({"warehouse": tmp_path, "as_of_date": AS_OF, "cac_lag_days": 30}))
    names = {metric["name"] for metric in json.loads(project.semantic_manifest.read_text(encoding="utf-8"))["metrics"]}
    assert "customer_acquisition_cost" not in names and "new_customers" in names


def kpi_mf(warehouse: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """`kpi mf`. That it calls nobody is held by a proxy that waits for the call."""
    command = [str(Path(sys.executable).with_name("kpi")), "mf", "--warehouse", str(warehouse), *arguments.split()]
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        environment = {"HTTPS_PROXY": address, "HTTP_PROXY": address, "TMPDIR": str(warehouse)}
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    return ended


def test_a_query_reads_what_is_published_while_a_build_writes(layers: dict[str, Layer], tmp_path: Path) -> None:
    published = layers["sample"].settings.paths
    (tmp_path / "current").mkdir()
    shutil.copyfile(published.marts_file, tmp_path / "marts.duckdb")
    shutil.copyfile(published.semantic_manifest, WarehousePaths(tmp_path).semantic_manifest)
    with duckdb.connect(str(tmp_path / "build.duckdb")):
        told = kpi_mf(tmp_path, "query --metrics win_rate --group-by metric_time__year --order metric_time__year")
    assert told.returncode == 0, told.stderr
    values = [line.split()[-1] for line in told.stdout.splitlines() if line.startswith("20")]
    expected = [value for _, value in sorted(layers["sample"].mart("win_rate", "year", "all").items())]
    assert [float(value) for value in values] == pytest.approx(expected, abs=1e-6)


def test_every_saved_query_runs(layers: dict[str, Layer]) -> None:
    assert layers["sample"].manifest.saved_queries
    for query in layers["sample"].manifest.saved_queries:
        request = MetricFlowQueryRequest.create(saved_query_name=query.name)
        rows = (
            layers["sample"].connection.execute(layers["sample"].engine.explain(request).sql_statement.sql).fetchall()
        )
        assert len(rows) > 30, query.name


def test_the_command_says_that_nothing_is_published(tmp_path: Path) -> None:
    ended = kpi_mf(tmp_path, "list metrics")
    assert ended.returncode == 2
    assert ended.stderr == f"kpi: no facts are published in {tmp_path}: run `kpi build` first\n"


@pytest.mark.parametrize("metric", ["mrr", "sales_pipeline", "pipeline_value", "customer_lifetime_value"])
def test_a_balance_asked_without_time_is_that_of_the_as_of_date(layers: dict[str, Layer], metric: str) -> None:
    layer = layers["sample"]
    ((found,),) = layer.ask([], metric)
    latest = max(layer.mart(metric, "year", "all").items())[1]
    assert same(latest, found)
