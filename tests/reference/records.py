"""What the words of the definitions stand for: reps, leads, deals, sales, subscriptions, activities, plans."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.reference.contract import Values
from tests.reference.landing import Stage
from tests.reference.rows import UNKNOWN, add, add_months
from tests.reference.values import Moment, money, natural

TOUCH_TYPES = {"call", "email", "meeting", "demo", "presentation", "proposal"}


@dataclass(frozen=True)
class Rep:
    rep_id: str
    name: str
    hired_on: date | None
    left_on: date | None


@dataclass(frozen=True)
class Lead:
    lead_id: str
    created_at: Moment
    source: str
    rep_id: str | None
    account_id: str | None
    qualified_on: date | None
    referrer_type: str | None

    @property
    def day(self) -> date:
        return self.created_at.day


@dataclass(frozen=True)
class Account:
    account_id: str
    lead_source: str
    owner_rep_id: str | None


@dataclass(frozen=True)
class StageChange:
    deal_id: str
    stage: Stage
    moment: Moment

    @property
    def day(self) -> date:
        return self.moment.day


@dataclass(frozen=True)
class Deal:
    deal_id: str
    account_id: str | None
    lead_id: str | None
    rep_id: str | None
    deal_type: str
    stage: Stage
    known_amount: Decimal | None
    probability: Decimal | None
    created_at: Moment
    closed_at: Moment | None
    """None while open, and where the closing is after as_of."""
    expected_close_on: date | None
    lost_reason: str
    changes: tuple[StageChange, ...]
    """Up to as_of, in order."""

    @property
    def amount(self) -> Decimal:
        """Nothing where the source doesn't say."""
        return Decimal(0) if self.known_amount is None else self.known_amount

    @property
    def created_on(self) -> date:
        return self.created_at.day

    @property
    def closed_on(self) -> date | None:
        return None if self.closed_at is None else self.closed_at.day

    @property
    def is_won(self) -> bool:
        return self.closed_on is not None and self.stage.is_won

    @property
    def is_lost(self) -> bool:
        return self.closed_on is not None and self.stage.is_lost

    def last_change(self, day: date) -> StageChange | None:
        position = bisect_right(self.changes, day, key=lambda change: change.day)
        return self.changes[position - 1] if position else None

    def is_open(self, day: date) -> bool:
        """At the end of the day."""
        if self.created_on > day or (self.closed_on is not None and self.closed_on <= day):
            return False
        change = self.last_change(day)
        return change is None or not change.stage.is_closed

    def in_stage_since(self, day: date) -> date:
        """When the deal entered the stage it is in at the end of the day; created, without a change till then."""
        since, stage = self.created_on, None
        for change in self.changes:
            if change.day <= day and change.stage != stage:
                since, stage = change.day, change.stage
        return since

    def probability_at(self, day: date) -> Decimal:
        """Of an open deal: its own, else its stage's, else (stage unknown) 0."""
        if self.probability is not None:
            return self.probability
        stage = self.stage_at(day)
        return stage.default_probability if stage else Decimal(0)

    def stage_at(self, day: date) -> Stage | None:
        """Of an open deal. None: unknown."""
        change = self.last_change(day)
        if change is not None:
            return change.stage
        return self.stage if not self.changes and not self.stage.is_closed else None


@dataclass(frozen=True)
class Line:
    """What one product of a sale brought (bookings, and orders without items: one line of an unknown product)."""

    item_id: str
    product_id: str | None
    category: str
    native_net: Decimal
    amount: Decimal
    cost: Decimal | None

    @property
    def is_placeholder(self) -> bool:
        """The line of an order that has no items."""
        return not self.item_id


@dataclass(frozen=True)
class Sale:
    sale_id: str
    moment: Moment
    account_id: str | None
    rep_id: str | None
    lines: tuple[Line, ...]
    currency: str | None = None
    subscription_id: str | None = None

    @property
    def day(self) -> date:
        return self.moment.day

    @property
    def native_net(self) -> Decimal:
        return add(line.native_net for line in self.lines)

    @property
    def amount(self) -> Decimal:
        return add(line.amount for line in self.lines)

    @property
    def order(self) -> tuple[date, datetime, tuple[str, str]]:
        return self.day, self.moment.at, natural(self.sale_id)

    @property
    def products(self) -> set[str]:
        return {line.product_id for line in self.lines if line.product_id is not None}


@dataclass(frozen=True)
class Refund:
    sale: Sale
    day: date
    shares: tuple[tuple[Line, Decimal], ...]
    proportion: Fraction
    """Of its sale, in the sale's currency; 0 of a sale for nothing."""


