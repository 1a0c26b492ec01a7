"""Data tests in sets say what dbt says of each, and leave to dbt what is more than a count of rows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from orchestration.build import data_tests
from orchestration.build.data_tests import DataTest
from orchestration.build.transform import DbtProject
from orchestration.core.errors import BuildError
from tests.support.builds import build, open_build, settings_for
from tests.support.landing import Landing


def node(name: str, kind: str, *parents: str, **config: Any) -> Any:
    """A node of a manifest, as far as it matters here."""
    plain = {**data_tests.PLAIN, **config}
    return SimpleNamespace(
        name=name, resource_type=kind, unique_id=name, config=SimpleNamespace(**plain),
        depends_on=SimpleNamespace(nodes=list(parents)), depends_on_nodes=list(parents), attached_node=None,
    )  # fmt: skip


NODES = {
    one.name: one
    for one in (
        node("stg", "model", "source.raw"), node("fct", "model", "stg"), node("kpi", "model", "fct"),
        node("stg_is_unique", "test", "stg"), node("fct_is_unique", "test", "fct"),
        node("fct_refers_to_stg", "test", "fct", "stg"), node("fct_meets_kpi", "test", "fct", "kpi"),
        node("stg_has_its_raw_rows", "test", "stg", "source.raw"),
    )
}  # fmt: skip


@pytest.mark.parametrize(
    ("built", "tests"),
    [
        (["stg"], {"stg_is_unique", "stg_has_its_raw_rows"}),
        (["fct"], {"fct_is_unique", "fct_refers_to_stg"}),
        (["kpi"], {"fct_meets_kpi"}),
        (["stg", "fct", "kpi"], {name for name, one in NODES.items() if one.resource_type == "test"}),
        ([], set()),
    ],
)
def test_tests_run_when_all_they_look_at_is_built(built: list[str], tests: set[str]) -> None:
    assert {one.name for one in data_tests.buildable(NODES, built)} == tests


@pytest.mark.parametrize(
    ("config", "is_plain"),
    [
        ({}, True),
        ({"severity": "ERROR", "store_failures": False}, True),
        ({"severity": "warn"}, False),
        ({"error_if": ">10"}, False),
        ({"fail_calc": "sum(rows)"}, False),
        ({"store_failures": True}, False),
        ({"limit": 1}, False),
    ],
)
def test_what_a_config_says_more_is_left_to_dbt(config: dict[str, Any], is_plain: bool) -> None:
    assert data_tests.is_plain(node("one", "test", "fct", **config)) is is_plain


def test_each_test_of_a_set_gets_its_own_answer(tmp_path: Path) -> None:
    file = tmp_path / "build.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table numbers as select range as number from range(10)")
    queries = {
        "none": "select * from numbers where number > 9",
        "one": "with big as (select * from numbers where number > 8) select * from big order by 1",
        "three": "select number from numbers where number > 6",
        "broken": "select no_such_column from numbers",
        "of_another": "select 1 where false",
    }
    tests = [
        DataTest(name, "others" if name == "of_another" else "numbers", query, tmp_path / f"{name}.sql")
        for name, query in queries.items()
    ]
    said = {test.name: failure.message if failure else "" for test, failure in data_tests.run(file, tests)}
    assert said.pop("broken").startswith('Binder Error: Referenced column "no_such_column" not found')
    assert said == {
        "none": "", "of_another": "", "one": "Got 1 result, configured to fail if != 0",
        "three": "Got 3 results, configured to fail if != 0",
    }  # fmt: skip


def test_a_failed_test_ends_the_layer_and_names_its_rows(landing: Landing, warehouse: Path) -> None:
    landing.add("crm.deals", {"deal_id": "D1"})
    build(landing, warehouse)
    project = DbtProject(settings_for(landing.folder, warehouse))
    with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
        connection.execute("insert into staging.base_crm__deals from staging.base_crm__deals")
    with pytest.raises(BuildError) as raised:
        # the view alone is made anew, and is not unique
        project.build(["stg_crm__deals"])
    assert "failed: Got 1 result" in str(raised.value)
    assert str(raised.value).startswith("test unique_key_stg_crm__deals_")
    file, _, rest = raised.value.details[-1].removeprefix("the rows at fault: run ").partition(" on ")
    assert rest == str(warehouse / "build.duckdb")
    with open_build(warehouse) as connection:
        assert connection.execute(Path(file).read_text(encoding="utf-8")).fetchall()
