"""What the marts of a published marts.duckdb say otherwise than the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from math import isclose
from pathlib import Path
from typing import Any

import duckdb

from tests.reference.landing import Books
from tests.reference.metrics import Result
from tests.reference.rows import Key, Mart, Row

LEADING = tuple(field.name for field in fields(Row) if field.name != "extras")
KEY = ("metric_id", "period_grain", "period_start", "dimension", "dimension_value")
EXACT = Context(prec=60)
# Of two doubles that were added up in another order.
RELATIVE = 1e-9
Actual = dict[Key, dict[str, Any]]


def compare(
    result: Result, published: Path | duckdb.DuckDBPyConnection, metrics: Iterable[str] | None = None
) -> list[str]:
    """A line per missing row, extra row or differing column; nothing where both say the same.

    `published` is marts.duckdb, or anything else with the marts in schema kpi, or a connection to it.
    """
    if isinstance(published, Path):
        with _opened(published) as connection:
            return compare(result, connection, metrics)
    differences: list[str] = []
    for metric_id in result.marts if metrics is None else metrics:
        try:
            cursor = published.execute(f'select * from kpi."kpi_{metric_id}"')
        except duckdb.CatalogException:
            differences.append(f"{metric_id}: no such mart")
            continue
        names = [column[0] for column in cursor.description or []]
        differences += _compare_mart(metric_id, result.marts[metric_id], names, cursor.fetchall())
    return differences


def differing_books(result: Result, build: Path | duckdb.DuckDBPyConnection) -> list[str]:
    """A line per table whose books, and per row whose reasons for being set aside, are not the reference's."""
    if isinstance(build, Path):
        with _opened(build) as connection:
            return differing_books(result, connection)
    books = {
        table: Books(*counts)
        for table, *counts in build.execute(
            "select system_table, rows_read, rows_current, rows_superseded, rows_quarantined, rows_deleted "
            "from staging.load_books"
        ).fetchall()
    }
    differences = [
        f"{table}: books are {books.get(table)}, expected {result.books.get(table)}"
        for table in sorted(books.keys() | result.books.keys())
        if books.get(table) != result.books.get(table)
    ]
    conflicting = dict(
        build.execute(
            "select system_table, row_count from staging.data_findings where finding = 'conflicting_key'"
        ).fetchall()
    )
    differences += [
        f"{table}: {conflicting.get(table, 0)} conflicting keys, expected {expected}"
        for table, expected in result.conflicting.items()
        if conflicting.get(table, 0) != expected
    ]
    actual = Counter(
        (table, file, line, _why(reasons.split(","), is_repaired=is_repaired))
        for table, file, line, reasons, is_repaired in build.execute(
            "select system_table, file_name, line, reasons, is_repaired from staging.quarantined_rows"
        ).fetchall()
    )
    expected_rows = Counter(
        (row.table, row.file, row.line, _why(row.reasons, is_repaired=row.is_repaired)) for row in result.quarantine
    )
    for told, rows in (
        ("is set aside, expected not", actual - expected_rows),
        ("is not set aside", expected_rows - actual),
    ):
        differences += [f"{table} {file}:{line} {told} for {why}" for table, file, line, why in sorted(rows)]
    return differences


def _why(reasons: Iterable[str], *, is_repaired: bool) -> str:
    return ",".join(sorted(reasons)) + (" (repaired)" if is_repaired else "")


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    """Attached under a name of its own: a database called kpi would make kpi.<mart> ambiguous."""
    connection = duckdb.connect()
    escaped = str(path).replace("'", "''")
    connection.execute(f"attach '{escaped}' as published (read_only)")
    connection.execute("use published")
    return connection


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
    unexpected = [name for name in names if name not in (*KEY, *columns)] if expected else []
    differences += [f"{metric_id}: column {name}, which the reference does not compute" for name in unexpected]
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
    """Decimals to their last published digit, floating point to a billionth."""
    if expected is None or actual is None:
        return expected is None and actual is None
    if isinstance(expected, bool | str | date):
        return bool(expected == actual)
    if isinstance(actual, Decimal) and isinstance(expected, Decimal | int):
        return bool(Decimal(expected).quantize(actual, ROUND_HALF_UP, EXACT) == actual)
    if isinstance(actual, Decimal):  # of a double, rounded to be published
        return isclose(float(expected), float(actual), abs_tol=float(_last_digit(actual)))
    return isclose(float(expected), float(actual), rel_tol=RELATIVE, abs_tol=RELATIVE)


def _last_digit(number: Decimal) -> Decimal:
    """One in the last place that the number is published with."""
    return Decimal(1).scaleb(int(number.as_tuple().exponent))


def _name(metric_id: str, key: Key) -> str:
    grain, start, dimension, value = key
    return f"{metric_id} {grain} {start} {dimension}={value}"


def _brief(row: Row) -> str:
    return f"numerator {row.numerator}, denominator {row.denominator}, metric_value {row.metric_value}"
