"""The rows of small random companies, with every oddity the definitions speak of."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone

Row = dict[str, str]
Tables = dict[str, list[Row]]

FIRST_DAY = date(2023, 11, 20)
DAYS = 480  # over a leap day, two turns of the year and 16 months
AS_OF = FIRST_DAY + timedelta(days=DAYS)
STAGES = ("prospecting", "qualification", "proposal", "negotiation")
CLOSED = ("closed_won", "closed_lost")
CURRENCIES = ("", "USD", "EUR", "eur", "CHF")
RARE_CURRENCIES = ("GBP", "NOK", "SEK")
"""Quoted the other way around, over the euro, and now and then."""
BIG_AMOUNTS = 0.02
ACTIVITY_TYPES = (
    "call", "email", "meeting", "demo", "presentation", "proposal", "networking_event", "admin", "other",
)  # fmt: skip


CHANGE_OVER_TIME = ("crm/sales_reps", "crm/accounts")
HAVE_UPDATED_AT = (
    "crm/sales_reps", "crm/accounts", "crm/leads", "crm/deals", "crm/activities", "billing/orders", "support/inquiries",
)  # fmt: skip
ODD_TEXTS = (
    "", " ", "\u3000", "x", "-1", "-0.5", "0", "1.5", "2024-02-30", "2024-02-29", "2024-05-01T25:00", "Paid", "annual",
    "1,000.00", "3/5/2024", "2024-05-01 10:00 UTC", "c9", "c10",
)  # fmt: skip


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
            if table in HAVE_UPDATED_AT or self.rng.random() < 0.3:
                for row in rows:
                    row.setdefault("updated_at", self.maybe(self.instant()))
            if self.rng.random() < 0.4:
                for row in rows:
                    row["deleted_at"] = self.maybe(self.instant(300), 0.05)
            share = 0.5 if table in CHANGE_OVER_TIME else 0.1
            rows.extend([self._version(row, rows) for row in rows if self.rng.random() < share])
            for row in rows:
                if self.rng.random() < 0.04:
                    row[self.rng.choice(list(row))] = self.rng.choice(ODD_TEXTS)
                if self.rng.random() < 0.04:
                    column = self.rng.choice(list(row))
                    row[column] = f" {row[column]}\t"
        return tables

    def _version(self, row: Row, rows: list[Row]) -> Row:
        """The row once more, one value taken from another row and, where there is one, another time of update.

        Without one nothing tells two versions in one file apart.
        """
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
        form = self.rng.randint(0, 4)
        if form == 0:
            return f"{moment:%Y-%m-%d}"
        if form == 1:
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        if form == 2:
            return f"{moment:%Y-%m-%d %H:%M:%S}"
        if form == 3:
            return f"{moment:%Y-%m-%d %H:%M} {self.rng.choice(('UTC', 'utc'))}"
        offset = timezone(timedelta(minutes=self.rng.choice((-480, 345, 540))))
        return moment.astimezone(offset).isoformat(timespec="seconds")

    def currency(self) -> str:
        return self.rng.choice(RARE_CURRENCIES if self.rng.random() < 0.1 else CURRENCIES)

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
            "account_id": account, "account_name": f"Account {account}", "segment": self.maybe(self.rng.choice(("smb", "large"))),
            "region": self.maybe(self.rng.choice(("east", "west"))), "owner_rep_id": self.one_of(self.reps, 0.5),
            "created_at": self.instant(),
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
            "amount": self.maybe(self.money(), 0.9), "currency": self.currency(),
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
            "rep_id": self.one_of(self.reps, 0.4), "subscription_id": self.maybe("s0", 0.2), "ordered_at": ordered_at,
            "status": self.rng.choice(("paid", "paid", "paid", "refunded", "pending", "canceled")),
            "currency": self.currency(),
        }  # fmt: skip

    def _item(self, number: int) -> Row:
        price = self.money(300)
        over = str(4 * float(price) + 1) if self.rng.random() < 0.05 else self.maybe(self.money(20), 0.3)
        return {
            "order_item_id": f"i{number}", "order_id": self.rng.choice([*self.orders, "nobody"]),
            "product_id": self.rng.choice([*self.products, "nobody"]), "quantity": str(self.rng.choice((1, 2, 3, 0.5))),
            "unit_price": price, "discount_amount": over, "tax_amount": self.money(9),
        }  # fmt: skip

    def _refund(self, number: int) -> Row:
        return {
            "refund_id": f"f{number}", "order_id": self.rng.choice([*self.orders, "nobody"]),
            "amount": f"{self.rng.randint(1, 20000) / 100}", "tax_amount": self.maybe(f"{self.rng.randint(0, 900) / 100}", 0.3),
            "refunded_at": self.instant(100),
        }  # fmt: skip

    def _product(self, product: str) -> Row:
        return {
            "product_id": product, "product_name": f"Product {product}", "category": self.maybe(self.rng.choice(("x", "y"))),
            "unit_cost": self.maybe(self.money(100)), "currency": self.currency(),
        }  # fmt: skip

    def _subscriptions(self) -> list[Row]:
        rows: list[Row] = []
        for subscription in range(self.some(5)):
            account = self.rng.choice([*self.accounts, "nobody"])
            currency = self.rng.choice(("", "EUR"))
            for _ in range(self.rng.randint(1, 5)):
                before = [row["changed_at"] for row in rows if row["subscription_id"] == f"s{subscription}"]
                changed_at = before[-1] if before and self.rng.random() < 0.25 else self.instant()
                rows.append({
                    "subscription_change_id": f"c{8 + len(rows)}", "subscription_id": f"s{subscription}",
                    "account_id": account, "changed_at": changed_at,
                    "status": self.rng.choice(("active", "active", "active", "trialing", "paused", "canceled")),
                    "plan": self.maybe(self.rng.choice(("basic", "pro"))), "quantity": self.maybe(str(self.rng.randint(1, 5))),
                    "unit_amount": self.maybe(self.money(100), 0.95), "currency": currency,
                    "billing_interval": self.maybe(self.rng.choice(("day", "week", "month", "quarter", "year")), 0.9),
                    "interval_count": self.maybe(str(self.rng.randint(1, 3)), 0.5),
                })  # fmt: skip
            if self.rng.random() < 0.8:
                rows.extend(self._renewal(rows[-1], len(rows)))
        return rows

    def _renewal(self, before: Row, number: int) -> list[Row]:
        """The end of a subscription, and a few days later, or on the same one, another of the same account."""
        end = self.day(100)
        begin = end + timedelta(days=self.rng.choice((0, 1, 1, 2, 3)))
        other = before["subscription_id"] if self.rng.random() < 0.3 else f"{before['subscription_id']}-renewed"
        changes = (
            (before["subscription_id"], str(end - timedelta(days=self.rng.randint(1, 60))), "active"),
            (before["subscription_id"], self.rng.choice((str(end), f"{end}T23:59:59Z")), "canceled"),
            (other, self.rng.choice((str(begin), f"{begin}T00:00:00Z", f"{begin}T12:00:00Z")), "active"),
        )
        return [
            {
                **before, "subscription_change_id": f"c{8 + number + n}", "subscription_id": subscription,
                "changed_at": changed_at, "status": status, "unit_amount": before["unit_amount"] or "50",
            }
            for n, (subscription, changed_at, status) in enumerate(changes)
        ]  # fmt: skip

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
            **self.rng.choice((*[{"score": str(self.rng.randint(1, 5)), "responded_at": self.instant()}] * 5,
                               {"score": "", "responded_at": self.maybe(self.instant(), 0.5)})),
        }  # fmt: skip

    def _months(self) -> list[str]:
        months = [date(2023 + (9 + n) // 12, (9 + n) % 12 + 1, 1) for n in range(20)]
        return [str(month) for month in months if self.rng.random() < 0.7]

    def months(self) -> str:
        return self.rng.choice(("", "", "", "1", "3", "12"))

    def _targets(self) -> list[Row]:
        return [
            {
                "target_month": month,
                "scope": scope,
                "scope_value": value,
                "amount": self.money(),
                "months": self.months(),
            }
            for month in self._months()
            for scope, value in (("company", ""), ("team", "North"), ("region", "east"))
        ]

    def _quotas(self) -> list[Row]:
        return [
            {"quota_month": month, "rep_id": rep, "amount": self.rng.choice(("0", self.money())), "currency": self.rng.choice(("", "USD")),
             "months": self.months()}
            for rep in [*self.reps, "nobody"]
            for month in self._months()
        ]  # fmt: skip

    def _costs(self) -> list[Row]:
        return [{"cost_month": month, "cost_type": "salaries", "amount": self.money()} for month in self._months()]

    def _rates(self) -> list[Row]:
        """Euro from the start, francs from half way: earlier franc rows have no rate. Others by inference only, or stale."""
        rows = []
        for currency, first in (("EUR", -30), ("CHF", DAYS // 2)):
            for offset in range(first, DAYS, 17):
                rate = self.rng.randint(9000, 12000) / 10000
                day = FIRST_DAY + timedelta(days=offset)
                rows.append({"rate_on": str(day), "from_currency": currency, "to_currency": "USD", "rate": str(rate)})
        for pair, step in ((("USD", "GBP"), 20), (("NOK", "EUR"), 20), (("CHF", "NOK"), 35), (("SEK", "USD"), 100)):
            for offset in range(-30, DAYS, step):
                day, rate = FIRST_DAY + timedelta(days=offset), self.rng.randint(2000, 30000) / 10000
                rows.append({
                    "rate_on": str(day), "from_currency": pair[0], "to_currency": pair[1], "rate": str(rate),
                })  # fmt: skip
        return rows
