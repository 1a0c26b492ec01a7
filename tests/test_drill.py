"""Every figure of every mart is the sum of the rows in its drill view, and each row is one of a fact."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.transform import DbtProject, manifest_of
from orchestration.core.catalog import metrics
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.settings import load_settings
from orchestration.load.loader import load
from tests.support import drill
from tests.support.builds import open_build
from tests.support.companies import AS_OF, Company, RandomCompany
from tests.support.identities import LAYERS

SEED = 388


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file of a random company that has enough of everything, each oddity included."""
    folder = tmp_path_factory.mktemp("drill")
    settings = load_settings({"as_of_date": AS_OF, "landing": folder / "landing", "warehouse": folder / "warehouse"})
    rng = random.Random(SEED)
    company = Company(rng)
    company.reps = [f"r{n}" for n in range(6)]
    company.accounts = [f"a{n}" for n in range(30)]
    company.leads = [f"l{n}" for n in range(50)]
    company.deals = [f"d{n}" for n in range(60)]
    company.orders = [f"o{n}" for n in range(80)]
    company.products = [f"p{n}" for n in range(8)]
    # every row of a file has the same columns
    files = {
        (table, "rows.csv"): [
            {name: row.get(name, "") for name in dict.fromkeys(n for r in rows for n in r)} for row in rows
        ]
        for table, rows in company.tables().items()
        if rows
    }
    RandomCompany(SEED, files, {}).write(settings.landing)
    settings.warehouse.mkdir()
    with duckdb.connect(str(settings.paths.build_file)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        load(connection, settings.landing, "test")
    project = DbtProject(settings)
    for select in LAYERS:
        project.build(select)
    with open_build(settings.warehouse) as connection:
        yield connection


@pytest.fixture(scope="module")
def keys() -> dict[str, list[str]]:
    """The key columns of the facts, as macros/drill.sql names their rows by them."""
    macro = (PROJECT_ROOT / "macros" / "drill.sql").read_text(encoding="utf-8").partition("macro fact_keys()")[2]
    told: dict[str, list[str]] = ast.literal_eval(macro.partition("return(")[2].partition(")")[0])
    return told


def test_the_keys_of_facts_are_those_of_their_yaml(
    keys: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    nodes = manifest_of(load_settings({"warehouse": tmp_path_factory.mktemp("keys")}))["nodes"]
    tested = {
        nodes[node["attached_node"]]["name"]: node["test_metadata"]["kwargs"]["columns"]
        for node in nodes.values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") == "unique_key"
    }
    # posts of the company itself have no rep
    tested["fct_social_engagements"] = ["engaged_on", "platform", "rep_id"]
    assert keys == {fact: tested[fact] for fact in keys}


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
