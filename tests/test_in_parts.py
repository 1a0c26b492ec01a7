"""The largest tables are made, and published, some periods at a time: they come out as when they are made at once."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.build.transform import DbtProject
from orchestration.core.errors import BuildError
from orchestration.publish import marts
from orchestration.warehouse.connections import attach
from tests.support.builds import build, rows_of, settings_for
from tests.support.landing import Landing

IN_PARTS = ("fct_customer_periods", "fct_mrr_movements", "kpi_scorecard")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two subscribers, one of them with two plans, and three reps with deals over half a year."""
    folder = tmp_path_factory.mktemp("in_parts")
    (folder / "landing").mkdir()
    landing = Landing(folder / "landing")
    landing.add("crm.accounts", {"account_id": "A1"}, {"account_id": "A2"})
    monthly = {"quantity": "1", "unit_amount": "10", "billing_interval": "month", "interval_count": "1"}
    landing.add(
        "billing.subscription_changes",
        {"subscription_id": "S1", "account_id": "A1", "plan": "basic", **monthly, "changed_at": "2026-01-10"},
        {"subscription_id": "S1", "account_id": "A1", "plan": "pro", **monthly, "changed_at": "2026-03-01"},
        {"subscription_id": "S2", "account_id": "A1", "plan": "basic", **monthly, "changed_at": "2026-02-01"},
        {"subscription_id": "S3", "account_id": "A2", "plan": "basic", **monthly, "changed_at": "2026-01-20"},
    )
    landing.add("crm.sales_reps", *({"rep_id": f"R{rep}"} for rep in range(3)))
    landing.add(
        "crm.deals",
        *(
            {
                "deal_id": f"D{rep}-{month}", "owner_rep_id": f"R{rep}", "amount": "100", "stage": "closed_won",
                "created_at": f"2026-0{month}-01", "closed_at": f"2026-0{month}-2{rep}",
            }
            for rep in range(3)
            for month in range(1, 7)
        ),
    )  # fmt: skip
    build(landing, folder / "warehouse")
    return folder / "warehouse"


def rows_of_all(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table that is made in parts."""
    schemas = {name: "kpi" if name.startswith("kpi_") else "facts" for name in IN_PARTS}
    return {name: rows_of(warehouse, f"select * from {schema}.{name} order by all") for name, schema in schemas.items()}


def parts_made(warehouse: Path, model: str) -> int:
    """In how many parts a model was made, by the SQL that ran."""
    [ran] = (warehouse / "dbt" / "run").rglob(f"{model}.sql")
    return max(1, ran.read_text(encoding="utf-8").count(") as whole"))


def test_a_table_is_the_same_in_however_many_parts(warehouse: Path) -> None:
    at_once = rows_of_all(warehouse)
    assert all(len(rows) > 20 for rows in at_once.values())
    assert [parts_made(warehouse, model) for model in IN_PARTS] == [1, 1, 1]
    with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
        # as if a hundred million rows had landed
        connection.execute("update raw.load_files set row_count = 100000000 where file_id = 1")
    DbtProject(settings_for(warehouse.parent / "landing", warehouse)).build(IN_PARTS)
    assert all(parts_made(warehouse, model) > 5 for model in IN_PARTS)
    assert rows_of_all(warehouse) == at_once


@pytest.mark.parametrize("most_rows", [1, 40])
def test_the_scorecard_is_published_in_the_same_order_in_however_many_parts(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    published = []
    for most in (1_000_000, most_rows):
        monkeypatch.setattr(marts, "MOST_SORTED_ROWS", most)
        with duckdb.connect() as connection:
            attach(connection, warehouse / "build.duckdb", "build")
            connection.execute("create schema kpi")
            marts._copy_scorecard(connection)
            published.append(connection.execute("select * from kpi.kpi_scorecard order by rowid").fetchall())
    assert len(published[0]) > 1000
    assert published[0] == published[1]


def test_a_row_of_no_period_is_not_left_behind_unsaid(warehouse: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as build; create schema build.kpi; create schema kpi")
        attach(connection, warehouse / "build.duckdb", "built")
        connection.execute(
            "create table build.kpi.kpi_scorecard as select * replace (nullif(dimension, 'team') as dimension) "
            "from built.kpi.kpi_scorecard"
        )
        with pytest.raises(BuildError, match=r"kpi_scorecard: .* rows of .* copied"):
            marts._copy_scorecard(connection)