@dataclass(frozen=True)
class SubscriptionState:
    """A subscription from a change on, until its next one."""

    subscription_id: str
    account_id: str
    plan: str
    moment: Moment
    currency: str | None
    native: Fraction
    rate: Decimal
    mrr: Decimal

    @property
    def day(self) -> date:
        return self.moment.day


@dataclass(frozen=True)
class Customer:
    account_id: str
    since: date
    first_sale: Sale | None
    """None when it became a customer by subscription before any sale."""


@dataclass(frozen=True)
class Activity:
    activity_id: str
    type: str
    rep_id: str
    lead_id: str | None
    deal_id: str | None
    occurred_at: Moment
    booked_on: date
    minutes: Decimal
    direction: str | None
    status: str

    @property
    def day(self) -> date:
        return self.occurred_at.day

    @property
    def is_completed(self) -> bool:
        return self.status == "completed"

    @property
    def is_call_or_email(self) -> bool:
        return self.is_completed and self.type in ("call", "email") and self.direction != "inbound"

    @property
    def is_touch(self) -> bool:
        return self.is_completed and self.type in TOUCH_TYPES and self.direction != "inbound"


@dataclass(frozen=True)
class Inquiry:
    inquiry_id: str
    channel: str
    account_id: str | None
    rep_id: str | None
    received_at: Moment
    responded_at: Moment | None
    """None while the answer is after as_of."""

    @property
    def day(self) -> date:
        return self.received_at.day


@dataclass(frozen=True)
class Response:
    day: date
    score: int
    rep_id: str | None
    account_id: str | None
    channel: str


@dataclass(frozen=True)
class Movement:
    """What an account's (or account and plan's) MRR did between two days."""

    account_id: str
    plan: str
    opening: Decimal
    closing: Decimal
    new: Decimal = Decimal(0)
    expansion: Decimal = Decimal(0)
    contraction: Decimal = Decimal(0)
    churned: Decimal = Decimal(0)
    reactivation: Decimal = Decimal(0)
    fx: Decimal = Decimal(0)


@dataclass(frozen=True)
class Plan:
    """A month's target, quota or cost."""

    month: date
    scope: str
    member: str | None
    amount: Decimal


@dataclass(frozen=True)
class Spend:
    day: date
    channel: str
    amount: Decimal


@dataclass(frozen=True)
class Engagement:
    day: date
    platform: str
    rep_id: str | None
    engagements: Decimal
    impressions: Decimal | None


def spread(amount: Decimal, lines: tuple[Line, ...]) -> tuple[tuple[Line, Decimal], ...]:
    """By the lines' net amounts (equally if these sum to 0), the remainder of rounding to the largest line."""
    net = add(line.native_net for line in lines)
    weights = [line.native_net for line in lines] if net else [Decimal(1)] * len(lines)
    shares = [money(amount, Fraction(weight) / Fraction(add(weights))) for weight in weights]
    largest = min(range(len(lines)), key=lambda i: (-lines[i].native_net, natural(lines[i].item_id)))
    shares[largest] += amount - add(shares)
    return tuple(zip(lines, shares, strict=True))


def months_of(plan: Plan, months: int) -> Iterator[Plan]:
    """The amount of a month, or of several in equal parts, the last of which takes the rest."""
    part = money(plan.amount, Fraction(1, months))
    for n in range(months):
        amount = part if n < months - 1 else plan.amount - part * (months - 1)
        yield replace(plan, month=add_months(plan.month, n), amount=amount)


def read_support(
    inquiry_rows: Iterable[Values], response_rows: Iterable[Values], as_of: date
) -> tuple[list[Inquiry], list[Response]]:
    """What was asked and answered by a day; an answer takes what it doesn't say from its inquiry."""
    by_id: dict[str, Inquiry] = {}
    for row in inquiry_rows:
        responded_at: Moment | None = row["first_responded_at"]
        by_id[row["inquiry_id"]] = Inquiry(
            inquiry_id=row["inquiry_id"],
            channel=row["channel"],
            account_id=row["account_id"],
            rep_id=row["rep_id"],
            received_at=row["received_at"],
            responded_at=responded_at if responded_at and responded_at.day <= as_of else None,
        )
    responses: list[Response] = []
    for row in response_rows:
        if row["score"] is None or row["responded_at"].day > as_of:
            continue
        about = by_id.get(row["inquiry_id"] or "")
        responses.append(
            Response(
                day=row["responded_at"].day,
                score=int(row["score"]),
                rep_id=row["rep_id"] or (about.rep_id if about else None),
                account_id=row["account_id"] or (about.account_id if about else None),
                channel=about.channel if about else UNKNOWN,
            )
        )
    return [inquiry for inquiry in by_id.values() if inquiry.day <= as_of], responses
