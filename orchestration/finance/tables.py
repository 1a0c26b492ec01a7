"""Schema `finance` of the published database: the closed months, what today's data says of them, and the two bridges.

Written anew with every publish and every close, from the closed folders (which it only reads) and the build.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.paths import WarehousePaths
from orchestration.finance import bridges, restatements
from orchestration.finance.calendar import parse_month
from orchestration.finance.snapshot import VALUE, escaped, read_marts, read_models
from orchestration.finance.store import (
    ClosedMonth,
    DamagedMonthError,
    Link,
    closed_folders,
    folder_name,
    latest_versions,
    read_closed,
    verify_files,
)

SCHEMA = "finance"
MONEY = bridges.MONEY
MOVEMENTS = bridges.MRR_MOVEMENTS


@dataclass(frozen=True)
class FinanceTable:
    """A table of schema finance: its comment, and per column the type and what it means."""

    name: str
    comment: str
    columns: dict[str, tuple[str, str]]


CLOSED_MONTH = {
    "close_month": ("date", "The closed month, its first day."),
    "version": ("integer", "1, or more where the month was restated."),
}
TABLES = (
    FinanceTable(
        "closed_months",
        "Every closed month and version that is known: one row per close_month, version.",
        {
            **CLOSED_MONTH,
            "is_latest_version": ("boolean", "Whether this is the version that counts."),
            "closed_at": ("timestamp", "When it was closed, in UTC."),
            "closed_by": ("varchar", "Who closed it."),
            "reason": ("varchar", "Why it was restated; NULL for version 1."),
            "run_id": ("varchar", "The build that it froze."),
            "as_of_date": ("date", "The last day that counted in that build."),
            "code_version": ("varchar", "Version of the project that made the build."),
            "models_sha256": ("varchar", "Hash over all models, seeds and macros of that build."),
            "manifest_sha256": ("varchar", "SHA-256 of the month's manifest.json, which vouches for every file."),
            "previous_manifest_sha256": ("varchar", "The same of the month before, as this one was closed."),
            "file_count": ("integer", "Files frozen."),
            "folder": ("varchar", "The month's folder, below the warehouse folder."),
            "problem": (
                "varchar",
                "What is wrong with the folder; it is left out of the other tables then. NULL: nothing.",
            ),
        },
    ),
    FinanceTable(
        "kpi_monthly_snapshots",
        "The figures of all closed months and versions, as they were reported: one row per close_month, version, "
        "metric_id, period_grain, period_start, dimension, dimension_value. A quarter or year is in the month "
        "that it ends with.",
        {
            **CLOSED_MONTH,
            "is_latest_version": ("boolean", "Whether this is the version that counts."),
            "closed_at": ("timestamp", "When it was closed, in UTC."),
            "closed_by": ("varchar", "Who closed it."),
            "run_id": ("varchar", "The build that it froze."),
            "metric_id": ("varchar", "The metric."),
            "period_grain": ("varchar", "month, quarter or year."),
            "period_start": ("date", "First day of the period."),
            "period_end": ("date", "Last day of the period."),
            "dimension": ("varchar", "all, or the name of the cut."),
            "dimension_value": ("varchar", "The member's key."),
            "dimension_label": ("varchar", "The member's name."),
            "numerator": (VALUE, "What was divided."),
            "denominator": (VALUE, "By what; NULL for a count, a sum or a balance."),
            "metric_value": (VALUE, "The figure, as reported."),
            "prior_period_value": (VALUE, "The figure one period earlier, as that build had it."),
            "prior_year_value": (VALUE, "The figure one year earlier, as that build had it."),
            "target_value": (VALUE, "The target, where there was one."),
            "name_en": ("varchar", "English name of the metric."),
            "name_ko": ("varchar", "Korean name of the metric."),
            "category": ("varchar", "performance, activity, productivity or beyond."),
            "unit": ("varchar", "What metric_value is measured in."),
            "is_higher_better": ("boolean", "Whether more is better."),
        },
    ),
    FinanceTable(
        "kpi_restatements",
        "Every closed figure that today's data gives differently, and those that a later version settled: one row per "
        "close_month, version, metric_id, period_grain, period_start, dimension, dimension_value, measure.",
        {
            **CLOSED_MONTH,
            "restated_in_version": ("integer", "The version that took the difference up; NULL while it is open."),
            "metric_id": ("varchar", "The metric."),
            "name_en": ("varchar", "English name of the metric."),
            "name_ko": ("varchar", "Korean name of the metric."),
            "unit": ("varchar", "What metric_value is measured in."),
            "period_grain": ("varchar", "month, quarter or year."),
            "period_start": ("date", "First day of the period."),
            "period_end": ("date", "Last day of the period."),
            "dimension": ("varchar", "all, or the name of the cut."),
            "dimension_value": ("varchar", "The member's key."),
            "dimension_label": ("varchar", "The member's name."),
            "measure": ("varchar", "metric_value, or another column of the mart."),
            "reported_value": (VALUE, "As it was closed; NULL: no value."),
            "current_value": (VALUE, "As today's data gives it (of a settled one: as the later version gave it)."),
            "difference": (VALUE, "current_value - reported_value, NULL counting as 0."),
            "cause": (
                "varchar",
                "late_data: rows of the period that arrived after the close; attributes: only rows of accounts, reps "
                "or products changed; later_events: the figure follows its period beyond its end; settings, models: no "
                "row changed, but these did.",
            ),
            "cause_detail": ("varchar", "How settings or models differ from those of the close, where they do."),
            "changed_row_count": ("bigint", "Landed rows behind the difference."),
            "changed_rows": (
                restatements.ROW_TYPE,
                f"The first {restatements.MOST_ROWS} of them, and when they arrived.",
            ),
            "first_arrived_at": ("timestamp", "When the first of them was loaded, in UTC."),
            "last_arrived_at": ("timestamp", "When the last of them was loaded, in UTC."),
            "compared_run_id": ("varchar", "The build that was compared with."),
            "compared_as_of_date": ("date", "The last day that counts in it."),
        },
    ),
    FinanceTable(
        "late_rows",
        "The landed rows that arrived after a month was closed and changed a fact of it: one row per close_month, "
        "system_table, row_key.",
        {
            **CLOSED_MONTH,
            "system_table": ("varchar", "The landed table, as system.table."),
            "row_key": ("varchar", "The row's key."),
            "change": ("varchar", "new, or changed where the close knew another version of it."),
            "row_on": ("date", "The row's own date, where it has one."),
            "file_name": ("varchar", "The file it came in."),
            "line": ("bigint", "Its line in the file."),
            "load_id": ("varchar", "The run that loaded it."),
            "arrived_at": ("timestamp", "When it was loaded, in UTC."),
            "figure_count": ("bigint", "Figures of the month that it changed."),
        },
    ),
    FinanceTable(
        "mrr_bridge",
        "MRR from month to month: opening + restated + movements = closing, and opening is the closing of the month "
        "before as it stands. Closed months as reported, the others as today's data has them: one row per month, "
        "dimension, dimension_value.",
        {
            "month": ("date", "First day of the month."),
            "dimension": ("varchar", "all, region, segment, lead_source or plan."),
            "dimension_value": ("varchar", "The member."),
            "is_closed": ("boolean", "Whether the month is closed."),
            "version": ("integer", "The version it is closed in; NULL while it is open."),
            "is_complete": ("boolean", "Whether the month was over on the as-of date."),
            "opening_mrr": (MONEY, "Closing MRR of the month before."),
            "restated_mrr": (MONEY, "What data that came later changes about that opening; 0 where nothing did."),
            "new_mrr": (MONEY, "Of accounts that never had any."),
            "expansion_mrr": (MONEY, "More, of accounts that had some."),
            "contraction_mrr": (MONEY, "Less, of accounts that still have some; negative."),
            "churned_mrr": (MONEY, "Of accounts that have none any more; negative."),
            "reactivation_mrr": (MONEY, "Of accounts that had some once, and none where the month opened."),
            "fx_mrr": (MONEY, "What exchange rates alone changed."),
            "closing_mrr": (MONEY, "MRR at the month's end."),
        },
    ),
    FinanceTable(
        "bookings_to_revenue",
        "From deals won to revenue: bookings - bookings_not_billed + billed_of_earlier_bookings + billed_before_won + "
        "subscription_sales + direct_sales - refunds = revenue. Closed months as reported, the others as today's data "
        "has them: one row per month.",
        {
            "month": ("date", "First day of the month."),
            "is_closed": ("boolean", "Whether the month is closed."),
            "version": ("integer", "The version it is closed in; NULL while it is open."),
            "is_complete": ("boolean", "Whether the month was over on the as-of date."),
            "bookings": (MONEY, "Amount of the deals won in the month."),
            "deals_won": ("bigint", "How many."),
            "bookings_not_billed": (
                MONEY,
                "Of those bookings, what the month's orders do not bill; negative: billed more.",
            ),
            "billed_of_earlier_bookings": (MONEY, "Orders of deals won in earlier months."),
            "billed_before_won": (MONEY, "Orders of deals that were not won by the month's end."),
            "subscription_sales": (MONEY, "Orders of a subscription without a deal."),
            "direct_sales": (MONEY, "Orders of neither."),
            "refunds": (MONEY, "Refunds of the month, as a positive amount."),
            "revenue": (MONEY, "The month's revenue, as in kpi_revenue."),
        },
    ),
)


def write_finance(connection: duckdb.DuckDBPyConnection, paths: WarehousePaths) -> None:
    """Create and fill schema `finance` in the current database.

    The build file must be attached as `build`, and the current database hold meta.build_info. Closed folders that are
    damaged are named in closed_months and left out of the rest: `kpi verify` says what is wrong with them.
    """
    connection.execute(f"create schema if not exists {SCHEMA}")
    for table in TABLES:
        _create(connection, table)
    warehouse = paths.root
    known = _fill_closed_months(connection, paths)
    latest = list(latest_versions(known).values())
    today = _today(connection, warehouse)
    _fill_snapshots(connection, known)
    _fill_restatements(connection, known, latest, today)
    _fill_mrr_bridge(connection, latest, today.as_of_date)
    _fill_bookings_to_revenue(connection, latest, today.as_of_date)


def _create(connection: duckdb.DuckDBPyConnection, table: FinanceTable) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in table.columns.items())
    connection.execute(f"create table {SCHEMA}.{table.name} ({columns})")
    connection.execute(f"comment on table {SCHEMA}.{table.name} is '{escaped(table.comment)}'")
    for name, (_, meaning) in table.columns.items():
        connection.execute(f"comment on column {SCHEMA}.{table.name}.{name} is '{escaped(meaning)}'")


def _today(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> restatements.Today:
    info = connection.execute("select run_id, as_of_date from meta.build_info").fetchone()
    assert info is not None
    models = read_models(warehouse)
    return restatements.Today(info[0], info[1], _settings(connection), models.sha256, models.metric_facts)


def _settings(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    cursor = connection.execute("from build.gates.run")
    names = [column[0] for column in cursor.description or []]
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else {}


def _fill_closed_months(connection: duckdb.DuckDBPyConnection, paths: WarehousePaths) -> list[ClosedMonth]:
    """Enter every closed month; returns those whose files are as they were closed."""
    sound: list[ClosedMonth] = []
    warehouse, finance = paths.root, paths.finance
    entered = set()
    for month, version, folder in closed_folders(finance):
        entered.add((month, version))
        try:
            one = read_closed(month, version, folder)
        except DamagedMonthError as error:
            _enter(connection, {"close_month": month, "version": version, "problem": str(error)}, folder, warehouse)
            continue
        problems = verify_files(one)
        if not problems:
            sound.append(one)
        manifest = one.manifest
        values = {
            "close_month": month, "version": version, "closed_at": manifest.closed_at.removesuffix("+00:00"),
            "closed_by": manifest.closed_by, "reason": manifest.reason, "run_id": manifest.run_id,
            "as_of_date": manifest.as_of_date, "code_version": manifest.code_version,
            "models_sha256": manifest.models_sha256, "manifest_sha256": one.manifest_sha256,
            "previous_manifest_sha256": manifest.previous.manifest_sha256 if manifest.previous else None,
            "file_count": len(manifest.files), "problem": problems[0] if problems else None,
        }  # fmt: skip
        _enter(connection, values, folder, warehouse)
    for link, values in recorded_months(paths.marts_file):
        month = parse_month(link.month)
        if (month, link.version) not in entered:
            folder = finance / folder_name(month, link.version)
            _enter(connection, {**values, "problem": f"{folder} is missing"}, folder, warehouse)
    connection.execute(f"""
        update {SCHEMA}.closed_months as months set is_latest_version = version = (
            select max(version) from {SCHEMA}.closed_months as others where others.close_month = months.close_month
        )
    """)
    return sound


def _enter(connection: duckdb.DuckDBPyConnection, values: dict[str, Any], folder: Path, warehouse: Path) -> None:
    values = {**values, "folder": folder.relative_to(warehouse).as_posix()}
    names = ", ".join(values)
    connection.execute(
        f"insert into {SCHEMA}.closed_months ({names}) values ({', '.join('?' for _ in values)})", list(values.values())
    )


def recorded_months(published: Path) -> list[tuple[Link, dict[str, Any]]]:
    """The closed months that a published file knows of, each with its manifest's hash and all it recorded."""
    if not published.exists():
        return []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{escaped(published)}' as recorded (read_only)")
        exists = connection.execute(
            "select 1 from duckdb_tables() where database_name = 'recorded' and schema_name = ? "
            "and table_name = 'closed_months'",
            [SCHEMA],
        ).fetchone()
        if not exists:
            return []
        cursor = connection.execute(
            f"from recorded.{SCHEMA}.closed_months where manifest_sha256 is not null order by all"
        )
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    known = [name for table in TABLES if table.name == "closed_months" for name in table.columns]
    return [
        (
            Link(f"{row['close_month']:%Y-%m}", row["version"], row["manifest_sha256"]),
            {name: row[name] for name in known if name in row and name not in ("folder", "is_latest_version")},
        )
        for row in rows
    ]


