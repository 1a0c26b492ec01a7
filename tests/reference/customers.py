"""Customers: won, kept, lost, what they cost and bring, and their recurring revenue."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.reference.context import DAY, HALF_A_CENT, ZERO, Context, metric, only
from tests.reference.model import Company
from tests.reference.records import Movement
from tests.reference.rows import (
    ALL,
    Key,
    Mart,
    Members,
    Period,
    Value,
    add,
    balance_cells,
    cells_of,
    divide,
    period_of,
    ratio,
    total,
)
from tests.reference.values import money


def new_customer_cells(context: Context) -> dict[Key, list[str]]:
    company = context.company

    def records() -> Iterator[tuple[date, Members, str]]:
        for customer in company.customers.values():
            rep_id = customer.first_sale.rep_id if customer.first_sale else None
            day = customer.since
            members = {**company.account_members(customer.account_id, day), **company.rep_members(rep_id, day)}
            yield day, members, customer.account_id

    return cells_of(context.spine, records())


@metric
def new_customers(context: Context) -> Mart:
    cells = new_customer_cells(context)
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


def movement_cells(context: Context, day: Callable[[Period], date] | None = None) -> dict[Key, list[Movement]]:
    """Of the accounts as they were at the period's end, or on another day of it."""
    company, on = context.company, day or context.spine.close
    cells: dict[Key, list[Movement]] = defaultdict(list)
    for period in context.spine.periods:
        ends = context.day_before(period), context.spine.close(period)
        for movement in company.recurring.movements(*ends, by_plan=False):
            cuts = (ALL, *company.account_members(movement.account_id, on(period)).items())
            for dimension, value in cuts:
                cells[period.grain, period.start, dimension, value].append(movement)
        for movement in company.recurring.movements(*ends, by_plan=True):
            cells[period.grain, period.start, "plan", movement.plan].append(movement)
    return cells


@metric
def mrr(context: Context) -> Mart:
    cells = movement_cells(context)
    # A member has a row while a subscription with MRR stands at the period's end.
    standing = [key for key, movements in cells.items() if any(m.closing != 0 for m in movements)]

    def measure(key: Key, _: Period) -> Value:
        movements = cells.get(key, [])
        opening = add(m.opening for m in movements)
        expansion, contraction = add(m.expansion for m in movements), add(m.contraction for m in movements)
        churned = add(m.churned for m in movements)
        return total(
            add(m.closing for m in movements),
            new_mrr=add(m.new for m in movements),
            expansion_mrr=expansion,
            contraction_mrr=contraction,
            churned_mrr=churned,
            reactivation_mrr=add(m.reactivation for m in movements),
            fx_mrr=add(m.fx for m in movements),
            net_revenue_retention=divide(opening + expansion + contraction + churned, opening),
            gross_revenue_retention=divide(opening + contraction + churned, opening),
        )

    return context.mart(standing, measure)


def ad_spend_cells(context: Context) -> dict[Key, list[Decimal]]:
    """By channel, which is what a lead source is called in marketing."""
    return cells_of(context.spine, ((s.day, {"lead_source": s.channel}, s.amount) for s in context.company.ad_spend))


@dataclass(frozen=True)
class Costs:
    """What winning customers cost in a period."""

    ad_spend: Decimal
    sales_costs: Decimal
    counted: Decimal
    """Both of them, or by policy ad spend alone."""


def sales_costs_of(company: Company, first: date, last: date) -> Decimal:
    """A month's cost lies evenly on its days."""
    shares: list[Fraction] = []
    for cost in company.costs:
        month = period_of("month", cost.month)
        days = (min(last, month.end) - max(first, month.start)).days + 1
        if days > 0:
            shares.append(Fraction(cost.amount) * days / month.end.day)
    return money(sum(shares, Fraction(0)))


def acquisition_costs(context: Context) -> Callable[[Key, Period], Costs]:
    """By cell: of a lead source the channel's ad spend, of all cells but `all` no sales costs."""
    company, lag = context.company, timedelta(days=context.settings.cac_lag_days)
    spend = acquisition_spend_cells(context)

    def of(key: Key, period: Period) -> Costs:
        spent, costs = add(spend.get(key, [])), ZERO
        if key[2:] == ALL:
            costs = sales_costs_of(company, period.first - lag, context.spine.close(period) - lag)
        return Costs(spent, costs, spent if context.settings.cac_costs == "paid_only" else spent + costs)

    return of


def acquisition_spend_cells(context: Context) -> dict[Key, list[Decimal]]:
    """Ad spend on the day it counts as a cost of winning customers, which by policy is some days later."""
    lag = timedelta(days=context.settings.cac_lag_days)
    return cells_of(
        context.spine,
        (
            (spend.day + lag, {"lead_source": spend.channel}, spend.amount)
            for spend in context.company.ad_spend
            if spend.day + lag <= context.settings.as_of
        ),
    )


