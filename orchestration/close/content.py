"""What a workbook is made of: its cover and the rows of a month, of a closed folder or of what is published."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.finance.snapshot import Control
from orchestration.warehouse.sql import literal

# How many restatements a workbook lists.
MOST_RESTATEMENTS = 2000


@dataclass(frozen=True)
class Cover:
    """What the cover says. Of an open month `version`, `closed_by` and `closed_at` are None."""

    company: str | None
    month: date
    version: int | None
    run_id: str
    as_of_date: date
    code_version: str
    closed_by: str | None
    closed_at: datetime | None
    reason: str | None
    currency: str


@dataclass(frozen=True)
class Sources:
    """Relations (what may stand after FROM) that a workbook is made of."""

    figures: str
    trends: str
    mrr_bridge: str
    bookings_to_revenue: str
    restatements: str


@dataclass(frozen=True)
class Content:
    """A workbook's rows, as dictionaries of their columns."""

    figures: list[dict[str, Any]]
    trends: list[dict[str, Any]]
    mrr_bridge: dict[str, Any] | None
    bookings_to_revenue: dict[str, Any] | None
    restatements: list[dict[str, Any]]
    restatement_count: int
    controls: Sequence[Control]


def frozen_sources(folder: Path) -> Sources:
    """The files of a closed month."""
    names = ("figures", "trends", "mrr_bridge", "bookings_to_revenue", "restatements")
    return Sources(*(f"read_parquet({literal(folder / f'{name}.parquet')})" for name in names))


def read_content(
    connection: duckdb.DuckDBPyConnection,
    sources: Sources,
    periods: Iterable[tuple[str, date]],
    controls: Sequence[Control] = (),
) -> Content:
    """Read what a workbook needs. `periods` gives the order of the figures' periods."""
    grains = [grain for grain, _ in periods]
    figures = _rows(
        connection,
        f"from {sources.figures} order by list_position({grains}, period_grain), dimension <> 'all', metric_order, "
        "dimension, dimension_label, dimension_value",
    )
    bridge = _rows(connection, f"from {sources.mrr_bridge} where dimension = 'all'")
    bookings = _rows(connection, f"from {sources.bookings_to_revenue}")
    figure = "measure = 'metric_value'"
    count = connection.execute(f"select count(*) from {sources.restatements} where {figure}").fetchone()
    restatements = _rows(
        connection,
        f"from {sources.restatements} where {figure} "
        "order by close_month desc, dimension <> 'all', metric_id, dimension, dimension_value "
        f"limit {MOST_RESTATEMENTS}",
    )
    return Content(
        figures,
        _rows(connection, f"from {sources.trends} order by month"),
        bridge[0] if bridge else None,
        bookings[0] if bookings else None,
        restatements,
        count[0] if count else 0,
        controls,
    )


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
