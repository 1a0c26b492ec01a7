"""What the marts of a published kpi.duckdb say otherwise than the reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tests.reference.metrics import Result
from tests.reference.rows import Key, Mart, Row

LEADING = tuple(field.name for field in fields(Row) if field.name != "extras")
MONEY_TOLERANCE = 0.005
TOLERANCE = 1e-6
Actual = dict[Key, dict[str, Any]]


def compare(result: Result, kpi_duckdb_path: Path, metrics: Iterable[str] | None = None) -> list[str]:
    """A line per missing row, extra row or differing column; nothing where both say the same."""
    differences: list[str] = []
    with duckdb.connect() as connection:
        path = str(kpi_duckdb_path).replace("'", "''")
        connection.execute(f"attach '{path}' as published (read_only)")
        for metric_id in result.marts if metrics is None else metrics:
            try:
                cursor = connection.execute(f'select * from published.kpi."kpi_{metric_id}"')
            except duckdb.CatalogException:
                differences.append(f"{metric_id}: no such mart")
                continue
            names = [column[0] for column in cursor.description or []]
            differences += _compare_mart(metric_id, result.marts[metric_id], names, cursor.fetchall())
    return differences


def _compare_mart(metric_id: str, expected: Mart, names: list[str], rows: list[tuple[Any, ...]]) -> list[str]:
    differences: list[str] = []
    actual: Actual = {}
    for values in rows:
        row = dict(zip(names, values, strict=True))
        key = row["period_grain"], row["period_start"], row["dimension"], row["dimension_value"]
        if key in actual:
            differences.append(f"{_name(metric_id, key)}: the row is there twice")
        if row["metric_id"] != metric_id:
            differences.append(f"{_name(metric_id, key)}: metric_id is {row['metric_id']!r}")
        actual[key] = row
    extras = next(iter(expected.values())).extras if expected else {}
    columns = [*LEADING, *extras]
    differences += [f"{metric_id}: no column {column}" for column in columns if column not in names]
    for key in sorted(expected.keys() | actual.keys()):
        if key not in actual:
            differences.append(f"{_name(metric_id, key)}: row missing, expected {_brief(expected[key])}")
        elif key not in expected:
            value = actual[key]["metric_value"]
            differences.append(f"{_name(metric_id, key)}: extra row with metric_value {value}")
        else:
            wanted = {**{name: getattr(expected[key], name) for name in LEADING}, **expected[key].extras}
            differences += [
                f"{_name(metric_id, key)}: {name} is {actual[key][name]}, expected {wanted[name]}"
                for name in columns
                if name in names and not _same(wanted[name], actual[key][name])
            ]
    return differences


def _same(expected: Any, actual: Any) -> bool:
    if expected is None or actual is None:
        return expected is None and actual is None
    if isinstance(expected, bool | str | date):
        return bool(expected == actual)
    wanted, got = float(expected), float(actual)
    # A Decimal is money; everything else agrees to a millionth.
    tolerance = MONEY_TOLERANCE if isinstance(expected, Decimal) else TOLERANCE * max(1.0, abs(wanted))
    return abs(wanted - got) <= tolerance


def _name(metric_id: str, key: Key) -> str:
    grain, start, dimension, value = key
    return f"{metric_id} {grain} {start} {dimension}={value}"


def _brief(row: Row) -> str:
    return f"numerator {row.numerator}, denominator {row.denominator}, metric_value {row.metric_value}"
