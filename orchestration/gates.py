"""What must hold between the layers. So far one plain check; the places for more are the steps of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

BOOK_COLUMNS = ("read", "current", "superseded", "quarantined")


def books(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Per table the rows read, current, superseded and quarantined."""
    rows = connection.execute(
        "select system_table, rows_read, rows_current, rows_superseded, rows_quarantined from staging.load_books "
        "order by system_table"
    ).fetchall()
    return {row[0]: dict(zip(BOOK_COLUMNS, row[1:], strict=True)) for row in rows}


def findings(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What was kept but deserves a look: per table and finding the number of rows."""
    rows = connection.execute(
        "select system_table, finding, row_count from staging.data_findings order by system_table, finding"
    ).fetchall()
    return [{"table": table, "finding": finding, "rows": count} for table, finding, count in rows]


def quarantine_breaches(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Mapping[str, int]], threshold: float
) -> list[str]:
    """One line for each table with a greater share of quarantined rows than `threshold` (a fraction)."""
    breaches = []
    for table, book in tables.items():
        if book["read"] and book["quarantined"] / book["read"] > threshold:
            reasons = connection.execute(
                "select reasons, count(*) from staging.quarantined_rows where system_table = ? "
                "group by reasons order by count(*) desc, reasons limit 3",
                [table],
            ).fetchall()
            told = ", ".join(f"{reason} {count:,}" for reason, count in reasons)
            share = book["quarantined"] / book["read"]
            breaches.append(
                f"{table}: {book['quarantined']:,} of {book['read']:,} rows quarantined ({share:.2%}): {told}"
            )
    return breaches