def _columns(name: str) -> list[str]:
    return next(list(table.columns) for table in TABLES if table.name == name)


def _fill_snapshots(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> None:
    for one in closed:
        columns = [name for name in _columns("kpi_monthly_snapshots") if name not in (
            "close_month", "version", "is_latest_version", "closed_at", "closed_by", "run_id",
        )]  # fmt: skip
        connection.execute(
            f"""
            insert into {SCHEMA}.kpi_monthly_snapshots
            select months.close_month, months.version, months.is_latest_version, months.closed_at, months.closed_by,
                months.run_id, {", ".join(f"figures.{name}" for name in columns)}
            from read_parquet('{escaped(one.file("figures.parquet"))}') as figures
            inner join {SCHEMA}.closed_months as months on months.close_month = ? and months.version = ?
            order by figures.metric_order, figures.period_grain, figures.dimension <> 'all', figures.dimension,
                figures.dimension_value
            """,
            [one.month, one.version],
        )


def _fill_restatements(
    connection: duckdb.DuckDBPyConnection,
    closed: Sequence[ClosedMonth],
    latest: Sequence[ClosedMonth],
    today: restatements.Today,
) -> None:
    for one in closed:
        if one.version > 1 and one.file("restatements.parquet").exists():
            connection.execute(
                f"insert into {SCHEMA}.kpi_restatements by name select * replace (? as restated_in_version) "
                f"from read_parquet('{escaped(one.file('restatements.parquet'))}') where close_month = ?",
                [one.version, one.month],
            )
    restatements.write_restatements(connection, latest, read_marts(connection, "build"), today)
    connection.execute(f"insert into {SCHEMA}.kpi_restatements by name from restatements order by all")
    if latest:
        connection.execute(f"""
            insert into {SCHEMA}.late_rows
            select late.close_month, months.version, late.system_table, late.row_key, late.change, late.row_on,
                late.file_name, late.line, late.load_id, late.arrived_at, count(distinct figure_rows.figure_id)
            from late_rows as late
            inner join (select distinct close_month, version from closed_periods) as months using (close_month)
            inner join figure_rows using (row_id)
            inner join differences on figure_rows.figure_id = differences.figure_id
                and differences.close_month = late.close_month
            group by all order by all
        """)


def _fill_mrr_bridge(connection: duckdb.DuckDBPyConnection, latest: Sequence[ClosedMonth], as_of: date) -> None:
    own = _closed_and_open(latest, "mrr_bridge", bridges.MRR_BRIDGE)
    movements = ", ".join(f"cast(coalesce(own.{name}, 0) as {MONEY})" for name in MOVEMENTS)
    connection.execute(f"""
        insert into {SCHEMA}.mrr_bridge
        with
        own as ({own}),
        before as (
            select cast(month + interval 1 month as date) as month, dimension, dimension_value, closing_mrr from own
        ),
        months as (
            select month, any_value(is_closed) as is_closed, any_value(version) as version from own group by month
        ),
        bounds as (select min(month) as first_month from own)
        select
            months.month,
            coalesce(own.dimension, before.dimension) as dimension,
            coalesce(own.dimension_value, before.dimension_value) as dimension_value,
            months.is_closed,
            months.version,
            months.month + interval 1 month <= date '{as_of}',
            case when months.month = bounds.first_month then own.opening_mrr else coalesce(before.closing_mrr, 0) end,
            case
                when months.month = bounds.first_month then 0
                else coalesce(own.opening_mrr, 0) - coalesce(before.closing_mrr, 0)
            end,
            {movements},
            coalesce(own.closing_mrr, 0)
        from own
        full outer join before using (month, dimension, dimension_value)
        inner join months on months.month = coalesce(own.month, before.month)
        cross join bounds
        where own.month is not null or before.closing_mrr <> 0
        order by 1, dimension <> 'all', dimension, dimension_value
    """)


def _fill_bookings_to_revenue(
    connection: duckdb.DuckDBPyConnection, latest: Sequence[ClosedMonth], as_of: date
) -> None:
    columns = _columns("bookings_to_revenue")[4:]
    connection.execute(f"""
        insert into {SCHEMA}.bookings_to_revenue
        select month, is_closed, version, month + interval 1 month <= date '{as_of}', {", ".join(columns)}
        from ({_closed_and_open(latest, "bookings_to_revenue", bridges.BOOKINGS_TO_REVENUE)}) order by month
    """)


def _closed_and_open(latest: Sequence[ClosedMonth], name: str, query: str) -> str:
    """A bridge's rows: those of closed months as they were frozen, of the others as today's data has them."""
    closed = "".join(
        f" union all by name select *, true as is_closed, {one.version} as version "
        f"from read_parquet('{escaped(one.file(f'{name}.parquet'))}')"
        for one in latest
    )
    months = ", ".join(f"date '{one.month}'" for one in latest) or "null"
    return (
        f"select *, false as is_closed, cast(null as integer) as version from ({query}) "
        f"where not coalesce(month in ({months}), false){closed}"
    )
