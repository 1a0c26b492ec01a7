"""The words of the definitions over the current rows: sales, customers, deals, touches, first contacts."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from tests.reference.attributes import Attributes
from tests.reference.clock import Clock
from tests.reference.contract import Values
from tests.reference.landing import Landing, deal_closing, last_closed_changes
from tests.reference.records import (
    Account,
    Activity,
    Customer,
    Deal,
    Engagement,
    Inquiry,
    Lead,
    Line,
    Plan,
    Refund,
    Rep,
    Response,
    Sale,
    Spend,
    StageChange,
    SubscriptionState,
    months_of,
    read_support,
    spread,
)
from tests.reference.recurring import MONTHS_PER_INTERVAL, Recurring, effective
from tests.reference.rows import UNKNOWN, add
from tests.reference.settings import Settings
from tests.reference.values import Moment, money, natural


@dataclass
class Company:
    """Everything the metrics are made of, up to as_of."""

    settings: Settings
    landing: Landing
    loaded_on: date = date.max
    """The day the rows were loaded."""
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
    customers: dict[str, Customer] = field(default_factory=dict)
    inquiries: list[Inquiry] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    targets: list[Plan] = field(default_factory=list)
    quotas: list[Plan] = field(default_factory=list)
    costs: list[Plan] = field(default_factory=list)
    ad_spend: list[Spend] = field(default_factory=list)
    engagements: list[Engagement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = Clock(self.landing.zones, business_hours=self.settings.response_time_clock == "business_hours")
        self._build_people()
        self._build_deals()
        self._build_activities()
        self._build_sales()
        self._build_subscriptions()
        self._build_customers()
        self._build_support()
        self._build_plans()
        self.active_at = lru_cache(maxsize=None)(self._active_at)

    # ---------------------------------------------------------------------------------------------------- helpers

    def _rows(self, table: str) -> list[Values]:
        return self.landing.tables[table]

    def _in_books(self, day: date | None) -> bool:
        return day is not None and day <= self.settings.as_of

    def _convert(self, amount: Decimal, currency: str | None, day: date) -> Decimal:
        rate = self.landing.rates.at(currency, day)
        assert rate is not None, "a money row without a rate is quarantined"
        return money(amount, rate)

    def _convert_known(self, amount: Decimal | None, currency: str | None, day: date) -> Decimal | None:
        return None if amount is None else self._convert(amount, currency, day)

    # ------------------------------------------------------------------------------------------------ the members

    def rep_members(self, rep_id: str | None, day: date) -> dict[str, str]:
        return {"sales_rep": rep_id if rep_id in self.reps else UNKNOWN, **self._rep_attributes.at(rep_id, day)}

    def account_members(self, account_id: str | None, day: date) -> dict[str, str]:
        account = self.accounts.get(account_id or "")
        source = account.lead_source if account else UNKNOWN
        return {**self._account_attributes.at(account_id, day), "lead_source": source}

    def deal_lead_source(self, deal: Deal) -> str:
        if deal.lead_id is None:
            account = self.accounts.get(deal.account_id or "")
            return account.lead_source if account else UNKNOWN
        lead = self.leads_by_id.get(deal.lead_id)
        return lead.source if lead else UNKNOWN

    def deal_members(self, deal: Deal, day: date) -> dict[str, str]:
        return {
            **self.rep_members(deal.rep_id, day),
            **self.account_members(deal.account_id, day),
            "lead_source": self.deal_lead_source(deal),
            "deal_type": deal.deal_type,
        }

    def lead_members(self, lead: Lead, day: date) -> dict[str, str]:
        return {**self.rep_members(lead.rep_id, day), "lead_source": lead.source}

    def sale_members(self, sale: Sale, day: date) -> dict[str, str]:
        return {**self.rep_members(sale.rep_id, day), **self.account_members(sale.account_id, day)}

    def label(self, dimension: str, value: str) -> str:
        return self.reps[value].name if dimension == "sales_rep" and value in self.reps else value

    # ------------------------------------------------------------------------------------------------- the makers

    def _build_people(self) -> None:
        for row in self._rows("crm.sales_reps"):
            self.reps[row["rep_id"]] = Rep(row["rep_id"], row["rep_name"], row["hired_on"], row["left_on"])
        for row in self._rows("crm.leads"):
            qualified = row["qualified_at"] and row["qualified_at"].day
            lead = Lead(
                lead_id=row["lead_id"],
                created_at=row["created_at"],
                source=row["lead_source"] or UNKNOWN,
                rep_id=row["owner_rep_id"],
                account_id=row["account_id"],
                qualified_on=qualified if self._in_books(qualified) else None,
                referrer_type=row["referrer_type"],
            )
            if self._in_books(lead.day):  # what is created later is not known yet
                self.leads_by_id[lead.lead_id] = lead
                self.leads.append(lead)
        self.leads.sort(key=lambda lead: (lead.created_at.at, natural(lead.lead_id)))
        first_source: dict[str, str] = {}
        for lead in self.leads:
            if lead.account_id is not None:
                first_source.setdefault(lead.account_id, lead.source)
        for row in self._rows("crm.accounts"):
            self.accounts[row["account_id"]] = Account(
                row["account_id"], first_source.get(row["account_id"], UNKNOWN), row["owner_rep_id"]
            )
        self._rep_attributes = self._attributes("crm.sales_reps", "team")
        self._account_attributes = self._attributes("crm.accounts", "region", "segment")

    def _attributes(self, table: str, *names: str) -> Attributes:
        settings = self.settings
        versions = self.landing.versions[table]
        return Attributes(versions, names, settings.as_of, settings.attributes_as_of, self.loaded_on)

    def _build_deals(self) -> None:
        stages = self.landing.stages
        last_closed = last_closed_changes(self._rows("crm.deal_stage_changes"), stages)
        changes: dict[str, list[StageChange]] = defaultdict(list)
        for row in self._rows("crm.deal_stage_changes"):
            change = StageChange(row["deal_id"], stages[row["stage"]], row["changed_at"])
            if self._in_books(change.day):
                changes[change.deal_id].append(change)
        for of_deal in changes.values():
            of_deal.sort(key=lambda change: (change.moment.at, change.stage.order))
        self.stage_changes = dict(changes)
        for row in self._rows("crm.deals"):
            closed_at = deal_closing(row, stages, last_closed)
            if closed_at is not None and not self._in_books(closed_at.day):
                closed_at = None
            created_at: Moment = row["created_at"]
            if not self._in_books(created_at.day):  # not known yet, even if it is said to be closed
                continue
            deal = Deal(
                deal_id=row["deal_id"],
                account_id=row["account_id"],
                lead_id=row["lead_id"],
                rep_id=row["owner_rep_id"],
                deal_type=row["deal_type"],
                stage=stages[row["stage"]],
                known_amount=self._convert_known(row["amount"], row["currency"], (closed_at or created_at).day),
                probability=row["probability"],
                created_at=created_at,
                closed_at=closed_at,
                expected_close_on=row["expected_close_on"],
                lost_reason=row["lost_reason"] or UNKNOWN,
                changes=tuple(self.stage_changes.get(row["deal_id"], ())),
            )
            self.deals_by_id[deal.deal_id] = deal
            self.deals.append(deal)

    def _build_activities(self) -> None:
        for row in self._rows("crm.activities"):
            self.activities.append(
                Activity(
                    activity_id=row["activity_id"],
                    type=row["activity_type"],
                    rep_id=row["rep_id"],
                    lead_id=row["lead_id"],
                    deal_id=row["deal_id"],
                    occurred_at=row["occurred_at"],
                    booked_on=(row["booked_at"] or row["occurred_at"]).day,
                    minutes=row["duration_minutes"] or Decimal(0),
                    direction=row["direction"],
                    status=row["status"],
                )
            )
        self.activities.sort(key=lambda activity: (activity.occurred_at.at, natural(activity.activity_id)))

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
                if deal.is_won and deal.closed_at is not None:
                    line = Line(deal.deal_id, None, UNKNOWN, deal.amount, deal.amount, None)
                    rep_id = deal.rep_id or self._owner_of(deal.account_id)
                    self.sales.append(Sale(deal.deal_id, deal.closed_at, deal.account_id, rep_id, (line,)))
        else:
            self._build_orders()
        self.sales.sort(key=lambda sale: sale.order)
        by_account: dict[str, list[Sale]] = defaultdict(list)
        for sale in self.sales:
            if sale.account_id in self.accounts:
                by_account[sale.account_id or ""].append(sale)
        self.sales_by_account = dict(by_account)

    def _owner_of(self, account_id: str | None) -> str | None:
        account = self.accounts.get(account_id or "")
        return account.owner_rep_id if account else None

    def _build_orders(self) -> None:
        products = {row["product_id"]: row for row in self._rows("billing.products")}
        items: dict[str, list[Values]] = defaultdict(list)
        for row in self._rows("billing.order_items"):
            items[row["order_id"]].append(row)
        sales: dict[str, Sale] = {}
        for row in self._rows("billing.orders"):
            day = row["ordered_at"].day
            if row["status"] not in ("paid", "refunded") or not self._in_books(day):
                continue
            deal = self.deals_by_id.get(row["deal_id"] or "")
            lines = tuple(
                self._line(item, products.get(item["product_id"]), row["currency"], day)
                for item in items[row["order_id"]]
            )
            sales[row["order_id"]] = Sale(
                sale_id=row["order_id"],
                moment=row["ordered_at"],
                account_id=row["account_id"],
                rep_id=row["rep_id"] or (deal.rep_id if deal else None) or self._owner_of(row["account_id"]),
                lines=lines or (Line("", None, UNKNOWN, Decimal(0), Decimal(0), None),),
                currency=row["currency"],
                subscription_id=row["subscription_id"],
            )
        self.sales.extend(sales.values())
        for row in self._rows("billing.refunds"):
            day = row["refunded_at"].day
            refunded = sales.get(row["order_id"])
            if refunded is not None and self._in_books(day):
                given_back = row["amount"] - (row["tax_amount"] or Decimal(0))
                shares = spread(self._convert(given_back, refunded.currency, day), refunded.lines)
                net = refunded.native_net
                proportion = Fraction(given_back) / Fraction(net) if net > 0 else Fraction(0)
                self.refunds.append(Refund(refunded, day, shares, min(proportion, Fraction(1))))

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
            day = row["changed_at"].day
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
                currency=row["currency"] or self.landing.rates.reporting_currency,
                native=native,
                rate=rate,
                mrr=money(native, rate),
            )
            by_subscription[row["subscription_id"]].append((row["subscription_change_id"], state))
        subscriptions = {key: effective(states) for key, states in by_subscription.items()}
        self.recurring = Recurring(subscriptions, self.settings.renewal_gap_days)

    def _build_customers(self) -> None:
        paying_since = self.recurring.first_days[False]
        for account_id in self.accounts:
            sales = self.sales_by_account.get(account_id, [])
            first_sale = sales[0] if sales else None
            paying = paying_since.get((account_id, ""))
            if first_sale is not None and (paying is None or first_sale.day <= paying):
                self.customers[account_id] = Customer(account_id, first_sale.day, first_sale)
            elif paying is not None:
                self.customers[account_id] = Customer(account_id, paying, None)

    def _build_support(self) -> None:
        rows = self._rows("support.inquiries"), self._rows("support.csat_responses")
        self.inquiries, self.responses = read_support(*rows, self.settings.as_of)

    def _build_plans(self) -> None:
        def months(row: Values, kind: str, scope: str, member: str | None) -> Iterator[Plan]:
            month: date = row[f"{kind}_month"]
            amount = self._convert(row["amount"], row["currency"], month)
            return months_of(Plan(month, scope, member, amount), int(row.get("months") or 1))

        for row in self._rows("planning.sales_targets"):
            self.targets += months(row, "target", row["scope"], row["scope_value"] or UNKNOWN)
        for row in self._rows("planning.sales_quotas"):
            self.quotas += months(row, "quota", "rep", row["rep_id"])
        for row in self._rows("planning.sales_costs"):
            self.costs += months(row, "cost", row["cost_type"], None)
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

    def first_sale_on_or_after(self, account_id: str | None, day: date) -> Sale | None:
        """Of a known account."""
        sales = self.sales_by_account.get(account_id or "", [])
        position = bisect_left(sales, day, key=lambda sale: sale.day)
        return sales[position] if position < len(sales) else None

    def _active_at(self, day: date) -> frozenset[str]:
        """The customers active at the end of a day."""
        active = {account_id for account_id, mrr in self.recurring.of_accounts(day).items() if mrr > 0}
        since = day - timedelta(days=self.settings.customer_active_days - 1)
        for account_id, sales in self.sales_by_account.items():
            position = bisect_right(sales, day, key=lambda sale: sale.day)
            if position and sales[position - 1].day >= since:
                active.add(account_id)
        return frozenset(active & self.accounts.keys())

    def target(self, scope: str, member: str | None, start: date, end: date) -> Decimal | None:
        amounts = [
            target.amount
            for target in self.targets
            if target.scope == scope and target.member == member and start <= target.month <= end
        ]
        return add(amounts) if amounts else None
