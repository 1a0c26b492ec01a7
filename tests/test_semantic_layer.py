"""The semantic layer and the marts say the same: every metric, grain and cut that both have, asked of MetricFlow's engine."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.contract import PROJECT_ROOT

GRAINS = ("week", "month", "quarter", "year")
# Metrics of plans: a plan for months after the as-of date has rows in the semantic layer, and no period in the marts.
PLANNED = {"sales_target_attainment", "pipeline_coverage", "quota_attainment"}
Cell = tuple[date, str]


@dataclass
class Layer:
    """A built warehouse with MetricFlow's engine over its facts."""

    warehouse: Path
    fiscal_year_start_month: int = 1

    def __post_init__(self) -> None:
        from metricflow.engine.metricflow_engine import MetricFlowEngine
        from metricflow.protocols.sql_client import SqlEngine
        from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
        from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
        from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

        class Renders:
            """What the engine needs of a client to write SQL; the SQL runs here, on a read-only connection."""

            sql_engine_type = SqlEngine.DUCKDB
            sql_plan_renderer = DuckDbSqlPlanRenderer()

        text = (self.warehouse / "dbt" / "semantic_manifest.json").read_text(encoding="utf-8")
        self.metrics = {metric["name"]: metric for metric in json.loads(text)["metrics"]}
        manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=text)
        self.engine = MetricFlowEngine(
            semantic_manifest_lookup=SemanticManifestLookup(manifest),
            sql_client=Renders(),
        )
        self.connection = duckdb.connect(str(self.warehouse / "build.duckdb"), read_only=True)

    def ask(self, metrics: list[str], group_by: list[str]) -> list[tuple[Any, ...]]:
        """The rows of `mf query --metrics ... --group-by ...`."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by)
        sql = self.engine.explain(request).sql_statement.sql
        return self.connection.execute(sql).fetchall()

    def cells(self, metric: str, grain: str, member: str | None) -> dict[Cell, Any]:
        """A metric's values by period and member, `all` without one."""
        rows = self.ask([metric], [f"metric_time__{grain}", *([member] if member else [])])
        cells: dict[Cell, Any] = {}
        for period, *members, value in rows:
            day = period.date() if isinstance(period, datetime) else period
            name = members[0] if members else "all"
            assert day is not None and name is not None, f"{metric} by {grain} and {member}: a row of no period or member"
            assert (day, name) not in cells, f"{metric} by {grain} and {member}: {day} {name} is there twice"
            cells[(day, name)] = value
        return cells

    def mart(self, metric: str, grain: str, cut: str) -> tuple[dict[Cell, Any], bool]:
        """The mart's values of a cut, and whether the metric divides."""
        rows = self.connection.execute(
            f"select period_start, dimension_value, metric_value, numerator, denominator from kpi.kpi_{metric} "
            "where period_grain = ? and dimension = ?",
            [grain, cut],
        ).fetchall()
        (divides,) = self.connection.execute(f"select count(denominator) > 0 from kpi.kpi_{metric}").fetchone() or (0,)
        return {(start, member): value for start, member, value, *_ in rows}, bool(divides)

    def grain_of(self, grain: str) -> str:
        """The semantic layer's name of a mart's grain."""
        fiscal = self.fiscal_year_start_month != 1 and grain in ("quarter", "year")
        return f"fiscal_{grain}" if fiscal else grain


def differences(layer: Layer, metric: str, grain: str, cut: str, member: str | None) -> tuple[list[str], int]:
    """Where a metric's values differ from its mart's, and how many were compared.

    Where nothing happened a sum or count is 0 and a rate NULL; either may as well have no row. Everything else must be
    on both sides, and equal: money to its last decimal.
    """
    expected, divides = layer.mart(metric, grain, cut)
    actual = layer.cells(metric, layer.grain_of(grain), member)
    if metric in PLANNED:
        (last,) = layer.connection.execute("select max(balance_on) from facts.dim_periods").fetchone() or (None,)
        actual = {cell: value for cell, value in actual.items() if cell[0] <= last}
    nothing = None if divides else 0
    expected = {cell: value for cell, value in expected.items() if value != nothing}
    actual = {cell: value for cell, value in actual.items() if value != nothing}
    told = [
        f"{metric} {grain} {cut} {cell}: mart {expected.get(cell)}, semantic layer {actual.get(cell)}"
        for cell in sorted(expected.keys() | actual.keys())
        if not same(expected.get(cell), actual.get(cell))
    ]
    return told, len(expected)


def same(left: Any, right: Any) -> bool:
    """Equal: exactly where both are exact, else to the ninth digit."""
    if left is None or right is None:
        return left is right
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return left == right
    return float(left) == pytest.approx(float(right), rel=1e-9, abs=1e-9)
