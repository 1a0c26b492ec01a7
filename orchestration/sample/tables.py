"""How the sample company's systems export each table: in which files, with which columns, as CSV or Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from orchestration.sample.clock import Clock
from orchestration.sample.rows import TABLES

# tables delivered as Parquet, with the types of the columns that are not text
PARQUET_TYPES = {
    "support.inquiries": {
        "received_at": "TIMESTAMP",
        "first_responded_at": "TIMESTAMP",
        "resolved_at": "TIMESTAMP",
        "updated_at": "TIMESTAMP",
    },
    "support.csat_responses": {"score": "INTEGER"},
    "planning.fx_rates": {"rate_on": "DATE", "rate": "DECIMAL(18, 6)"},
}

# a year in one file, then a file per quarter; every other table has a file per year
_QUARTERLY = frozenset(
    ("crm.leads", "crm.deals", "crm.activities", "billing.orders", "billing.order_items", "billing.refunds")
)
# these are small and always exported whole, in one file
_ONE_FILE = frozenset(("billing.products", "planning.sales_costs", "planning.sales_targets"))

# the files (counted from 0) whose columns differ from the usual ones
_REORDERED = frozenset((("billing.orders", 3), ("billing.refunds", 1), ("crm.accounts", 2), ("crm.leads", 4)))
_EXTRA_COLUMNS = {
    ("crm.accounts", 1): ("fax", "legacy_code"),
    ("billing.subscription_changes", 2): ("coupon",),
}

BYTE_ORDER_MARK = frozenset(("crm.sales_reps", "marketing.social_engagements"))
WINDOWS_LINES = frozenset(("marketing.ad_spend",))
DELIVERED_TWICE = {"crm.accounts": 0, "billing.subscription_changes": 1}


@dataclass(frozen=True)
class Export:
    """One landing file of a table: its name without the ending, its columns in their order.

    ``usual_columns`` are those of the columns that the contract knows; what is beside them stands at the end.
    """

    name: str
    columns: tuple[str, ...]
    usual_columns: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """The files of one table.

    ``cuts`` are the last day numbers of the files, ascending; ``file_of[day]`` is the file, counted from 0,
    that carries what happened on that day number.
    """

    exports: tuple[Export, ...]
    cuts: list[int]
    file_of: list[int]


def _cut_days(table: str, clock: Clock) -> list[int]:
    """The last day number of each export of ``table``, ascending."""
    if table in _ONE_FILE:
        return [clock.last]
    if table in _QUARTERLY:
        return [*range(clock.last - 730, clock.last - 80, 91), clock.last]
    return [clock.last - 730, clock.last - 365, clock.last]


def _export(table: str, file: int, name: str) -> Export:
    """The table's file of that number, with the columns that it has."""
    usual = TABLES[table]
    if (table, file) in _REORDERED:
        usual = tuple(reversed(usual))
    return Export(name, usual + _EXTRA_COLUMNS.get((table, file), ()), usual)


def schedule(table: str, clock: Clock) -> Schedule:
    """When ``table`` is exported, and in which shape."""
    cuts = _cut_days(table, clock)
    names = [(clock.start + timedelta(days=cut - clock.first)).isoformat() for cut in cuts]
    exports = tuple(_export(table, file, name) for file, name in enumerate(names))
    file_of: list[int] = []
    file = 0
    for day in range(len(clock.days)):
        while day > cuts[file] and file < len(cuts) - 1:
            file += 1
        file_of.append(file)
    return Schedule(exports, cuts, file_of)


def schedules(clock: Clock) -> dict[str, Schedule]:
    """The schedule of every table of the contract."""
    return {table: schedule(table, clock) for table in TABLES}
