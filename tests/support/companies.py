"""Small random companies as landing files, with every oddity the definitions speak of, for property tests.

`companies()` draws them: a generator makes the rows of a seed, then rows are left out. Where a property fails,
hypothesis leaves out what it can, table by table and row by row, and prints the rows that remain as they landed.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

Row = dict[str, str]
Tables = dict[str, list[Row]]

FIRST_DAY = date(2023, 11, 20)
DAYS = 480  # over a leap day, two turns of the year and 16 months
AS_OF = FIRST_DAY + timedelta(days=DAYS)
STAGES = ("prospecting", "qualification", "proposal", "negotiation")
CLOSED = ("closed_won", "closed_lost")
CURRENCIES = ("", "USD", "EUR", "eur", "CHF")
BIG_AMOUNTS = 0.02
PARTS = 3
ACTIVITY_TYPES = (
    "call", "email", "meeting", "demo", "presentation", "proposal", "networking_event", "admin", "other",
)  # fmt: skip


HAVE_UPDATED_AT = (
    "crm/sales_reps", "crm/accounts", "crm/leads", "crm/deals", "crm/activities", "billing/orders", "support/inquiries",
)  # fmt: skip
ODD_TEXTS = ("", " ", "\u3000", "x", "-1", "-0.5", "0", "1.5", "2024-02-30", "2024-02-29", "2024-05-01T25:00", "Paid")


class Company:
    """Draws the rows of one company from a random source.

    Uneven on purpose: much happens on the same day, one account has more than its share, some things happen after the
    books are closed, and a few amounts are a thousand times the others.
    """

    def __init__(self, rng: random.Random, *, is_large: bool = False) -> None:
        """A large company has enough of everything that no metric is without rows."""
        self.rng = rng
        self.is_large = is_large
        self.busy_days: list[int] = []
        self.earlier_orders: list[tuple[str, str]] = []
        self.reps = [f"r{n}" for n in range(rng.randint(1, 4))]
        self.accounts = [f"a{n}" for n in range(rng.randint(1, 6))]
        self.leads = [f"l{n}" for n in range(rng.randint(0, 8))]
        self.deals = [f"d{n}" for n in range(rng.randint(0, 10))]
        self.orders = [f"o{n}" for n in range(rng.randint(0, 14))]
        self.products = [f"p{n}" for n in range(rng.randint(1, 4))]
        if is_large:
            self.reps = [f"r{n}" for n in range(6)]
            self.accounts = [f"a{n}" for n in range(30)]
            self.leads = [f"l{n}" for n in range(50)]
            self.deals = [f"d{n}" for n in range(60)]
            self.orders = [f"o{n}" for n in range(80)]
            self.products = [f"p{n}" for n in range(8)]

    def tables(self) -> Tables:
        """All rows by `system/table`: several versions of some, nonsense in others."""
        tables = self._clean_tables()
        for table, rows in tables.items():
            for row in rows if table in HAVE_UPDATED_AT else ():
                row.setdefault("updated_at", self.maybe(self.instant()))
            rows.extend([self._version(row, rows) for row in rows if self.rng.random() < 0.1])
            for row in rows:
                if self.rng.random() < 0.04:
                    row[self.rng.choice(list(row))] = self.rng.choice(ODD_TEXTS)
                if self.rng.random() < 0.04:
                    column = self.rng.choice(list(row))
                    row[column] = f" {row[column]}\t"
        return tables

    def _version(self, row: Row, rows: list[Row]) -> Row:
        """The row once more, one value taken from another row and, where there is one, another time of update."""
        column = self.rng.choice(list(row))
        version = {**row, column: self.rng.choice(rows)[column]}
        return {**version, "updated_at": self.maybe(self.instant())} if "updated_at" in row else version

    def _clean_tables(self) -> Tables:
        return {
            "crm/sales_reps": [self._rep(rep) for rep in self.reps],
            "crm/accounts": [self._account(account) for account in self.accounts],
            "crm/leads": [self._lead(lead) for lead in self.leads],
            "crm/deals": [self._deal(deal) for deal in self.deals],
            "crm/deal_stage_changes": [row for deal in self.deals for row in self._changes(deal)],
            "crm/activities": [self._activity(number) for number in range(self.some(25))],
            "billing/orders": [self._order(order) for order in self.orders],
            "billing/order_items": [self._item(number) for number in range(self.some(25))],
            "billing/refunds": [self._refund(number) for number in range(self.some(5))],
            "billing/products": [self._product(product) for product in self.products],
            "billing/subscription_changes": self._subscriptions(),
            "marketing/ad_spend": self._ad_spend(),
            "marketing/social_engagements": self._social(),
            "support/inquiries": [self._inquiry(number) for number in range(8)],
            "support/csat_responses": [self._response(number) for number in range(self.some(8))],
            "planning/sales_targets": self._targets(),
            "planning/sales_quotas": self._quotas(),
            "planning/sales_costs": self._costs(),
            "planning/fx_rates": self._rates(),
        }

    def some(self, most: int) -> int:
        """A number of rows; of a large company four times the most."""
        number = self.rng.randint(0, most)
        return 4 * most if self.is_large else number

    def day(self, least: int = 0, most: int = DAYS + 10) -> date:
        """One day of the span; often one on which something happens already, now and then one after the books."""
        offset = self.rng.randint(least, most)
        if self.busy_days and self.rng.random() < 0.15:
            offset = min(max(self.rng.choice(self.busy_days), least), most)
        elif most >= DAYS and self.rng.random() < 0.03:
            offset = DAYS + self.rng.randint(1, 60)
        if len(self.busy_days) < 5:
            self.busy_days.append(offset)
        return FIRST_DAY + timedelta(days=offset)

    def instant(self, least: int = 0, most: int = DAYS + 10) -> str:
        """A timestamp in one of the forms the contract allows, often close to midnight."""
        moment = datetime.combine(self.day(least, most), datetime.min.time(), UTC) + timedelta(
            seconds=self.rng.choice((0, 1, 86399, 54000, 53999, self.rng.randint(0, 86399)))
        )
        form = self.rng.randint(0, 3)
        if form == 0:
            return f"{moment:%Y-%m-%d}"
        if form == 1:
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        if form == 2:
            return f"{moment:%Y-%m-%d %H:%M:%S}"
        offset = timezone(timedelta(minutes=self.rng.choice((-480, 345, 540))))
        return moment.astimezone(offset).isoformat(timespec="seconds")

    def maybe(self, value: str, share: float = 0.8) -> str:
        return value if self.rng.random() < share else ""

    def one_of(self, keys: Iterable[str], share: float = 0.85) -> str:
        """A key that exists, or blank, or now and then one that nobody knows."""
        known = list(keys)
        if self.rng.random() < 0.05:
            return "nobody"
        if known and self.rng.random() < 0.2:
            return known[0]
        return self.maybe(self.rng.choice(known), share) if known else ""

    def money(self, most: int = 2000) -> str:
        if self.rng.random() < BIG_AMOUNTS:
            return f"{self.rng.randint(0, 1_000_000_00) / 100:.2f}"
        return f"{self.rng.randint(0, most * 100) / 100:.2f}"

    def _rep(self, rep: str) -> Row:
        return {
            "rep_id": rep, "rep_name": f"Rep {rep}", "team": self.maybe(self.rng.choice(("North", "South"))),
            "hired_on": self.maybe(str(self.day(-300, 200))), "left_on": self.maybe(str(self.day(200, 500)), 0.3),
        }  # fmt: skip

    def _account(self, account: str) -> Row:
        return {
            "account_id": account, "account_name": f"Account {account}", "segment": self.maybe("smb"),
            "region": self.maybe(self.rng.choice(("east", "west"))), "created_at": self.instant(),
        }  # fmt: skip

    def _lead(self, lead: str) -> Row:
        return {
            "lead_id": lead, "created_at": self.instant(), "lead_source": self.maybe(self.rng.choice(("web", "ads", "referral"))),
            "owner_rep_id": self.one_of(self.reps), "account_id": self.one_of(self.accounts),
            "qualified_at": self.maybe(self.instant(), 0.5), "referrer_type": self.maybe("customer", 0.2),
        }  # fmt: skip

    def _deal(self, deal: str) -> Row:
        stage = self.rng.choice(STAGES + CLOSED * 3)
        return {
            "deal_id": deal, "deal_name": f"Deal {deal}", "account_id": self.one_of(self.accounts),
            "lead_id": self.one_of(self.leads, 0.5), "owner_rep_id": self.one_of(self.reps),
            "deal_type": self.rng.choice(("new_business", "upsell", "cross_sell", "renewal")), "stage": stage,
            "amount": self.money(), "currency": self.rng.choice(CURRENCIES),
            "probability": self.maybe(f"{self.rng.randint(0, 100) / 100}", 0.5), "created_at": self.instant(0, 400),
            "expected_close_on": self.maybe(str(self.day(100, 700))),
            "closed_at": self.maybe(self.instant(50)) if stage in CLOSED else self.maybe(self.instant(50), 0.1),
            "lost_reason": self.maybe("price", 0.3), "updated_at": self.instant(),
        }  # fmt: skip

    def _changes(self, deal: str) -> list[Row]:
        return [
            {"deal_id": deal, "stage": self.rng.choice(STAGES + CLOSED), "changed_at": self.instant()}
            for _ in range(self.rng.randint(0, 5))
        ]

    def _activity(self, number: int) -> Row:
        return {
            "activity_id": f"t{number}", "activity_type": self.rng.choice(ACTIVITY_TYPES),
            "rep_id": self.rng.choice([*self.reps, "nobody"]), "lead_id": self.one_of(self.leads, 0.5),
            "deal_id": self.one_of(self.deals, 0.5), "account_id": self.one_of(self.accounts, 0.3),
            "occurred_at": self.instant(), "booked_at": self.maybe(self.instant(), 0.4),
            "duration_minutes": self.maybe(str(self.rng.randint(0, 120))),
            "direction": self.maybe(self.rng.choice(("outbound", "inbound"))),
            "status": self.rng.choice(("completed", "completed", "completed", "scheduled", "canceled", "no_show")),
        }  # fmt: skip

    def _order(self, order: str) -> Row:
        account, ordered_at = self.one_of(self.accounts), self.instant()
        if self.earlier_orders and self.rng.random() < 0.2:  # the same account on the same day once more
            account, ordered_at = self.rng.choice(self.earlier_orders)
        self.earlier_orders.append((account, ordered_at))
        return {
            "order_id": order, "account_id": account, "deal_id": self.one_of(self.deals, 0.2),
            "rep_id": self.one_of(self.reps, 0.6), "ordered_at": ordered_at,
            "status": self.rng.choice(("paid", "paid", "paid", "refunded", "pending", "canceled")),
            "currency": self.rng.choice(CURRENCIES),
        }  # fmt: skip

    def _item(self, number: int) -> Row:
        return {
            "order_item_id": f"i{number}", "order_id": self.rng.choice([*self.orders, "nobody"]),
            "product_id": self.rng.choice([*self.products, "nobody"]), "quantity": str(self.rng.choice((1, 2, 3, 0.5))),
            "unit_price": self.money(300), "discount_amount": self.maybe(self.money(20), 0.3), "tax_amount": self.money(9),
        }  # fmt: skip

    def _refund(self, number: int) -> Row:
        return {
            "refund_id": f"f{number}", "order_id": self.rng.choice([*self.orders, "nobody"]),
            "amount": f"{self.rng.randint(1, 20000) / 100}", "refunded_at": self.instant(100),
        }  # fmt: skip

    def _product(self, product: str) -> Row:
        return {
            "product_id": product, "product_name": f"Product {product}", "category": self.maybe(self.rng.choice(("x", "y"))),
            "unit_cost": self.maybe(self.money(100)), "currency": self.rng.choice(CURRENCIES),
        }  # fmt: skip

    def _subscriptions(self) -> list[Row]:
        rows: list[Row] = []
        for subscription in range(self.some(5)):
            account = self.rng.choice([*self.accounts, "nobody"])
            currency = self.rng.choice(("", "EUR"))
            for _ in range(self.rng.randint(1, 5)):
                rows.append({
                    "subscription_change_id": f"c{len(rows):03d}", "subscription_id": f"s{subscription}",
                    "account_id": account, "changed_at": self.instant(),
                    "status": self.rng.choice(("active", "active", "active", "trialing", "paused", "canceled")),
                    "plan": self.maybe(self.rng.choice(("basic", "pro"))), "quantity": self.maybe(str(self.rng.randint(1, 5))),
                    "unit_amount": self.maybe(self.money(100), 0.95), "currency": currency,
                    "billing_interval": self.maybe(self.rng.choice(("week", "month", "quarter", "year")), 0.9),
                    "interval_count": self.maybe(str(self.rng.randint(1, 3)), 0.5),
                })  # fmt: skip
        return rows

    def _ad_spend(self) -> list[Row]:
        days = sorted({self.day() for _ in range(10)})
        return [
            {
                "spend_on": str(day),
                "channel": self.rng.choice(("ads", "web")),
                "campaign": "c",
                "amount": self.money(50),
            }
            for day in days
        ]

    def _social(self) -> list[Row]:
        days = sorted({self.day() for _ in range(6)})
        return [
            {
                "engaged_on": str(day), "platform": self.rng.choice(("x", "y")), "rep_id": self.one_of(self.reps, 0.5),
                "likes": self.maybe(str(self.rng.randint(0, 50))), "comments": str(self.rng.randint(0, 9)),
                "impressions": self.maybe(str(self.rng.randint(0, 500))),
            }
            for day in days
        ]  # fmt: skip

    def _inquiry(self, number: int) -> Row:
        return {
            "inquiry_id": f"q{number}", "channel": self.rng.choice(("phone", "email", "chat", "other")),
            "account_id": self.one_of(self.accounts), "rep_id": self.one_of(self.reps),
            "received_at": self.instant(), "first_responded_at": self.maybe(self.instant()),
        }  # fmt: skip

    def _response(self, number: int) -> Row:
        return {
            "response_id": f"v{number}", "inquiry_id": self.one_of([f"q{n}" for n in range(8)]),
            "account_id": self.one_of(self.accounts, 0.3), "rep_id": self.one_of(self.reps, 0.3),
            "score": str(self.rng.randint(1, 5)), "responded_at": self.instant(),
        }  # fmt: skip

    def _months(self) -> list[str]:
        months = [date(2023 + (9 + n) // 12, (9 + n) % 12 + 1, 1) for n in range(20)]
        return [str(month) for month in months if self.rng.random() < 0.7]

    def _targets(self) -> list[Row]:
        return [
            {"target_month": month, "scope": scope, "scope_value": value, "amount": self.money()}
            for month in self._months()
            for scope, value in (("company", ""), ("team", "North"), ("region", "east"))
        ]

    def _quotas(self) -> list[Row]:
        return [
            {"quota_month": month, "rep_id": rep, "amount": self.rng.choice(("0", self.money())), "currency": self.rng.choice(("", "USD"))}
            for rep in [*self.reps, "nobody"]
            for month in self._months()
        ]  # fmt: skip

    def _costs(self) -> list[Row]:
        return [{"cost_month": month, "cost_type": "salaries", "amount": self.money()} for month in self._months()]

    def _rates(self) -> list[Row]:
        """Euro from the start, francs from half way: earlier franc rows have no rate."""
        rows = []
        for currency, first in (("EUR", -30), ("CHF", DAYS // 2)):
            for offset in range(first, DAYS, 17):
                rate = self.rng.randint(9000, 12000) / 10000
                day = FIRST_DAY + timedelta(days=offset)
                rows.append({"rate_on": str(day), "from_currency": currency, "to_currency": "USD", "rate": str(rate)})
        return rows


@dataclass(frozen=True)
class RandomCompany:
    """Rows to land: by table and file, with the lines that are no CSV."""

    seed: int
    files: dict[tuple[str, str], list[Row]]
    malformed: dict[tuple[str, str], str]

    def write(self, landing: Path) -> tuple[list[Path], int]:
        """Write the files. Returns their paths, and how many rows and lines there are to load."""
        written: list[Path] = []
        count = 0
        for (table, file), rows in self.files.items():
            path = landing / table / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._text(table, file), encoding="utf-8")
            # files of the same content are one
            if all(path.read_bytes() != other.read_bytes() for other in written if other.parent == path.parent):
                count += len(rows) + ((table, file) in self.malformed)
            written.append(path)
        return written, count

    def _text(self, table: str, file: str) -> str:
        rows = self.files[table, file]
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        malformed = self.malformed.get((table, file))
        return stream.getvalue() + (f"{malformed}\n" if malformed else "")

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """How hypothesis prints it."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        """The files as they land, without the columns that are blank throughout."""
        lines = [f"company of seed {self.seed}:"]
        for (table, file), rows in self.files.items():
            columns = [name for name in rows[0] if any(row[name] for row in rows)]
            lines += [f"  {table}/{file}", "    " + ",".join(columns)]
            lines += ["    " + ",".join(row[name] for name in columns) for row in rows]
            lines += [f"    {self.malformed[table, file]}"] if (table, file) in self.malformed else []
        return "\n".join(lines)


def random_company(seed: int, parts: int = PARTS, *, is_large: bool = False) -> RandomCompany:
    """The whole company of a seed: each row in one of up to so many files, now and then one with a malformed line."""
    rng = random.Random(seed)
    files: dict[tuple[str, str], list[Row]] = {}
    for table, rows in Company(rng, is_large=is_large).tables().items():
        for row in rows:
            files.setdefault((table, f"part-{rng.randrange(parts)}.csv"), []).append(row)
    malformed = {file: rng.choice(("one value", '"an open quote,')) for file in files if rng.random() < 0.07}
    return RandomCompany(seed, files, malformed)


@st.composite
def companies(draw: Any) -> RandomCompany:
    """Companies of any seed, of every third file or so only the first rows.

    One small number a file is all there is to shrink: a failing company is down to the rows that matter, and those
    above them in their files, after some sixty builds. A draw for each row would take hundreds.
    """
    whole = random_company(draw(st.integers(0, 2**32 - 1)))
    numbers = {file: draw(st.integers(0, 3 * len(rows))) for file, rows in whole.files.items()}
    files = {file: rows[: numbers[file]] for file, rows in whole.files.items() if numbers[file]}
    malformed = {file: line for file, line in whole.malformed.items() if file in files and draw(st.booleans())}
    assume(files)
    return RandomCompany(whole.seed, files, malformed)
