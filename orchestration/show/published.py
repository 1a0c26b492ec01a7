"""Reads what is published, for people at a terminal."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.core.errors import UsageError

GRAINS = ("week", "month", "quarter", "year", "year_to_date")
BARS = "▁▂▃▄▅▆▇█"
GAP = "·"


@dataclass(frozen=True)
class Metric:
    """A metric of the catalogue: id, English name, unit (money, count, rate, days, minutes, hours, ...).

    `missing_inputs`: what it needs and never landed, in words; its values are then not known.
    """

    metric_id: str
    name_en: str
    unit: str
    missing_inputs: str | None


@dataclass(frozen=True)
class Series:
    """One member's values, oldest period first; `rows` are dictionaries of the mart's leading columns."""

    label: str
    rows: list[dict[str, Any]]


def find_metric(connection: duckdb.DuckDBPyConnection, name: str) -> Metric:
    """The metric with this id, English or Korean name. Raises UsageError with the nearest names otherwise."""
    rows = connection.execute(
        "select metric_id, name_en, name_ko, unit, missing_inputs from kpi.kpi_catalog"
    ).fetchall()
    wanted = name.strip().lower().removeprefix("kpi_")
    for metric_id, name_en, name_ko, unit, missing_inputs in rows:
        if wanted in (metric_id, name_en.lower(), name_ko.lower()):
            return Metric(metric_id, name_en, unit, missing_inputs)
    known = sorted({row[0] for row in rows})
    near = difflib.get_close_matches(wanted.replace(" ", "_"), known, n=3, cutoff=0.4)
    hint = f"did you mean {', '.join(near)}?" if near else f"metrics are {', '.join(known)}"
    raise UsageError(f"there is no metric {name}: {hint}")


def cuts(connection: duckdb.DuckDBPyConnection, metric: Metric) -> list[str]:
    """The dimensions of a metric's mart beside `all`, sorted."""
    rows = connection.execute(
        f"select distinct dimension from kpi.kpi_{metric.metric_id} where dimension <> 'all' order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def check_cut_and_grain(connection: duckdb.DuckDBPyConnection, metric: Metric, cut: str | None, grain: str) -> None:
    """Raises UsageError where the cut or the grain is not the metric's, with those that are."""
    if grain not in GRAINS:
        raise UsageError(f"--grain {grain}: grains are {', '.join(GRAINS)}")
    if cut is not None and cut not in (known := cuts(connection, metric)):
        told = f"its cuts are {', '.join(known)}" if known else "it has none"
        raise UsageError(f"{metric.metric_id} has no cut {cut}: {told}")
    found = connection.execute(
        f"select 1 from kpi.kpi_{metric.metric_id} where period_grain = ? and dimension = ? limit 1",
        [grain, cut or "all"],
    ).fetchone()
    if not found:
        raise UsageError(f"{metric.metric_id} has no {grain} rows: it is not defined for that grain")


def read_series(
    connection: duckdb.DuckDBPyConnection, metric: Metric, *, cut: str | None, grain: str, last: int
) -> list[Series]:
    """The last periods of a metric, one series a member, the greatest latest value first.

    Raises UsageError where the cut or the grain is not the metric's.
    """
    table = f"kpi.kpi_{metric.metric_id}"
    check_cut_and_grain(connection, metric, cut, grain)
    cursor = connection.execute(
        f"""
        with periods as (
            select period_start from {table} where period_grain = ? group by period_start
            order by period_start desc limit ?
        )
        select
            dimension_label, period_start, period_label, is_complete,
            metric_value, prior_period_value, prior_year_value, target_value
        from {table} where period_grain = ? and dimension = ? and period_start in (from periods)
        order by period_start
        """,
        [grain, last, grain, cut or "all"],
    )
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    periods = sorted({(row["period_start"], row["period_label"]) for row in rows})
    series = [
        Series(label, _on_every(periods, [row for row in rows if row["dimension_label"] == label]))
        for label in dict.fromkeys(row["dimension_label"] for row in rows)
    ]
    return sorted(series, key=lambda one: _sort_value(one.rows[-1]["metric_value"]), reverse=True)


def _on_every(periods: list[tuple[date, str]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row per period (its start and label); a period without a row gets one without values."""
    by_start = {row["period_start"]: row for row in rows}
    empty = dict.fromkeys(rows[0])
    return [by_start.get(start, {**empty, "period_start": start, "period_label": label}) for start, label in periods]


def _sort_value(value: Any) -> float:
    return float("-inf") if value is None else float(value)


def sparkline(values: list[Any]) -> str:
    """Values as a row of bars, the lowest the shortest; a dot where there is none."""
    numbers = [float(value) for value in values if value is not None]
    if not numbers:
        return GAP * len(values)
    low, span = min(numbers), max(numbers) - min(numbers)
    top = len(BARS) - 1
    return "".join(
        GAP if value is None else BARS[round((float(value) - low) / span * top) if span else top // 2]
        for value in values
    )


def formatted(value: Any, unit: str) -> str:
    """A value as people read it in its unit; a dash where there is none."""
    if value is None:
        return "-"
    number = float(value)
    if unit == "rate":
        return f"{number:.1%}"
    if unit == "count":
        return f"{number:,.0f}"
    if unit == "money":
        return f"{number:,.2f}"
    return f"{number:,.1f}"


def period_name(grain: str, start: date) -> str:
    """What a frozen figure's period is called: 2026-W09, 2026-03, the quarter's or year's first month."""
    if grain == "week":
        year, week, _ = start.isocalendar()
        return f"{year}-W{week:02d}"
    if grain == "year" and start.month == 1:
        return str(start.year)
    if grain == "quarter" and start.month in (1, 4, 7, 10):
        return f"{start.year}-Q{(start.month + 2) // 3}"
    return f"{start:%Y-%m}" if grain == "month" else f"from {start:%Y-%m}"
