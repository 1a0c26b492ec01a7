"""Closed months that are damaged, or that today's data gives differently: for whoever looks at what is published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import duckdb

from orchestration.show.published import Metric, formatted


def _restated_months(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """A line for each closed month with a restatement open, oldest first.

    It says how many figures differ, and which of the company's in money differs most.
    """
    rows = connection.execute(
        """
        select
            close_month, count(*), count(distinct metric_id),
            arg_max((name_en, unit, reported_value, current_value), abs(difference)) filter (
                where unit = 'money' and dimension = 'all' and measure = 'metric_value' and period_grain = 'month'
            )
        from finance.kpi_restatements where restated_in_version is null
        group by close_month order by close_month
        """
    ).fetchall()
    return [_line(*row) for row in rows]


def _is_there(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether what is published knows of restatements; an older edition's does not."""
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'finance' and table_name = 'kpi_restatements'"
    ).fetchone()
    return found is not None


def _line(month: date, figures: int, metrics: int, most: Any) -> str:
    line = f"{month:%Y-%m} is closed, but today's data changes {figures:,} of its figures ({metrics} metrics)"
    if most is not None:
        metric, unit, reported, current = most.values() if isinstance(most, dict) else most
        line += f": {metric} {formatted(current, unit)}, reported {formatted(reported, unit)}"
    return line


def closed_month_lines(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What is to be said of the closed months: those that are not as they were closed, those that today's data changes.

    `connection`: to a published `marts.duckdb`.
    """
    if not _is_there(connection):
        return []
    damaged = connection.execute(
        "select close_month, problem from finance.closed_months where problem is not null order by all"
    ).fetchall()
    return [
        *(f"{month:%Y-%m} is left out of what finance reads: {problem}" for month, problem in damaged),
        *_restated_months(connection),
    ]


def restated_values(
    connection: duckdb.DuckDBPyConnection, metric: Metric, *, cut: str | None, grain: str, starts: Sequence[date]
) -> list[str]:
    """Of a metric's values in some periods (their first days), those that were reported otherwise, in words."""
    if not _is_there(connection):
        return []
    rows = connection.execute(
        """
        select period_start, dimension_label, reported_value, current_value, close_month
        from finance.kpi_restatements
        where restated_in_version is null and metric_id = ? and period_grain = ? and dimension = ?
            and measure = 'metric_value' and period_start in (select unnest(?::date[]))
        order by period_start desc, abs(difference) desc, dimension_value
        """,
        [metric.metric_id, grain, cut or "all", list(starts)],
    ).fetchall()
    return [
        f"{start:%Y-%m}{'' if cut is None else ' ' + label}: reported {formatted(reported, metric.unit)} when "
        f"{closed:%Y-%m} was closed, now {formatted(current, metric.unit)}"
        for start, label, reported, current, closed in rows
    ]
