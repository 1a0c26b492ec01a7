"""The sample company as HubSpot and Stripe deliver it gives the marts of its own files in the contract's shape."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.sample.as_systems import SYSTEMS, write_sample_as
from tests.support.builds import rows_of
from tests.support.command import kpi

pytestmark = pytest.mark.slow

AS_OF = date(2026, 10, 31)
# What Stripe does not know: what a product costs.
NEED_COSTS = {"gross_margin", "clv_to_cac", "cac_payback_months"}
COMPARED = ("metric_value", "numerator", "denominator", "prior_period_value", "prior_year_value", "target_value")


@pytest.fixture(scope="module")
def warehouses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same company, built from the contract's own files and from those of the systems."""
    built = {}
    for name, systems in (("own", ()), ("systems", SYSTEMS)):
        folder = tmp_path_factory.mktemp(name)
        write_sample_as(folder / "landing", systems, scale=1, seed=3, as_of=AS_OF, currency="USD")
        kpi(
            "build", "--landing", folder / "landing", "--warehouse", folder / "warehouse", "--as-of", AS_OF.isoformat()
        ).check()
        built[name] = folder / "warehouse"
    return built


def test_every_figure_is_the_same_to_the_cent(warehouses: dict[str, Path]) -> None:
    differs = " or ".join(f"own.{column} is distinct from systems.{column}" for column in COMPARED)
    key = "metric_id, period_grain, period_start, dimension, dimension_value"
    with duckdb.connect() as connection:
        for name, warehouse in warehouses.items():
            connection.execute(f"attach '{warehouse}/marts.duckdb' as {name}_marts (read_only)")
        rows = connection.execute(f"""
            select
                coalesce(own.metric_id, systems.metric_id),
                count(*) filter (where {differs} or own.metric_id is null or systems.metric_id is null),
                count(systems.metric_value),
                count(own.metric_value)
            from own_marts.kpi.kpi_scorecard as own
            full join systems_marts.kpi.kpi_scorecard as systems using ({key})
            group by 1
        """).fetchall()
    assert len(rows) == 50
    assert {metric: differing for metric, differing, _, _ in rows if differing and metric not in NEED_COSTS} == {}
    # it is a company of which every metric has something to say
    assert [metric for metric, _, _, of_own in rows if of_own == 0] == []
    # without costs there is no margin, rather than one of 100 %
    assert {metric: count for metric, _, count, _ in rows if metric in NEED_COSTS} == dict.fromkeys(NEED_COSTS, 0)


def test_no_row_is_lost_and_what_is_left_out_says_why(warehouses: dict[str, Path]) -> None:
    books = rows_of(
        warehouses["systems"],
        "select system_table, rows_quarantined, rows_left_out from staging.load_books "
        "where rows_quarantined > 0 or rows_left_out > 0",
    )
    assert sum(quarantined for _, quarantined, _ in books) == 0
    left_out = {
        (system.split(".")[0], reason)
        for system, reason in rows_of(warehouses["systems"], "select source_table, reason from staging.left_out_rows")
    }
    assert left_out >= {
        ("hubspot", "deleted"), ("hubspot", "merged"), ("hubspot", "same_rep_elsewhere"),
        ("stripe", "test"), ("stripe", "same_account_elsewhere"),
    }  # fmt: skip


def test_customers_and_companies_are_one_account(warehouses: dict[str, Path]) -> None:
    own = rows_of(warehouses["own"], "select count(*) from facts.dim_accounts")
    assert rows_of(warehouses["systems"], "select count(*) from facts.dim_accounts") == own
    assert rows_of(
        warehouses["systems"], "select count(*) > 100, count(*) filter (where is_conflict) from sources.account_links"
    ) == [(True, 0)]
