"""What customers are worth and cost, what they pay and buy again, and what remains of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tests.reference.context import DAY, Context, metric, only
from tests.reference.customers import (
    Customership,
    a_year_before,
    customership_cells,
    movement_cells,
    sales_costs_of,
)
from tests.reference.model import Company
from tests.reference.records import Customer, Sale
from tests.reference.rows import (
    ALL,
    Key,
    Mart,
    Members,
    Number,
    Period,
    Value,
    add,
    cells_of,
    divide,
    ratio,
)
from tests.reference.sales import revenue_by_account, revenue_records
from tests.reference.values import money

DAYS_A_MONTH = Fraction(365, 12)


@dataclass(frozen=True)
class Acquired:
    """The customers won in the twelve months up to a day, and what was spent on winning them."""

    customers: list[Customer]
    cost: Decimal

    @property
    def cost_each(self) -> Number | None:
        return divide(self.cost, len(self.customers))


def acquired_cells(context: Context) -> tuple[set[Key], Callable[[Key], Acquired]]:
    """`all` and lead sources, those with customers or ad spend in the twelve months; of a source only its ad spend."""
    company, spine, settings = context.company, context.spine, context.settings
    customers: dict[Key, list[Customer]] = defaultdict(list)
    spend: dict[Key, list[Decimal]] = defaultdict(list)
    costs: dict[Key, Decimal] = {}
    for period in spine.periods:
        last = spine.close(period)
        before = a_year_before(last)
        cell = (period.grain, period.start)
        for customer in company.customers.values():
            if before < customer.since <= last:
                source = company.account_members(customer.account_id, customer.since)["lead_source"]
                for cut in (ALL, ("lead_source", source)):
                    customers[*cell, *cut].append(customer)
        lag = DAY * settings.cac_lag_days
        for spent in company.ad_spend:
            if before < spent.day + lag <= last:
                for cut in (ALL, ("lead_source", spent.channel)):
                    spend[*cell, *cut].append(spent.amount)
        if settings.cac_costs == "fully_loaded":
            costs[*cell, *ALL] = sales_costs_of(company, before + DAY - lag, last - lag)

    def of(key: Key) -> Acquired:
        return Acquired(customers.get(key, []), add([*spend.get(key, []), costs.get(key, Decimal(0))]))

    return customers.keys() | spend.keys(), of


@metric
def clv_to_cac(context: Context) -> Mart:
    acquired, of = acquired_cells(context)
    customers = {k: v for k, v in customership_cells(context).items() if k[2] in ("all", "lead_source")}

    def measure(key: Key, _: Period) -> Value:
        of_cell, cost = customers.get(key, Customership([])), of(key).cost_each
        return Value(
            of_cell.predicted,
            cost,
            divide(of_cell.predicted, cost),
            {
                "predicted_lifetime_value": of_cell.predicted,
                "customer_acquisition_cost": cost,
            },
        )

    return context.mart([*customers, *acquired], measure)


@metric
def cac_payback_months(context: Context) -> Mart:
    company, spine = context.company, context.spine
    acquired, of = acquired_cells(context)
    customers = customership_cells(context)
    revenue: dict[str | None, list[tuple[date, Decimal]]] = defaultdict(list)
    for day, account_id, record in revenue_by_account(company):
        revenue[account_id].append((day, record.net))

    def monthly_profit(key: Key, period: Period) -> float | None:
        last, won = spine.close(period), of(key).customers
        margin = customers.get(key, Customership([])).margin
        if margin is None or not won:
            return None
        brought = add(amount for c in won for day, amount in revenue[c.account_id] if c.since <= day <= last)
        months = sum(((last - customer.since).days + 1) for customer in won) / DAYS_A_MONTH
        return float(Fraction(brought) * margin / months)

    def measure(key: Key, period: Period) -> Value:
        cost, profit = of(key).cost_each, monthly_profit(key, period)
        is_profit = profit is not None and profit > 0
        return Value(
            cost,
            profit,
            divide(cost, profit) if is_profit else None,
            {"customer_acquisition_cost": cost, "monthly_gross_profit": profit},
        )

    return context.mart(acquired, measure)


@metric
def average_revenue_per_account(context: Context) -> Mart:
    paying = {
        key: [m.closing for m in movements if m.closing > 0] for key, movements in movement_cells(context).items()
    }

    def measure(key: Key, _: Period) -> Value:
        amounts = paying.get(key, [])
        return ratio(add(amounts), len(amounts))

    return context.mart((key for key, amounts in paying.items() if amounts), measure)


@metric
def repeat_purchase_rate(context: Context) -> Mart:
    company = context.company
    purchases = {
        account_id: [sale for sale in sales if sale.subscription_id is None]
        for account_id, sales in company.sales_by_account.items()
    }
    first = {account_id: sales[0] for account_id, sales in purchases.items() if sales}
    every = (sale for sales in purchases.values() for sale in sales)
    cells = cells_of(context.spine, ((s.day, company.account_members(s.account_id, s.day), s) for s in every))

    def accounts(sales: Iterable[Sale]) -> int:
        return len({sale.account_id for sale in sales})

    def measure(key: Key, _: Period) -> Value:
        of_cell = cells.get(key, [])
        return ratio(accounts(s for s in of_cell if s is not first[s.account_id or ""]), accounts(of_cell))

    return context.mart(cells, measure)


@metric
def refund_rate(context: Context) -> Mart:
    cuts = ("product_category", "region", "segment", "lead_source")
    records = (
        (day, {name: value for name, value in members.items() if name in cuts}, record)
        for day, members, record in revenue_records(context.company)
    )
    cells = cells_of(context.spine, records)

    def measure(key: Key, _: Period) -> Value:
        records = cells.get(key, [])
        refunded, gross = add(r.refunded for r in records), add(r.gross for r in records)
        return Value(refunded, gross, divide(refunded, gross) if gross > 0 else None)

    return context.mart(cells, measure)


@dataclass(frozen=True)
class Margin:
    """What a line or its refund brought, and what the line cost; a refund takes back the part that came back."""

    revenue: Decimal
    cost: Decimal | None


def margin_records(company: Company) -> Iterator[tuple[date, Members, Margin]]:
    for sale in company.sales:
        for line in sale.lines:
            members = {**company.sale_members(sale, sale.day), "product_category": line.category}
            yield sale.day, members, Margin(line.amount, line.cost)
    for refund in company.refunds:
        for line, share in refund.shares:
            members = {**company.sale_members(refund.sale, refund.day), "product_category": line.category}
            cost = None if line.cost is None else -money(line.cost, refund.proportion)
            yield refund.day, members, Margin(-share, cost)


@metric
def gross_margin(context: Context) -> Mart:
    cuts = ("product_category", "region", "segment", "sales_rep", "team")
    records = ((day, only(members, *cuts), record) for day, members, record in margin_records(context.company))
    cells = cells_of(context.spine, records)

    def measure(key: Key, _: Period) -> Value:
        lines = cells.get(key, [])
        costed = [(line.revenue, line.cost) for line in lines if line.cost is not None]
        revenue, cost = add(r for r, _ in costed), add(c for _, c in costed)
        everything = add(line.revenue for line in lines)
        return Value(
            revenue - cost,
            revenue,
            divide(revenue - cost, revenue) if revenue > 0 else None,
            {
                "cost_amount": cost,
                "costed_revenue_share": divide(revenue, everything) if everything > 0 else None,
            },
        )

    with_cost = (key for key, lines in cells.items() if any(line.cost is not None for line in lines))
    return context.mart(with_cost, measure)
