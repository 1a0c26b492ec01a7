"""What a close freezes, as Parquet: marts, figures, facts and inputs of a month, all of one build.

The connection has the build file attached as `build` and the published file as `published`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Template
from typing import Any

import duckdb

from orchestration.finance.calendar import month_end, month_name, months_after, periods_ending_with
from orchestration.finance.project import NOT_METRICS, Project
from orchestration.warehouse.sql import literal

# Exact for money (4 decimals); rates and averages to ten.
VALUE = "decimal(38, 10)"
LEADING = (
    "metric_id", "period_grain", "period_start", "period_end", "is_complete", "dimension", "dimension_value",
    "dimension_label", "numerator", "denominator", "metric_value", "prior_period_value", "prior_year_value",
    "target_value",
)  # fmt: skip
# Numbers that are of other periods, not figures of this one.
OF_OTHER_PERIODS = ("prior_period_value", "prior_year_value")
KEY = ("metric_id", "period_grain", "period_start", "dimension", "dimension_value")
TREND_MONTHS = 13
CENT = Decimal("0.01")
SEEDS = ("deal_stages", "business_hours", "holidays")
MRR_MOVEMENTS = ("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr", "reactivation_mrr", "fx_mrr")


@dataclass(frozen=True)
class Mart:
    """A metric's table: its id, and its numeric columns as name and DuckDB type."""

    table: str
    numbers: tuple[tuple[str, str], ...]

    @property
    def metric_id(self) -> str:
        return self.table.removeprefix("kpi_")

    @property
    def measures(self) -> tuple[tuple[str, str], ...]:
        """The figures a close reports: every number of the period itself."""
        return tuple((name, kind) for name, kind in self.numbers if name not in OF_OTHER_PERIODS)


def read_marts(connection: duckdb.DuckDBPyConnection, database: str) -> list[Mart]:
    """The metric marts of schema `kpi` of an attached database, by name."""
    rows = connection.execute(
        """
        select table_name, list([column_name, data_type] order by column_index) from duckdb_columns()
        where database_name = ? and schema_name = 'kpi' and not list_contains(?, table_name)
        group by table_name order by table_name
        """,
        [database, list(NOT_METRICS)],
    ).fetchall()
    numeric = ("DECIMAL", "DOUBLE", "BIGINT", "INTEGER", "HUGEINT")
    return [
        Mart(table, tuple((name, kind) for name, kind in columns if kind.startswith(numeric)))
        for table, columns in rows
    ]


def periods_sql(periods: Iterable[tuple[str, date]]) -> str:
    """A condition on period_grain and period_start."""
    told = ", ".join(f"('{grain}', date '{start}')" for grain, start in periods)
    return f"(period_grain, period_start) in ({told})"


def figures_sql(marts: Iterable[Mart], database: str, condition: str) -> str:
    """The leading columns of all marts as exact decimals, with the catalogue's labels."""
    selects = " union all by name ".join(
        f"select {', '.join(_exact(name, mart) for name in LEADING)} from {database}.kpi.{mart.table} where {condition}"
        for mart in marts
    )
    return f"""
        with marts as ({selects}),
        catalog as (
            select metric_id, name_en, name_ko, category, unit, is_higher_better,
                row_number() over (order by article_position nulls last, metric_id) as metric_order
            from {database}.kpi.kpi_catalog where is_primary_name
        )
        select marts.*, catalog.* exclude (metric_id) from marts inner join catalog using (metric_id)
    """


def _exact(name: str, mart: Mart) -> str:
    return f"cast({name} as {VALUE}) as {name}" if name in dict(mart.numbers) else name


def measures_sql(marts: Iterable[Mart], database: str, condition: str) -> str:
    """Every figure of all marts in long form: the key, the measure's name, its value, whether that is exact."""
    return " union all ".join(
        f"""
        select {", ".join(KEY)}, period_end, dimension_label, measure, value,
            list_contains({[name for name, kind in mart.measures if kind != "DOUBLE"]}, measure) as is_exact
        from (
            select {", ".join(KEY)}, period_end, dimension_label,
                {", ".join(f"cast({name} as {VALUE}) as {name}" for name, _ in mart.measures)}
            from {database}.kpi.{mart.table} where {condition}
        ) unpivot include nulls (value for measure in ({", ".join(name for name, _ in mart.measures)}))
        """
        for mart in marts
    )


