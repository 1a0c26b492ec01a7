"""A landing folder under construction: rows are given by what matters about them, and completed to valid ones."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

Row = dict[str, str]


def _numbered(**values: str) -> Callable[[int], Row]:
    return lambda number: {name: value.format(n=number) for name, value in values.items()}


def _month(number: int) -> str:
    return f"{2000 + number // 12}-{number % 12 + 1:02d}-01"


# The smallest valid row of each table, the n-th one with the n-th key. References are to the rows of `add_parents`.
MINIMAL: dict[str, Callable[[int], Row]] = {
    "crm.sales_reps": _numbered(rep_id="rep-{n}", rep_name="Rep {n}"),
    "crm.accounts": _numbered(account_id="account-{n}", account_name="Account {n}", created_at="2026-01-01"),
    "crm.leads": _numbered(lead_id="lead-{n}", created_at="2026-01-01"),
    "crm.deals": _numbered(
        deal_id="deal-{n}", deal_type="new_business", stage="proposal", amount="100", created_at="2026-01-01"
    ),
    "crm.deal_stage_changes": lambda n: {
        "deal_id": "D1", "stage": "proposal", "changed_at": (date(2000, 1, 1) + timedelta(n)).isoformat(),
    },
    "crm.activities": _numbered(
        activity_id="activity-{n}", activity_type="call", rep_id="R1", occurred_at="2026-01-01", status="completed"
    ),
    "billing.orders": _numbered(order_id="order-{n}", ordered_at="2026-01-01", status="paid"),
    "billing.order_items": _numbered(
        order_item_id="item-{n}", order_id="O1", product_id="P1", quantity="1", unit_price="10"
    ),
    "billing.refunds": _numbered(refund_id="refund-{n}", order_id="O1", amount="1", refunded_at="2026-01-02"),
    "billing.products": _numbered(product_id="product-{n}", product_name="Product {n}"),
    "billing.subscription_changes": _numbered(
        subscription_change_id="change-{n}", subscription_id="S1", account_id="A1", changed_at="2026-01-01",
        status="active",
    ),
    "marketing.ad_spend": _numbered(spend_on="2026-01-01", channel="search", campaign="campaign-{n}", amount="5"),
    "marketing.social_engagements": _numbered(engaged_on="2026-01-01", platform="platform-{n}"),
    "support.inquiries": _numbered(inquiry_id="inquiry-{n}", channel="email", received_at="2026-01-01"),
    "support.csat_responses": _numbered(response_id="response-{n}", score="4", responded_at="2026-01-01"),
    "planning.sales_targets": lambda n: {"target_month": _month(n), "scope": "company", "amount": "100"},
    "planning.sales_quotas": lambda n: {"quota_month": _month(n), "rep_id": "R1", "amount": "100"},
    "planning.sales_costs": _numbered(cost_month="2026-01-01", cost_type="type-{n}", amount="100"),
    "planning.fx_rates": lambda n: {
        "rate_on": (date(2000, 1, 1) + timedelta(n)).isoformat(),
        "from_currency": "XTS", "to_currency": "USD", "rate": "2",
    },
}  # fmt: skip


class Landing:
    """A landing folder under construction. Tables are named `system.table`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.row_counts: Counter[str] = Counter()
        self._numbers: defaultdict[str, int] = defaultdict(int)

    def row(self, table: str, **values: str) -> Row:
        """A valid row with a key of its own, except for what `values` says."""
        self._numbers[table] += 1
        return {**MINIMAL[table](self._numbers[table]), **values}

    def add(self, table: str, *rows: Mapping[str, str], file: str = "rows.csv") -> Path:
        """Write a file of these rows, each completed to a valid one; a value of '' is a blank."""
        return self.add_records(table, [self.row(table, **row) for row in rows], file)

    def add_records(self, table: str, rows: Sequence[Row], file: str = "rows.csv") -> Path:
        """Write a file of exactly these rows."""
        columns = list(dict.fromkeys(name for row in rows for name in row))
        self.row_counts[table] += len(rows)
        return self.add_file(table, csv_text([columns, *([row.get(c, "") for c in columns] for row in rows)]), file)

    def add_file(self, table: str, content: str | bytes, file: str = "rows.csv") -> Path:
        """Write a file of exactly this content."""
        path = self.folder.joinpath(*table.split("."), file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def add_parents(self) -> None:
        """One row for each table that others refer to: R1, A1, L1, D1, P1, O1, I1."""
        for table, key in (
            ("crm.sales_reps", {"rep_id": "R1"}),
            ("crm.accounts", {"account_id": "A1"}),
            ("crm.leads", {"lead_id": "L1"}),
            ("crm.deals", {"deal_id": "D1"}),
            ("billing.products", {"product_id": "P1"}),
            ("billing.orders", {"order_id": "O1"}),
            ("support.inquiries", {"inquiry_id": "I1"}),
        ):
            self.add(table, key, file="parents.csv")


def csv_text(records: Sequence[Sequence[str]], newline: str = "\n") -> str:
    """Records as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=newline).writerows(records)
    return text.getvalue()
