"""Schema `finance` of what is published, as it is declared: tables, columns, what they mean."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from orchestration.finance.snapshot import VALUE
from orchestration.warehouse.sql import literal

SCHEMA = "finance"
MONEY = "decimal(28, 4)"
# How many landed rows a restated figure names, and what it says of each.
MOST_ROWS = 100
ROW_TYPE = (
    "struct(system_table varchar, row_key varchar, change varchar, row_on date, file_name varchar, line bigint, "
    "load_id varchar, arrived_at timestamp)[]"
)


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
                ROW_TYPE,
                f"The first {MOST_ROWS} of them, and when they arrived.",
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
    FinanceTable(
        "closes",
        "The register of closes, as this release knew it: every close in order, one row per close_number.",
        {
            "close_number": ("bigint", "The close, counted from 1."),
            **CLOSED_MONTH,
            "closed_at": ("timestamp", "When it was closed, in UTC."),
            "closed_by": ("varchar", "Who closed it."),
            "manifest_sha256": ("varchar", "SHA-256 of the month's manifest.json."),
            "line_sha256": ("varchar", "SHA-256 of its line in finance/closes.jsonl, which names the line before."),
        },
    ),
)


def columns_of(name: str) -> list[str]:
    """The columns of a table, in order."""
    return next(list(table.columns) for table in TABLES if table.name == name)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the schema with its tables, empty and commented, in the current database."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for table in TABLES:
        columns = ", ".join(f"{name} {kind}" for name, (kind, _) in table.columns.items())
        connection.execute(f"create table {SCHEMA}.{table.name} ({columns})")
        connection.execute(f"comment on table {SCHEMA}.{table.name} is {literal(table.comment)}")
        for name, (_, meaning) in table.columns.items():
            connection.execute(f"comment on column {SCHEMA}.{table.name}.{name} is {literal(meaning)}")