def rows_of_month(condition: str, month: date, fiscal_year_start_month: int, lag_days: int) -> str:
    """A condition that a fact declares, with the month put in."""
    periods = periods_ending_with(month, fiscal_year_start_month)
    return Template(condition).substitute(
        first=f"date '{month}'",
        last=f"date '{month_end(month)}'",
        in_periods=periods_sql(periods),
        longest_first=f"date '{periods[-1][1]}'",
        lag=str(lag_days),
    )


class Freezer:
    """Writes a month's files into a folder, and counts their rows."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, month: date, version: int, settings: dict[str, Any]
    ) -> None:
        self.rows: dict[str, int] = {}
        self.periods = periods_ending_with(month, settings["fiscal_year_start_month"])
        self._connection = connection
        self._folder = folder
        self._month = month
        self._version = version
        self._settings = settings

    def freeze(self, project: Project) -> None:
        """Write all files but workbook and manifest."""
        marts = read_marts(self._connection, "published")
        in_periods = periods_sql(self.periods)
        for mart in (*marts, Mart("kpi_scorecard", ())):
            self.copy(
                f"marts/{mart.table}", f"from published.kpi.{mart.table} where {in_periods} order by {', '.join(KEY)}"
            )
        self.copy("figures", f"from ({figures_sql(marts, 'published', in_periods)}) order by {', '.join(KEY)}")
        self.copy(
            "measures", f"from ({measures_sql(marts, 'published', in_periods)}) order by {', '.join(KEY)}, measure"
        )
        self._facts(project)
        self._inputs(project)
        for bridge in ("mrr_bridge", "bookings_to_revenue"):
            self.copy(bridge, f"from build.finance.fin_{bridge} where month = date '{self._month}' order by all")
        self.copy("trends", trends_sql("published", self._month))

    def _facts(self, project: Project) -> None:
        lag = int(self._settings["cac_lag_days"])
        for fact in project.facts.values():
            where = rows_of_month(fact.rows, self._month, self._settings["fiscal_year_start_month"], lag)
            self.copy(
                f"facts/{fact.name}", f"from build.facts.{fact.name} where {where} order by {', '.join(fact.key)}"
            )
        sold = f"sold_on between date '{self._month}' and date '{month_end(self._month)}'"
        lines = f"revenue_on between date '{self._month}' and date '{month_end(self._month)}'"
        self.copy(
            "facts/sale_origins",
            "from build.finance.fin_sale_origins where sale_id in "
            f"(select sale_id from build.facts.fct_sales where {sold} "
            f"union select sale_id from build.facts.fct_revenue_lines where {lines}) order by sale_id",
        )

    def _inputs(self, project: Project) -> None:
        self.copy("inputs/kpi_catalog", "from published.kpi.kpi_catalog order by all")
        for seed in SEEDS:
            self.copy(f"inputs/{seed}", f"from build.reference.{seed} order by all")
        self.copy(
            "inputs/fx_rates",
            f"from build.facts.fct_fx_rates where rate_on <= date '{month_end(self._month)}' order by all",
        )
        self.copy("inputs/load_files", "from build.meta.landed_files order by file_id")
        self._connection.execute(
            "create or replace temp table models (unique_id varchar, path varchar, checksum varchar, sql varchar)"
        )
        self._connection.executemany("insert into models values (?, ?, ?, ?)", project.models)
        self.copy("inputs/models", "from models order by unique_id")

    def copy(self, name: str, query: str) -> None:
        """Write a query's rows as `<name>.parquet`."""
        path = self._folder / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        done = self._connection.execute(
            f"copy ({query}) to {literal(path)} (format parquet, compression zstd, kv_metadata "
            f"{{month: '{month_name(self._month)}', version: '{self._version}'}})"
        ).fetchone()
        assert done is not None
        self.rows[f"{name}.parquet"] = int(done[0])


