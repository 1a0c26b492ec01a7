"""Small companies for the reference's own tests, written as lines of CSV; their numbers are worked out by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tests.reference import Result, Row, compute

AS_OF = date(2025, 6, 15)


class Company:
    """A landing folder: tables are written as one line of columns and one line per row, with commas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, table: str, columns: str, *rows: str, file: str = "1.csv") -> Company:
        path = self.folder / table.replace(".", "/") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
        return self

    def add_order(self, order_id: str, day: str, amount: str, *, account: str = "", rep: str = "") -> Company:
        for table, columns, row in (
            (
                "billing.orders",
                "order_id,account_id,rep_id,ordered_at,status",
                f"{order_id},{account},{rep},{day},paid",
            ),
            (
                "billing.order_items",
                "order_item_id,order_id,product_id,quantity,unit_price",
                f"{order_id},{order_id},P1,1,{amount}",
            ),
        ):
            self.add(table, columns, row, file=f"{order_id}.csv")
        return self

    def add_accounts(self, *account_ids: str) -> Company:
        return self.add(
            "crm.accounts",
            "account_id,account_name,region,created_at",
            *(f"{account_id},{account_id},North,2024-01-01" for account_id in account_ids),
        )

    def compute(self, *metrics: str, **settings: Any) -> Result:
        return compute(self.folder, as_of=AS_OF, metrics=metrics or ["revenue"], **settings)


def row(result: Result, metric: str, grain: str, start: str, dimension: str = "all", value: str = "all") -> Row:
    return result.marts[metric][grain, date.fromisoformat(start), dimension, value]


def reasons(result: Result, table: str) -> dict[int, set[str]]:
    return {bad.line: set(bad.reasons) for bad in result.quarantine if bad.table == table}
