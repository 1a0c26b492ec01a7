"""The words of the definitions over the current rows: sales, customers, deals, MRR, touches, first contacts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from tests.reference.landing import (
    Landing,
    Stage,
    Values,
    deal_closing,
    last_closed_changes,
    money,
)
from tests.reference.rows import UNKNOWN, add

TOUCH_TYPES = {"call", "email", "meeting", "demo", "presentation", "proposal"}
MONTHS_PER_INTERVAL = {
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "quarter": Fraction(1, 3),
    "year": Fraction(1, 12),
}
"""What an amount per interval is multiplied by to be one per month."""


@dataclass(frozen=True)
class Rep:
    rep_id: str
    name: str
    team: str
    hired_on: date | None
    left_on: date | None


@dataclass(frozen=True)
class Lead:
    lead_id: str
    created_at: datetime
    day: date
    source: str
    rep_id: str | None
    account_id: str | None
    qualified_on: date | None
    referrer_type: str | None


@dataclass(frozen=True)
class Account:
    account_id: str
    region: str
    segment: str
    lead_source: str


@dataclass(frozen=True)
class StageChange:
    deal_id: str
    stage: Stage
    moment: datetime
    day: date


@dataclass(frozen=True)
class Deal:
    deal_id: str
    account_id: str | None
    lead_id: str | None
    rep_id: str | None
    deal_type: str
    stage: Stage
    amount: Decimal
    probability: Decimal | None
    created_at: datetime
    created_on: date
    closed_at: datetime | None
    """None while open, and where the closing is after as_of."""
    closed_on: date | None
    expected_close_on: date | None
    lost_reason: str
    changes: tuple[StageChange, ...]
    """Up to as_of, in order."""

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
    day: date
    moment: datetime
    account_id: str | None
    rep_id: str | None
    lines: tuple[Line, ...]
    currency: str | None = None

    @property
    def amount(self) -> Decimal:
        return add(line.amount for line in self.lines)

    @property
    def order(self) -> tuple[date, datetime, str]:
        return self.day, self.moment, self.sale_id

    @property
    def products(self) -> set[str]:
        return {line.product_id for line in self.lines if line.product_id is not None}


@dataclass(frozen=True)
class Refund:
    sale: Sale
    day: date
    shares: tuple[tuple[Line, Decimal], ...]


@dataclass(frozen=True)
class SubscriptionState:
    """A subscription from a change on, until its next one."""

    subscription_id: str
    account_id: str
    plan: str
    moment: datetime
    day: date
    currency: str | None
    native: Fraction
    rate: Decimal
    mrr: Decimal


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
    occurred_at: datetime
    day: date
    booked_on: date
    minutes: Decimal
    direction: str | None
    status: str

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
    received_at: datetime
    day: date
    responded_at: datetime | None
    """None while the answer is after as_of."""


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


def _spread(amount: Decimal, lines: tuple[Line, ...]) -> tuple[tuple[Line, Decimal], ...]:
    """By the lines' net amounts (equally if these sum to 0), the remainder of rounding to the largest line."""
    net = add(line.native_net for line in lines)
    weights = [line.native_net for line in lines] if net else [Decimal(1)] * len(lines)
    shares = [money(amount, Fraction(weight) / Fraction(add(weights))) for weight in weights]
    largest = min(range(len(lines)), key=lambda i: (-lines[i].native_net, lines[i].item_id))
    shares[largest] += amount - add(shares)
    return tuple(zip(lines, shares, strict=True))


def _effective(states: Iterable[tuple[str, SubscriptionState]]) -> list[SubscriptionState]:
    """In order; of changes at the same moment only the one with the greatest id ever holds."""
    by_moment: dict[datetime, tuple[str, SubscriptionState]] = {}
    for change_id, state in states:
        if state.moment not in by_moment or change_id > by_moment[state.moment][0]:
            by_moment[state.moment] = change_id, state
    return [by_moment[moment][1] for moment in sorted(by_moment)]


