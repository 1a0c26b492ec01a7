"""Every figure of every mart is the sum of the rows in its drill view, and each row is one of a fact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.transform import manifest_of
from orchestration.core.catalog import metrics
from orchestration.core.settings import load_settings
from tests.support import drill
from tests.support.builds import open_build
from tests.support.companies import random_company
from tests.support.identities import Warehouse

SEED = 388


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file of a random company that has enough of everything, each oddity included."""
    warehouse = Warehouse(tmp_path_factory.mktemp("drill"))
    warehouse.land(random_company(SEED, is_large=True))
    warehouse.build(warehouse.now)
    with open_build(warehouse.now.warehouse) as connection:
        yield connection


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The key columns of the facts, as their YAML declares them."""
    nodes = manifest_of(load_settings({"warehouse": tmp_path_factory.mktemp("keys")}))["nodes"].values()
    return {node["name"]: node["meta"]["key"] for node in nodes if node["schema"] == "facts" and "key" in node["meta"]}


@pytest.mark.parametrize("metric_id", metrics())
def test_a_figure_is_the_sum_of_its_rows(build: duckdb.DuckDBPyConnection, metric_id: str) -> None:
    assert drill.differences(build, metric_id) == []


@pytest.mark.parametrize("metric_id", metrics())
def test_each_row_is_one_of_a_fact(
    build: duckdb.DuckDBPyConnection, keys: dict[str, list[str]], metric_id: str
) -> None:
    assert drill.unknown_keys(build, metric_id, keys) == []


def test_the_company_has_rows_behind_every_metric(build: duckdb.DuckDBPyConnection) -> None:
    empty = [
        metric_id
        for metric_id in metrics()
        if build.execute(f"select count(*) from drill.{metric_id}").fetchone() == (0,)
    ]
    assert empty == []


def test_marts_have_the_grains_that_the_catalogue_says(build: duckdb.DuckDBPyConnection) -> None:
    for metric in metrics().values():
        rows = build.execute(f"select distinct period_grain from kpi.kpi_{metric.metric_id}").fetchall()
        assert {grain for (grain,) in rows} == set(metric.grains), metric.metric_id


def test_a_view_holds_in_a_copy_under_any_name(build: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The published file has the views' SQL as it stands in the build file, and may be attached under another name."""
    sql = "select view_name, sql from duckdb_views() where schema_name = 'drill'"
    views: dict[str, Any] = dict(build.execute(sql).fetchall())
    assert set(views) == set(metrics())
    expected = build.execute("select count(*), sum(numerator) from drill.revenue").fetchone()
    source = build.execute("select path from duckdb_databases() where not internal").fetchone()
    assert source is not None
    with duckdb.connect(str(tmp_path / "copy.duckdb")) as copy:
        copy.execute(f"attach '{source[0]}' as original (read_only)")
        copy.execute("create schema facts; create schema kpi; create schema drill")
        tables = copy.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = 'original' and schema_name in ('facts', 'kpi')"
        ).fetchall()
        for (name,) in tables:
            copy.execute(f"create table {name} as from original.{name}")
        for view in views.values():
            copy.execute(view)
        copy.execute("detach original")
    with duckdb.connect() as reader:
        reader.execute(f"attach '{tmp_path / 'copy.duckdb'}' as elsewhere (read_only)")
        assert reader.execute("select count(*), sum(numerator) from elsewhere.drill.revenue").fetchone() == expected