@metric
def customer_acquisition_cost(context: Context) -> Mart:
    cells = {k: v for k, v in new_customer_cells(context).items() if k[2] in ("all", "lead_source")}
    costs_of = acquisition_costs(context)

    def measure(key: Key, period: Period) -> Value:
        costs = costs_of(key, period)
        return ratio(costs.counted, len(cells.get(key, [])), ad_spend=costs.ad_spend, sales_costs=costs.sales_costs)

    return context.mart([*cells, *acquisition_spend_cells(context)], measure)


def kept_cells(context: Context) -> dict[Key, list[bool]]:
    """Of each customer active before a period: is it still at its end?"""
    company = context.company

    def at(period: Period) -> Iterator[tuple[Members, bool]]:
        before = context.day_before(period)
        still = company.active_at(context.spine.close(period))
        for account_id in company.active_at(before):
            yield company.account_members(account_id, before), account_id in still

    return balance_cells(context.spine, at)


@metric
def customer_retention_rate(context: Context) -> Mart:
    cells = kept_cells(context)
    return context.mart(cells, lambda key, _: ratio(sum(cells.get(key, [])), len(cells.get(key, []))))


@dataclass(frozen=True)
class Subscribers:
    before: int
    lost: int
    new: int


def subscribers_of(movements: list[Movement]) -> Subscribers:
    return Subscribers(
        sum(m.opening > 0 for m in movements),
        sum(m.opening > 0 and m.closing == 0 for m in movements),
        sum(m.opening == 0 and m.closing > 0 for m in movements),
    )


@metric
def customer_churn_rate(context: Context) -> Mart:
    movements = movement_cells(context, context.day_before)
    formula = context.settings.churn_formula
    kept = kept_cells(context)
    subscribers = {
        key: subscribers_of([movement for movement in cell if movement.account_id in context.company.accounts])
        for key, cell in movements.items()
        if key[2] != "plan"
    }

    def counted(key: Key) -> tuple[int, int]:
        """Lost, and of how many."""
        if formula == "active_customers":
            return len(kept.get(key, [])) - sum(kept.get(key, [])), len(kept.get(key, []))
        of_cell = subscribers.get(key, Subscribers(0, 0, 0))
        return of_cell.lost, of_cell.before + (of_cell.new if formula == "stripe" else 0)

    def measure(key: Key, _: Period) -> Value:
        moved = movements.get(key, [])  # of unknown accounts too, as in mrr
        churned_mrr = -add(m.churned for m in moved)
        return ratio(*counted(key), churned_mrr_rate=divide(churned_mrr, add(m.opening for m in moved)))

    return context.mart((key for key in {**kept, **subscribers} if counted(key)[1]), measure)


def a_year_before(day: date) -> date:
    """The last day before the twelve months that end with a day: these begin on the day after it, a year earlier."""
    after = day + DAY
    leaps = (after.month, after.day) == (2, 29)
    return after.replace(year=after.year - 1, day=28 if leaps else after.day) - DAY


@dataclass
class Lifetime:
    """Of one account, at a period's end."""

    revenue: Decimal
    is_customer: bool
    year_revenue: Decimal
    year_costed_revenue: Decimal
    year_cost: Decimal
    is_active: bool
    was_active: bool


@dataclass(frozen=True)
class Customership:
    """What the accounts of a cell have brought, and may bring."""

    lifetimes: list[Lifetime]

    @property
    def realised(self) -> Value:
        """Revenue to date / customers to date."""
        return ratio(
            add(lifetime.revenue for lifetime in self.lifetimes),
            sum(lifetime.is_customer for lifetime in self.lifetimes),
        )

    @property
    def margin(self) -> Fraction | None:
        """Of the twelve months' lines with a known cost; NULL where these brought nothing."""
        costed = add(lifetime.year_costed_revenue for lifetime in self.lifetimes)
        if costed <= 0:
            return None
        return Fraction(costed - add(lifetime.year_cost for lifetime in self.lifetimes)) / Fraction(costed)

    @property
    def yearly_profit(self) -> Fraction | None:
        """12-month revenue per active customer x 12-month gross margin."""
        active, margin = sum(lifetime.is_active for lifetime in self.lifetimes), self.margin
        if margin is None or not active:
            return None
        return Fraction(add(lifetime.year_revenue for lifetime in self.lifetimes)) / active * margin

    @property
    def active_a_year_ago(self) -> int:
        return sum(lifetime.was_active for lifetime in self.lifetimes)

    @property
    def predicted(self) -> float | None:
        """The yearly profit per active customer / 12-month churn."""
        lost = sum(lifetime.was_active and not lifetime.is_active for lifetime in self.lifetimes)
        if self.yearly_profit is None or not lost:
            return None
        return float(self.yearly_profit * self.active_a_year_ago / lost)