@dataclass(frozen=True)
class Settings:
    """The vars of dbt_project.yml that decide what a figure is, with its defaults."""

    as_of: date
    business_timezone: str = "UTC"
    reporting_currency: str = "USD"
    fiscal_year_start_month: int = 1
    revenue_basis: Literal["billing", "bookings"] = "billing"
    customer_active_days: int = 365
    win_rate_basis: Literal["count", "amount"] = "count"
    sales_cycle_start: Literal["first_contact", "deal_created"] = "first_contact"
    lead_conversion_basis: Literal["cohort", "period"] = "cohort"
    cac_costs: Literal["fully_loaded", "paid_only"] = "fully_loaded"
    cac_lag_days: int = 0
    churn_formula: Literal["active_customers", "chartmogul", "stripe"] = "active_customers"
    response_time_clock: Literal["around_the_clock", "business_hours"] = "around_the_clock"
    paused_subscriptions: Literal["excluded", "included"] = "excluded"


@dataclass
class Company:
    """Everything the metrics are made of, up to as_of."""

    settings: Settings
    landing: Landing
    reps: dict[str, Rep] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    leads_by_id: dict[str, Lead] = field(default_factory=dict)
    leads: list[Lead] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    deals_by_id: dict[str, Deal] = field(default_factory=dict)
    stage_changes: dict[str, list[StageChange]] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    sales_by_account: dict[str, list[Sale]] = field(default_factory=dict)
    subscriptions: dict[str, list[SubscriptionState]] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    inquiries: list[Inquiry] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    targets: list[Plan] = field(default_factory=list)
    quotas: list[Plan] = field(default_factory=list)
    costs: list[Plan] = field(default_factory=list)
    ad_spend: list[Spend] = field(default_factory=list)
    engagements: list[Engagement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._build_people()
        self._build_deals()
        self._build_activities()
        self._build_sales()
        self._build_subscriptions()
        self._build_customers()
        self._build_support()
        self._build_plans()
        self.mrr_at = lru_cache(maxsize=None)(self._mrr_at)
        self.active_at = lru_cache(maxsize=None)(self._active_at)

    # ---------------------------------------------------------------------------------------------------- helpers

    def _rows(self, table: str) -> list[Values]:
        return self.landing.tables[table]

    def _day(self, moment: datetime) -> date:
        return self.landing.clock.day(moment)

    def _in_books(self, day: date | None) -> bool:
        return day is not None and day <= self.settings.as_of

    def _convert(self, amount: Decimal, currency: str | None, day: date) -> Decimal:
        rate = self.landing.rates.at(currency, day)
        assert rate is not None, "a money row without a rate is quarantined"
        return money(amount, rate)

    # ------------------------------------------------------------------------------------------------ the members

    def rep_members(self, rep_id: str | None) -> dict[str, str]:
        rep = self.reps.get(rep_id or "")
        return {"sales_rep": rep.rep_id if rep else UNKNOWN, "team": rep.team if rep else UNKNOWN}

    def account_members(self, account_id: str | None) -> dict[str, str]:
        account = self.accounts.get(account_id or "")
        return {
            "region": account.region if account else UNKNOWN,
            "segment": account.segment if account else UNKNOWN,
            "lead_source": account.lead_source if account else UNKNOWN,
        }

    def deal_lead_source(self, deal: Deal) -> str:
        if deal.lead_id is None:
            return self.account_members(deal.account_id)["lead_source"]
        lead = self.leads_by_id.get(deal.lead_id)
        return lead.source if lead else UNKNOWN

    def deal_members(self, deal: Deal) -> dict[str, str]:
        return {
            **self.rep_members(deal.rep_id),
            **self.account_members(deal.account_id),
            "lead_source": self.deal_lead_source(deal),
            "deal_type": deal.deal_type,
        }

    def lead_members(self, lead: Lead) -> dict[str, str]:
        return {**self.rep_members(lead.rep_id), "lead_source": lead.source}

    def sale_members(self, sale: Sale) -> dict[str, str]:
        return {**self.rep_members(sale.rep_id), **self.account_members(sale.account_id)}

    def label(self, dimension: str, value: str) -> str:
        return self.reps[value].name if dimension == "sales_rep" and value in self.reps else value

    # ------------------------------------------------------------------------------------------------- the makers

    def _build_people(self) -> None:
        for row in self._rows("crm.sales_reps"):
            self.reps[row["rep_id"]] = Rep(
                row["rep_id"], row["rep_name"], row["team"] or UNKNOWN, row["hired_on"], row["left_on"]
            )
        for row in self._rows("crm.leads"):
            qualified = row["qualified_at"] and self._day(row["qualified_at"])
            lead = Lead(
                lead_id=row["lead_id"],
                created_at=row["created_at"],
                day=self._day(row["created_at"]),
                source=row["lead_source"] or UNKNOWN,
                rep_id=row["owner_rep_id"],
                account_id=row["account_id"],
                qualified_on=qualified if self._in_books(qualified) else None,
                referrer_type=row["referrer_type"],
            )
            if self._in_books(lead.day):  # what is created later is not known yet
                self.leads_by_id[lead.lead_id] = lead
                self.leads.append(lead)
        self.leads.sort(key=lambda lead: (lead.created_at, lead.lead_id))
        first_source: dict[str, str] = {}
        for lead in self.leads:
            if lead.account_id is not None:
                first_source.setdefault(lead.account_id, lead.source)
        for row in self._rows("crm.accounts"):
            self.accounts[row["account_id"]] = Account(
                row["account_id"],
                row["region"] or UNKNOWN,
                row["segment"] or UNKNOWN,
                first_source.get(row["account_id"], UNKNOWN),
            )

    def _build_deals(self) -> None:
        stages = self.landing.stages
        last_closed = last_closed_changes(self._rows("crm.deal_stage_changes"), stages)
        changes: dict[str, list[StageChange]] = defaultdict(list)
        for row in self._rows("crm.deal_stage_changes"):
            change = StageChange(row["deal_id"], stages[row["stage"]], row["changed_at"], self._day(row["changed_at"]))
            if self._in_books(change.day):
                changes[change.deal_id].append(change)
        for of_deal in changes.values():
            of_deal.sort(key=lambda change: (change.moment, change.stage.order))
        self.stage_changes = dict(changes)
        for row in self._rows("crm.deals"):
            closed_at = deal_closing(row, stages, last_closed)
            closed_on = self._day(closed_at) if closed_at else None
            if not self._in_books(closed_on):
                closed_at = closed_on = None
            created_on = self._day(row["created_at"])
            if not self._in_books(created_on):  # not known yet, even if it is said to be closed
                continue
            deal = Deal(
                deal_id=row["deal_id"],
                account_id=row["account_id"],
                lead_id=row["lead_id"],
                rep_id=row["owner_rep_id"],
                deal_type=row["deal_type"],
                stage=stages[row["stage"]],
                amount=self._convert(row["amount"], row["currency"], closed_on or created_on),
                probability=row["probability"],
                created_at=row["created_at"],
                created_on=created_on,
                closed_at=closed_at,
                closed_on=closed_on,
                expected_close_on=row["expected_close_on"],
                lost_reason=row["lost_reason"] or UNKNOWN,
                changes=tuple(self.stage_changes.get(row["deal_id"], ())),
            )
            self.deals_by_id[deal.deal_id] = deal
            self.deals.append(deal)

    def _build_activities(self) -> None:
        for row in self._rows("crm.activities"):
            occurred_on = self._day(row["occurred_at"])
            self.activities.append(
                Activity(
                    activity_id=row["activity_id"],
                    type=row["activity_type"],
                    rep_id=row["rep_id"],
                    lead_id=row["lead_id"],
                    deal_id=row["deal_id"],
                    occurred_at=row["occurred_at"],
                    day=occurred_on,
                    booked_on=self._day(row["booked_at"]) if row["booked_at"] else occurred_on,
                    minutes=row["duration_minutes"] or Decimal(0),
                    direction=row["direction"],
                    status=row["status"],
                )
            )
        self.activities.sort(key=lambda activity: (activity.occurred_at, activity.activity_id))

    @property
    def done(self) -> Iterator[Activity]:
        """Completed activities up to as_of, in order."""
        return (a for a in self.activities if a.is_completed and self._in_books(a.day))

    @property
    def touches(self) -> Iterator[Activity]:
        return (activity for activity in self.done if activity.is_touch)

    def _build_sales(self) -> None:
        if self.settings.revenue_basis == "bookings":
            for deal in self.deals:
                if deal.is_won and deal.closed_on is not None and deal.closed_at is not None:
                    line = Line(deal.deal_id, None, UNKNOWN, deal.amount, deal.amount, None)
                    self.sales.append(
                        Sale(deal.deal_id, deal.closed_on, deal.closed_at, deal.account_id, deal.rep_id, (line,))
                    )
        else:
            self._build_orders()
        self.sales.sort(key=lambda sale: sale.order)
        by_account: dict[str, list[Sale]] = defaultdict(list)
        for sale in self.sales:
            if sale.account_id in self.accounts:
                by_account[sale.account_id or ""].append(sale)
        self.sales_by_account = dict(by_account)

    def _build_orders(self) -> None:
        products = {row["product_id"]: row for row in self._rows("billing.products")}
        items: dict[str, list[Values]] = defaultdict(list)
        for row in self._rows("billing.order_items"):
            items[row["order_id"]].append(row)
        sales: dict[str, Sale] = {}
        for row in self._rows("billing.orders"):
            day = self._day(row["ordered_at"])
            if row["status"] not in ("paid", "refunded") or not self._in_books(day):
                continue
            deal = self.deals_by_id.get(row["deal_id"] or "")
            lines = tuple(
                self._line(item, products.get(item["product_id"]), row["currency"], day)
                for item in items[row["order_id"]]
            )
            sales[row["order_id"]] = Sale(
                sale_id=row["order_id"],
                day=day,
                moment=row["ordered_at"],
                account_id=row["account_id"],
                rep_id=row["rep_id"] or (deal.rep_id if deal else None),
                lines=lines or (Line("", None, UNKNOWN, Decimal(0), Decimal(0), None),),
                currency=row["currency"],
            )
        self.sales.extend(sales.values())
        for row in self._rows("billing.refunds"):
            day = self._day(row["refunded_at"])
            refunded = sales.get(row["order_id"])
            if refunded is not None and self._in_books(day):
                amount = self._convert(row["amount"], refunded.currency, day)
                self.refunds.append(Refund(refunded, day, _spread(amount, refunded.lines)))

    def _line(self, item: Values, product: Values | None, currency: str | None, day: date) -> Line:
        net = item["quantity"] * item["unit_price"] - (item["discount_amount"] or Decimal(0))
        cost = None
        if product is not None and product["unit_cost"] is not None:
            rate = self.landing.rates.at(product["currency"], day)
            cost = None if rate is None else money(item["quantity"], product["unit_cost"], rate)
        category = product["category"] if product is not None else None
        return Line(
            item["order_item_id"], item["product_id"], category or UNKNOWN, net, self._convert(net, currency, day), cost
        )

    @property
    def _paying_statuses(self) -> set[str]:
        return {"active", "paused"} if self.settings.paused_subscriptions == "included" else {"active"}

    def _build_subscriptions(self) -> None:
        by_subscription: dict[str, list[tuple[str, SubscriptionState]]] = defaultdict(list)
        for row in self._rows("billing.subscription_changes"):
            day = self._day(row["changed_at"])
            if not self._in_books(day):
                continue
            native, rate = Fraction(0), Decimal(1)
            if row["status"] in self._paying_statuses and row["unit_amount"] is not None:
                per_month = MONTHS_PER_INTERVAL[row["billing_interval"] or "month"]
                quantity = Decimal(1) if row["quantity"] is None else row["quantity"]
                amount = Fraction(quantity) * Fraction(row["unit_amount"])
                # a price below zero is no recurring revenue
                native = max(amount * per_month / Fraction(row["interval_count"] or 1), Fraction(0))
                rate = self.landing.rates.at(row["currency"], day) or Decimal(0)
            state = SubscriptionState(
                subscription_id=row["subscription_id"],
                account_id=row["account_id"],
                plan=row["plan"] or UNKNOWN,
                moment=row["changed_at"],
                day=day,
                currency=row["currency"] or self.landing.rates.reporting_currency,
                native=native,
                rate=rate,
                mrr=money(native, rate),
            )
            by_subscription[row["subscription_id"]].append((row["subscription_change_id"], state))
        self.subscriptions = {key: _effective(states) for key, states in by_subscription.items()}
        self.first_mrr_days = {by_plan: self._first_mrr_days(by_plan=by_plan) for by_plan in (False, True)}

    def _build_customers(self) -> None:
        paying_since = self.first_mrr_days[False]
        for account_id in self.accounts:
            sales = self.sales_by_account.get(account_id, [])
            first_sale = sales[0] if sales else None
            paying = paying_since.get((account_id, ""))
            if first_sale is not None and (paying is None or first_sale.day <= paying):
                self.customers[account_id] = Customer(account_id, first_sale.day, first_sale)
            elif paying is not None:
                self.customers[account_id] = Customer(account_id, paying, None)

    def _build_support(self) -> None:
        by_id: dict[str, Inquiry] = {}
        for row in self._rows("support.inquiries"):
            responded_at = row["first_responded_at"]
            by_id[row["inquiry_id"]] = Inquiry(
                inquiry_id=row["inquiry_id"],
                channel=row["channel"],
                account_id=row["account_id"],
                rep_id=row["rep_id"],
                received_at=row["received_at"],
                day=self._day(row["received_at"]),
                responded_at=responded_at if responded_at and self._in_books(self._day(responded_at)) else None,
            )
        self.inquiries = [inquiry for inquiry in by_id.values() if self._in_books(inquiry.day)]
        for row in self._rows("support.csat_responses"):
            day = self._day(row["responded_at"])
            about = by_id.get(row["inquiry_id"] or "")
            if self._in_books(day):
                self.responses.append(
                    Response(
                        day=day,
                        score=int(row["score"]),
                        rep_id=row["rep_id"] or (about.rep_id if about else None),
                        account_id=row["account_id"] or (about.account_id if about else None),
                        channel=about.channel if about else UNKNOWN,
                    )
                )

    def _build_plans(self) -> None:
        def plan(row: Values, kind: str, scope: str, member: str | None) -> Plan:
            month = row[f"{kind}_month"]
            return Plan(month, scope, member, self._convert(row["amount"], row["currency"], month))

        self.targets = [
            plan(row, "target", row["scope"], row["scope_value"] or UNKNOWN)
            for row in self._rows("planning.sales_targets")
        ]
        self.quotas = [plan(row, "quota", "rep", row["rep_id"]) for row in self._rows("planning.sales_quotas")]
        self.costs = [plan(row, "cost", row["cost_type"], None) for row in self._rows("planning.sales_costs")]
        for row in self._rows("marketing.ad_spend"):
            if self._in_books(row["spend_on"]):
                amount = self._convert(row["amount"], row["currency"], row["spend_on"])
                self.ad_spend.append(Spend(row["spend_on"], row["channel"], amount))
        for row in self._rows("marketing.social_engagements"):
            if self._in_books(row["engaged_on"]):
                kinds = (row["likes"], row["comments"], row["shares"], row["direct_messages"])
                engagements = add(kind for kind in kinds if kind is not None)
                self.engagements.append(
                    Engagement(row["engaged_on"], row["platform"], row["rep_id"], engagements, row["impressions"])
                )

    # --------------------------------------------------------------------------------------------- what follows

    def minutes_between(self, begin: datetime, end: datetime) -> float:
        """By the clock, or by policy of the hours the business is open."""
        if self.settings.response_time_clock == "around_the_clock":
            return (end - begin) / timedelta(minutes=1)
        return self.landing.clock.open_time(begin, end) / timedelta(minutes=1)

    def first_event(self) -> date:
        """The first day of the spine; as_of where nothing ever happened."""
        days: list[date] = [sale.day for sale in self.sales]
        days += [refund.day for refund in self.refunds]
        days += [deal.created_on for deal in self.deals]
        days += [deal.closed_on for deal in self.deals if deal.closed_on is not None]
        days += [changes[0].day for changes in self.stage_changes.values()]
        days += [lead.day for lead in self.leads]
        days += [min(activity.day, activity.booked_on) for activity in self.activities]
        days += [states[0].day for states in self.subscriptions.values()]
        days += [inquiry.day for inquiry in self.inquiries]
        days += [response.day for response in self.responses]
        days += [spend.day for spend in self.ad_spend]
        days += [engagement.day for engagement in self.engagements]
        return min((day for day in days if self._in_books(day)), default=self.settings.as_of)

    def first_sale_on_or_after(self, account_id: str | None, day: date) -> Sale | None:
        """Of a known account."""
        sales = self.sales_by_account.get(account_id or "", [])
        position = bisect_left(sales, day, key=lambda sale: sale.day)
        return sales[position] if position < len(sales) else None

    def _first_mrr_days(self, *, by_plan: bool) -> dict[tuple[str, str], date]:
        """When an account (or an account on a plan) first had MRR > 0, if only for an hour."""
        first: dict[tuple[str, str], date] = {}
        for states in self.subscriptions.values():
            for state in states:
                if state.mrr > 0:
                    key = state.account_id, state.plan if by_plan else ""
                    first[key] = min(state.day, first.get(key, state.day))
        return first

    def _mrr_at(self, day: date) -> dict[str, SubscriptionState]:
        """The subscriptions with MRR at the end of a day."""
        at: dict[str, SubscriptionState] = {}
        for subscription_id, states in self.subscriptions.items():
            position = bisect_right(states, day, key=lambda state: state.day)
            if position and states[position - 1].mrr != 0:
                at[subscription_id] = states[position - 1]
        return at

    def account_mrr_at(self, day: date) -> dict[str, Decimal]:
        mrr: dict[str, Decimal] = defaultdict(Decimal)
        for state in self.mrr_at(day).values():
            mrr[state.account_id] += state.mrr
        return mrr

    def _active_at(self, day: date) -> frozenset[str]:
        """The customers active at the end of a day."""
        active = {account_id for account_id, mrr in self.account_mrr_at(day).items() if mrr > 0}
        since = day - timedelta(days=self.settings.customer_active_days - 1)
        for account_id, sales in self.sales_by_account.items():
            position = bisect_right(sales, day, key=lambda sale: sale.day)
            if position and sales[position - 1].day >= since:
                active.add(account_id)
        return frozenset(active & self.accounts.keys())

    def mrr_movements(self, opening_day: date, closing_day: date, *, by_plan: bool) -> list[Movement]:
        """Of every account (or account and plan) with MRR at either end; opening + movements = closing."""
        opening, closing = self.mrr_at(opening_day), self.mrr_at(closing_day)
        first_days = self.first_mrr_days[by_plan]

        def key(state: SubscriptionState) -> tuple[str, str]:
            return state.account_id, state.plan if by_plan else ""

        before: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        after: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        by_rate: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for state in opening.values():
            before[key(state)] += state.mrr
        for subscription_id, state in closing.items():
            after[key(state)] += state.mrr
            old = opening.get(subscription_id)
            same = old is not None and key(old) == key(state) and old.currency == state.currency
            if old is not None and same and old.mrr > 0 and state.mrr > 0:
                unchanged = old.native == state.native  # then all of it is the rate's, to the last rounding
                by_rate[key(state)] += state.mrr - old.mrr if unchanged else money(old.native, state.rate - old.rate)
        movements = []
        for pair in before.keys() | after.keys():
            was, now = before[pair], after[pair]
            change: dict[str, Decimal] = {}
            if was == 0:
                known = pair in first_days and first_days[pair] <= opening_day
                change["reactivation" if known else "new"] = now
            elif now == 0:
                change["churned"] = -was
            else:
                change["fx"] = by_rate[pair]
                rest = now - was - by_rate[pair]
                change["expansion" if rest > 0 else "contraction"] = rest
            movements.append(Movement(pair[0], pair[1], was, now, **change))
        return movements

    def target(self, scope: str, member: str | None, start: date, end: date) -> Decimal | None:
        amounts = [
            target.amount
            for target in self.targets
            if target.scope == scope and target.member == member and start <= target.month <= end
        ]
        return add(amounts) if amounts else None
