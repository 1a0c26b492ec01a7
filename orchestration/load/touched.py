"""Which rows, keys and days a load touched.

Rows of `raw` carry `_load_id`, so nothing is copied: what a load touched is asked of its own rows, which costs by their
number, and a load that dies half-way leaves nothing that contradicts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.core.contract import Table
from orchestration.warehouse.connections import scalar
from orchestration.warehouse.sql import identifier, literal

DAY_TYPES = {"date", "timestamp", "month"}


@dataclass(frozen=True)
class Touched:
    """What a load added to a table: how many rows, and the first and last day that a date or timestamp of theirs begins
    with. None where none does, and where the table had no rows before, as then all its days are new."""

    rows: int
    first_day: date | None
    last_day: date | None


def keys_of_load(table: Table) -> str:
    """The query of the keys, as texts, that a load (`$load_id`) brought rows of: one row a key."""
    keys = ", ".join(identifier(column.name) for column in table.columns if column.key)
    return f"select {keys} from raw.{identifier(table.raw_name)} where _load_id = $load_id group by {keys}"


def days_of_load(table: Table) -> str | None:
    """The query of the days that rows of a load (`$load_id`) stand on: column_name, day, row_count.

    A day is what a text begins with as YYYY-MM-DD, whatever its time zone; null stands for all texts that begin
    otherwise. None where the table has no dates.
    """
    columns = [column.name for column in table.columns if column.type in DAY_TYPES]
    if not columns:
        return None
    raw = f"raw.{identifier(table.raw_name)}"
    days = " union all ".join(
        f"select {literal(name)} as column_name, left(trim({identifier(name)}), 10) as text from {raw} "
        f"where _load_id = $load_id and {identifier(name)} is not null"
        for name in columns
    )
    return (
        "select column_name, try_cast(text as date) as day, sum(row_count) as row_count "
        f"from (select column_name, text, count(*) as row_count from ({days}) group by column_name, text) "
        "group by column_name, day"
    )


def touched(connection: duckdb.DuckDBPyConnection, table: Table, load_id: str, rows: int) -> Touched:
    """What a load, which brought so many rows, added to a table."""
    first = last = None
    before = f"select count(*) from raw.load_files where system_table = {literal(table.label)} "
    had_rows = scalar(connection, f"{before} and load_id <> {literal(load_id)} and row_count > 0") > 0
    if had_rows and (days := days_of_load(table)):
        [(first, last)] = connection.execute(
            f"select min(day), max(day) from ({days})", {"load_id": load_id}
        ).fetchall()
    return Touched(rows, first, last)