def trends_sql(database: str, month: date) -> str:
    """The company's revenue, target and MRR movements of a month and the twelve before, for the charts."""
    between = f"between date '{months_after(month, 1 - TREND_MONTHS)}' and date '{month}'"
    return f"""
        select
            revenue.period_start as month, revenue.metric_value as revenue, revenue.target_value as target,
            {", ".join(f"mrr.{name}" for name in MRR_MOVEMENTS)}, mrr.metric_value as closing_mrr
        from {database}.kpi.kpi_revenue as revenue
        inner join {database}.kpi.kpi_mrr as mrr using (period_grain, period_start, dimension)
        where revenue.period_grain = 'month' and revenue.dimension = 'all' and revenue.period_start {between}
        order by month
    """


# Controls


@dataclass(frozen=True)
class Control:
    """A total of the marts beside the same total of the frozen facts."""

    name: str
    mart: Decimal
    facts: Decimal

    @property
    def difference(self) -> Decimal:
        """To the cent; the marts carry four decimals, a day's share of a cost ten. (No -0.00.)"""
        return (self.mart - self.facts).quantize(CENT) + 0

    @property
    def agrees(self) -> bool:
        return not self.difference


def controls(connection: duckdb.DuckDBPyConnection, folder: Path, month: date) -> list[Control]:
    """Totals of a month's frozen marts against its frozen facts."""
    file = {name: f"{literal(folder / f'{name}.parquet')}" for name in (
        "marts/kpi_revenue", "marts/kpi_mrr", "marts/kpi_average_deal_size", "marts/kpi_customer_acquisition_cost",
        "facts/fct_revenue_lines", "facts/fct_mrr_movements", "facts/fct_deals", "facts/fct_ad_spend",
        "facts/fct_sales_cost_days", "bookings_to_revenue", "mrr_bridge",
    )}  # fmt: skip
    company = "period_grain = 'month' and dimension = 'all'"
    totals = {
        "revenue": (
            f"select metric_value from {file['marts/kpi_revenue']} where {company}",
            f"select sum(amount) from {file['facts/fct_revenue_lines']}",
        ),
        "revenue, from bookings": (
            f"select metric_value from {file['marts/kpi_revenue']} where {company}",
            "select bookings - bookings_not_billed + billed_of_earlier_bookings + billed_before_won "
            f"+ subscription_sales + direct_sales - refunds from {file['bookings_to_revenue']}",
        ),
        "bookings": (
            f"select numerator from {file['marts/kpi_average_deal_size']} where {company}",
            f"select sum(amount) from {file['facts/fct_deals']} "
            f"where is_won and closed_on between date '{month}' and date '{month_end(month)}'",
        ),
        "mrr": (
            f"select metric_value from {file['marts/kpi_mrr']} where {company}",
            f"select sum(closing_mrr) from {file['facts/fct_mrr_movements']} "
            "where period_grain = 'month' and movement_scope = 'account'",
        ),
        "mrr, from its movements": (
            f"select metric_value from {file['marts/kpi_mrr']} where {company}",
            f"select opening_mrr + {' + '.join(MRR_MOVEMENTS)} from {file['mrr_bridge']} where dimension = 'all'",
        ),
        "ad_spend": (
            f"select ad_spend from {file['marts/kpi_customer_acquisition_cost']} where {company}",
            f"select sum(amount) from {file['facts/fct_ad_spend']}",
        ),
        "sales_costs": (
            f"select sales_costs from {file['marts/kpi_customer_acquisition_cost']} where {company}",
            f"select sum(amount) from {file['facts/fct_sales_cost_days']}",
        ),
    }
    return [
        Control(name, _total(connection, mart), _total(connection, facts)) for name, (mart, facts) in totals.items()
    ]


def _total(connection: duckdb.DuckDBPyConnection, query: str) -> Decimal:
    row = connection.execute(f"select coalesce(cast(({query}) as {VALUE}), 0)").fetchone()
    assert row is not None
    return Decimal(row[0])