def customership_cells(context: Context) -> dict[Key, Customership]:
    company = context.company
    revenue_by_account: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    costed_by_account: dict[str, list[tuple[date, Decimal, Decimal]]] = defaultdict(list)
    for sales in company.sales_by_account.values():
        for sale in sales:
            account_id = sale.account_id or ""
            revenue_by_account[account_id].append((sale.day, sale.amount))
            for line in sale.lines:
                if line.cost is not None:
                    costed_by_account[account_id].append((sale.day, line.amount, line.cost))
    for refund in company.refunds:
        if refund.sale.account_id in company.accounts:
            account_id = refund.sale.account_id or ""
            for line, share in refund.shares:
                revenue_by_account[account_id].append((refund.day, -share))
                if line.cost is not None:
                    costed_by_account[account_id].append((refund.day, -share, -money(line.cost, refund.proportion)))

    def at(period: Period) -> Iterator[tuple[Members, Lifetime]]:
        day = context.spine.close(period)
        year_ago = a_year_before(day)
        active, was_active = company.active_at(day), company.active_at(year_ago)
        for account_id in revenue_by_account.keys() | company.customers.keys():
            customer = company.customers.get(account_id)
            earned = [(on, amount) for on, amount in revenue_by_account[account_id] if on <= day]
            is_customer = customer is not None and customer.since <= day
            if not earned and not is_customer:
                continue
            costed = [entry for entry in costed_by_account[account_id] if year_ago < entry[0] <= day]
            yield (
                company.account_members(account_id, day),
                Lifetime(
                    revenue=add(amount for _, amount in earned),
                    is_customer=is_customer,
                    year_revenue=add(amount for on, amount in earned if on > year_ago),
                    year_costed_revenue=add(amount for _, amount, _ in costed),
                    year_cost=add(cost for *_, cost in costed),
                    is_active=account_id in active,
                    was_active=account_id in was_active,
                ),
            )

    return {key: Customership(lifetimes) for key, lifetimes in balance_cells(context.spine, at).items()}


@metric
def customer_lifetime_value(context: Context) -> Mart:
    cells = customership_cells(context)

    def measure(key: Key, _: Period) -> Value:
        customers = cells.get(key, Customership([]))
        return replace(customers.realised, extras={"predicted_lifetime_value": customers.predicted})

    return context.mart(cells, measure)


@dataclass(frozen=True)
class Sold:
    up: bool
    cross: bool


@metric
def upsell_cross_sell_rate(context: Context) -> Mart:
    company = context.company
    upsold_on: dict[str, list[date]] = defaultdict(list)
    cross_sold_on: dict[str, list[date]] = defaultdict(list)
    for deal in company.deals:
        if deal.is_won and deal.closed_on is not None and deal.account_id is not None:
            if deal.deal_type == "upsell":
                upsold_on[deal.account_id].append(deal.closed_on)
            elif deal.deal_type == "cross_sell":
                cross_sold_on[deal.account_id].append(deal.closed_on)
    for account_id, sales in company.sales_by_account.items():
        bought: set[str] = set()
        for number, sale in enumerate(sales):
            if number and sale.products - bought:
                cross_sold_on[account_id].append(sale.day)
            bought |= sale.products

    def at(period: Period) -> Iterator[tuple[Members, Sold]]:
        before, last = context.day_before(period), context.spine.close(period)
        movements = company.recurring.movements(before, last, by_plan=False)
        # Less than half a cent is what the rounding of fx_mrr leaves of an amount that never changed.
        expanded = {movement.account_id for movement in movements if movement.expansion > HALF_A_CENT}
        for account_id in company.active_at(before):
            up = any(period.first <= day <= last for day in upsold_on[account_id])
            cross = any(period.first <= day <= last for day in cross_sold_on[account_id])
            members = only(company.account_members(account_id, before), "segment", "region")
            yield members, Sold(up or account_id in expanded, cross)

    cells = balance_cells(context.spine, at)

    def measure(key: Key, _: Period) -> Value:
        customers = cells.get(key, [])
        return ratio(
            sum(sold.up or sold.cross for sold in customers),
            len(customers),
            upsold_customers=sum(sold.up for sold in customers),
            cross_sold_customers=sum(sold.cross for sold in customers),
        )

    return context.mart(cells, measure)
