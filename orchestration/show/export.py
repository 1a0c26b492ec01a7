"""Rows of a mart as other programs and documents take them: CSV, JSON, Markdown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import duckdb

from orchestration.show.published import Metric, check_cut_and_grain

Row = dict[str, Any]
# What a spreadsheet takes a cell's text for a formula by.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class Format(StrEnum):
    """How `kpi show` prints a metric."""

    table = "table"
    csv = "csv"
    json = "json"
    markdown = "markdown"


def read_rows(
    connection: duckdb.DuckDBPyConnection, metric: Metric, *, cut: str | None, grain: str, last: int
) -> tuple[list[str], list[Row]]:
    """The columns of a mart and its rows of the last periods, by period and member, exact as published.

    Raises UsageError where the cut or the grain is not the metric's.
    """
    check_cut_and_grain(connection, metric, cut, grain)
    table = f"kpi.kpi_{metric.metric_id}"
    cursor = connection.execute(
        f"select * from {table} where period_grain = ? and dimension = ? and period_start in "
        f"(select period_start from {table} where period_grain = ? group by 1 order by 1 desc limit ?) "
        "order by period_start, dimension_value",
        [grain, cut or "all", grain, last],
    )
    names = [column[0] for column in cursor.description or []]
    return names, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def written(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], format_: Format) -> str:
    """Rows as text in a format other than `table`; nothing (null) is an empty cell, or null in JSON.

    Numbers are written with all their digits and without separators, dates as YYYY-MM-DD, truth as true and false.
    """
    if format_ is Format.json:
        return json.dumps([{key: _json(value) for key, value in row.items()} for row in rows], indent=2,
                          ensure_ascii=False) + "\n"  # fmt: skip
    cells = [[_text(row[name]) for name in columns] for row in rows]
    return _csv(columns, cells, rows) if format_ is Format.csv else _markdown(columns, cells, rows)


def _csv(header: Sequence[str], cells: list[list[str]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Text that a spreadsheet would take for a formula stands behind an apostrophe; a number is never text."""
    harmless = [
        ["'" + cell if isinstance(row[name], str) and cell.startswith(FORMULA_SIGNS) else cell
         for name, cell in zip(header, line, strict=True)]
        for line, row in zip(cells, rows, strict=True)
    ]  # fmt: skip
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *harmless])
    return text.getvalue()


def _markdown(header: Sequence[str], cells: list[list[str]], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of GitHub's Markdown, numbers to the right."""
    is_number = [any(isinstance(row[name], int | float | Decimal) and not isinstance(row[name], bool) for row in rows)
                 for name in header]  # fmt: skip
    rule = ["---:" if number else "---" for number in is_number]
    lines = [list(header), rule, *([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in cells)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _json(value: Any) -> Any:
    """A number stays a number: amounts below a trillion have fewer digits than a double holds."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value
