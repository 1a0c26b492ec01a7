"""What must hold of any company's numbers, for tests that put random ones through the real models.

`kpi_invariants`, which runs with every build, holds the rest: cuts that add up to `all`, values that are numerator /
denominator, prior values that are the earlier rows, rates within bounds.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.catalog import metrics
from orchestration.core.settings import Settings, load_settings
from orchestration.load.loader import load
from tests.reference import compare, compute, differing_books
from tests.support.companies import AS_OF, RandomCompany
from tests.support.drill import differences
from tests.support.replay import Replay

# How many companies to build for each. `TEST_EXAMPLES=40 make test` looks harder.
EXAMPLES = int(os.environ.get("TEST_EXAMPLES", "6"))
# The defaults, and between them every other value of every setting that decides what a figure is.
VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "bookings_stripe": {
        "revenue_basis": "bookings",
        "customer_active_days": 45,
        "churn_formula": "stripe",
        "cac_lag_days": 10,
        "attributes_as_of": "event",
        "velocity_days": 30,
        "fx_inference": "inverse",
    },
    "seoul_fiscal_april_chartmogul": {
        "business_timezone": "Asia/Seoul",
        "fiscal_year_start_month": 4,
        "churn_formula": "chartmogul",
        "paused_subscriptions": "included",
        "response_time_clock": "business_hours",
        "naive_timestamps_in": "crm=Asia/Seoul,billing=America/New_York",
        "renewal_gap_days": 3,
        "full_extract_tables": "crm.leads,billing.products,planning.sales_targets",
    },
    "euro_new_york_paid_only": {
        "reporting_currency": "EUR",
        "business_timezone": "America/New_York",
        "win_rate_basis": "amount",
        "sales_cycle_start": "deal_created",
        "lead_conversion_basis": "period",
        "cac_costs": "paid_only",
        "cac_lag_days": 40,
        "response_time_clock": "business_hours",
        "naive_timestamps_in": "America/New_York",
        "attributes_as_of": "event",
        "fx_inference": "cross",
        "fx_rate_max_age_days": 20,
        "renewal_gap_days": 0,
    },
}
ADDITIVE = ("revenue", "new_customers", "sales_opportunities", "calls_and_emails", "proposals_sent", "referrals")
LAYERS = (
    ["path:seeds", "path:models/staging"],
    ["path:models/intermediate", "path:models/facts"],
    ["path:models/kpis"],
)


class Warehouse:
    """One warehouse folder that random companies are built in, one after another."""

    def __init__(self, folder: Path, variant: str = "defaults") -> None:
        given = VARIANTS[variant]
        self.now = self._settings(folder, {"as_of_date": AS_OF, **given})
        # the same with the books closed earlier
        self.then = self._settings(folder, {"as_of_date": AS_OF - timedelta(days=200), **given})
        self.landing = self.now.landing
        self._replays = {settings.as_of: Replay(settings, LAYERS) for settings in (self.now, self.then)}
        self._given = given
        self._connection: duckdb.DuckDBPyConnection | None = None

    @staticmethod
    def _settings(folder: Path, given: dict[str, Any]) -> Settings:
        return load_settings({"landing": folder / "landing", "warehouse": folder / "warehouse", **given})

    def clear(self) -> None:
        """Nothing landed, nothing loaded."""
        self._loads: dict[tuple[str, str], int] = {}
        self._close()
        shutil.rmtree(self.landing, ignore_errors=True)
        self.landing.mkdir(parents=True)
        self.now.warehouse.mkdir(exist_ok=True)
        with duckdb.connect(str(self.now.paths.build_file)) as connection:
            connection.execute("drop schema if exists raw cascade")

    def land(self, company: RandomCompany) -> tuple[list[Path], int]:
        """Land a company's files, and nothing else. Returns their paths, and how many rows and lines they have."""
        self.clear()
        return company.write(self.landing)

    def build(self, settings: Settings) -> None:
        """Load what has landed, run all models, and compare what they say with the reference."""
        self._close()
        with duckdb.connect(str(self.now.paths.build_file)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            load(connection, self.landing, "test")
        self._replays[settings.as_of].run()
        self._connection = duckdb.connect(str(self.now.paths.build_file), read_only=True)
        number = max(self._loads.values(), default=0) + 1
        for path in self.landing.glob("*/*/*.csv"):
            self._loads.setdefault((f"{path.parent.parent.name}.{path.parent.name}", path.name), number)
        expected = compute(self.landing, as_of=settings.as_of, loads=self._loads, **self._given)
        differences = differing_books(expected, self._connection) + compare(expected, self._connection)
        assert not differences, "\n".join([f"{len(differences)} differences from the reference:", *differences[:20]])

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """To the build file, read-only."""
        assert self._connection is not None
        return self._connection

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables of schema kpi."""
        models = self._replays[self.now.as_of].kpi_models()
        return {name: self.query(f"from kpi.{name} order by all") for name in models}

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def identities_hold(warehouse: Warehouse, company: RandomCompany) -> list[Path]:
    """Build a company, compare all its marts with the reference and with each other. Returns the landed files."""
    files, written = warehouse.land(company)
    warehouse.build(warehouse.now)
    check_books(warehouse, written)
    check_grains_agree(warehouse)
    check_metrics_agree(warehouse)
    check_balances(warehouse)
    check_rows_behind(warehouse)
    return files


def the_way_of_arrival_does_not_matter(warehouse: Warehouse, company: RandomCompany) -> None:
    """Build a company at once, which `identities_hold` checks, and in steps: the marts are the same."""
    files = identities_hold(warehouse, company)
    whole = warehouse.marts()
    arrive_in_steps(warehouse, files, random.Random(company.seed))
    in_steps = warehouse.marts()
    for name, rows in whole.items():
        assert in_steps[name] == rows, f"{name} depends on how the files arrived"


def check_books(warehouse: Warehouse, written: int) -> None:
    """Every row read is current, superseded, quarantined or took its key away, and nothing written is missing."""
    books = warehouse.query(
        "select rows_read, rows_current + rows_superseded + rows_quarantined + rows_deleted from staging.load_books"
    )
    assert all(read == told for read, told in books), books
    assert sum(read for read, _ in books) == written, books
    assert warehouse.query("select count(*) from staging.quarantined_rows") == warehouse.query(
        "select sum(rows_quarantined) from staging.load_books"
    )


def check_grains_agree(warehouse: Warehouse) -> None:
    """Weeks, months, quarters and years tile the same days: their totals of an additive metric are equal."""
    for metric in ADDITIVE:
        totals = warehouse.query(
            f"select period_grain, sum(numerator) from kpi.kpi_{metric} "
            "where dimension = 'all' and period_grain <> 'year_to_date' group by all"
        )
        assert len({total for _, total in totals}) == 1, f"{metric}: {totals}"


def check_metrics_agree(warehouse: Warehouse) -> None:
    """Who has not stayed has left; and the scorecard says what the marts say."""
    key = "period_grain, period_start, dimension, dimension_value"
    if warehouse.now.churn_formula == "active_customers":
        assert_empty(
            warehouse,
            f"""
            select {key} from kpi.kpi_customer_retention_rate as retention
            full join kpi.kpi_customer_churn_rate as churn using ({key})
            where retention.metric_value + churn.metric_value is distinct from 1.0
                and (retention.metric_value is not null or churn.metric_value is not null)
            """,
        )
    leading = f"metric_id, {key}, numerator, denominator, cast(metric_value as double)"
    for metric in (row[0] for row in warehouse.query("select metric_id from kpi.kpi_catalog group by 1")):
        scorecard = f"select {leading} from kpi.kpi_scorecard where metric_id = '{metric}'"
        mart = f"select {leading} from kpi.kpi_{metric}"
        assert_empty(warehouse, f"({scorecard} except all {mart}) union all ({mart} except all {scorecard})")


def check_balances(warehouse: Warehouse) -> None:
    """What a period opens with and what moved make what it closes with."""
    movements = "new_mrr + expansion_mrr + contraction_mrr + churned_mrr + reactivation_mrr + fx_mrr"
    assert_empty(
        warehouse,
        f"""
        select period_grain, period_start from kpi.kpi_mrr
        where dimension = 'all' and period_grain <> 'year_to_date'
            and coalesce(prior_period_value, 0) + {movements} <> metric_value
    """,
    )
    # deals: open before + those that came to be open - those that ceased to be open = open after, counted deal by deal
    assert_empty(
        warehouse,
        """
        with ends as (
            select p.period_grain, p.period_start, d.deal_id,
                bool_or(i.open_from <= p.period_start - 1 and p.period_start - 1 < i.open_to) as is_open_before,
                bool_or(i.open_from <= p.balance_on and p.balance_on < i.open_to) as is_open_after
            from facts.dim_periods as p cross join facts.fct_deals as d
            left join facts.fct_deal_open_intervals as i using (deal_id)
            group by all
        ),
        flows as (
            select period_grain, period_start,
                count(*) filter (where is_open_before) as opening,
                count(*) filter (where not coalesce(is_open_before, false) and is_open_after) as opened,
                count(*) filter (where is_open_before and not coalesce(is_open_after, false)) as closed
            from ends group by all
        )
        select period_grain, period_start
        from flows inner join kpi.kpi_sales_pipeline as pipeline using (period_grain, period_start)
        where pipeline.dimension = 'all'
            and (opening + opened - closed <> pipeline.numerator or opening <> coalesce(pipeline.prior_period_value, 0))
    """,
    )


def check_rows_behind(warehouse: Warehouse) -> None:
    """Every figure is the sum of the rows that its drill view shows.

    Of a figure that is a product of parts this needs a company with rows of each part: tests/test_drill.py.
    """
    for metric in metrics().values():
        if metric.drill == "additive":
            assert differences(warehouse.connection, metric.metric_id) == []


def assert_empty(warehouse: Warehouse, sql: str) -> None:
    rows = warehouse.query(sql)
    assert rows == [], sql


def arrive_in_steps(warehouse: Warehouse, files: Sequence[Path], rng: random.Random) -> None:
    """The same files in two deliveries and another order, with a build on earlier books in between."""
    everything = {path: path.read_bytes() for path in files}
    warehouse.clear()
    order = list(everything)
    rng.shuffle(order)
    half = len(order) // 2
    for delivery, settings in ((order[:half], warehouse.then), (order[half:], warehouse.now)):
        for path in delivery:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(everything[path])
        if delivery:
            warehouse.build(settings)
