"""The metrics beyond the standard list: what a manager asks next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tests.reference.activities import activity_cells
from tests.reference.context import DAY, REP_CUTS, ZERO, Context, mean, metric, only
from tests.reference.customers import (
    Customership,
    acquisition_costs,
    acquisition_spend_cells,
    customership_cells,
    movement_cells,
    new_customer_cells,
)
from tests.reference.deals import DEAL_CUTS, cycle_days, open_deal_cells
from tests.reference.landing import money
from tests.reference.model import Company, Deal, Sale, StageChange
from tests.reference.rows import (
    ALL,
    PLAN_GRAINS,
    Key,
    Mart,
    Members,
    Number,
    Period,
    Value,
    add,
    add_months,
    balance_cells,
    build_mart,
    cells_of,
    divide,
    percentile,
    period_of,
    periods_ahead,
    ratio,
    total,
)
from tests.reference.sales import net, revenue_by_account, revenue_records, revenue_target, targets_of

# ------------------------------------------------------------------------------------------------------ looking ahead

FORECAST_CUTS = ("sales_rep", "team", "region", "segment", "deal_type")
FORECAST_GRAINS = ("month", "quarter")


@dataclass(frozen=True)
class Expected:
    """What a deal brings to a period: won already, or open and expected."""

    won: Decimal = ZERO
    open: Decimal = ZERO
    weighted: Decimal = ZERO
    overdue: Decimal = ZERO


@metric
def sales_forecast(context: Context) -> Mart:
    company, as_of = context.company, context.settings.as_of
    spine = periods_ahead(FORECAST_GRAINS, 3, as_of, context.settings.fiscal_year_start_month)

    def records() -> Iterator[tuple[date, Members, Expected]]:
        for deal in company.deals:
            members = only(company.deal_members(deal), *FORECAST_CUTS)
            if deal.is_won and deal.closed_on is not None:
                yield deal.closed_on, members, Expected(won=deal.amount)
            elif deal.is_open(as_of) and deal.expected_close_on is not None:
                is_overdue = deal.expected_close_on < as_of
                yield (
                    max(deal.expected_close_on, as_of),
                    members,
                    Expected(
                        open=deal.amount,
                        weighted=money(deal.amount, deal.probability_at(as_of)),
                        overdue=deal.amount if is_overdue else ZERO,
                    ),
                )

    cells = cells_of(spine, records())

    def measure(key: Key, _: Period) -> Value:
        expected = cells.get(key, [])
        won, weighted = add(e.won for e in expected), add(e.weighted for e in expected)
        return total(
            won + weighted,
            won_amount=won,
            open_amount=add(e.open for e in expected),
            weighted_amount=weighted,
            overdue_amount=add(e.overdue for e in expected),
        )

    return build_mart(
        spine,
        cells,
        measure,
        company.label,
        grains=FORECAST_GRAINS,
        target=lambda key, period: revenue_target(company, key, period),
    )


@metric
def pipeline_coverage(context: Context) -> Mart:
    cuts = ("team", "region")
    open_deals = open_deal_cells(context, *cuts)
    revenue = cells_of(
        context.spine, ((day, only(members, *cuts), m) for day, members, m in revenue_records(context.company))
    )
    targets = targets_of(context)

    def measure(key: Key, _: Period) -> Value:
        pipeline, target = add(o.deal.amount for o in open_deals.get(key, [])), targets.get(key)
        lacking = None if target is None else target - net(revenue.get(key, []))
        return ratio(pipeline, lacking if lacking is not None and lacking > 0 else None)

    return context.mart([*open_deals, *targets], measure, grains=PLAN_GRAINS)


TRAILING_DAYS = timedelta(days=90)


@metric
def sales_velocity(context: Context) -> Mart:
    company = context.company
    cycles = cycle_days(company)
    open_deals = open_deal_cells(context, *DEAL_CUTS)

    def at(period: Period) -> Iterator[tuple[Members, Deal]]:
        last = context.spine.close(period)
        for deal in company.deals:
            if deal.closed_on is not None and last - TRAILING_DAYS < deal.closed_on <= last:
                yield only(company.deal_members(deal), *DEAL_CUTS), deal

    closed = balance_cells(context.spine, at)

    def measure(key: Key, _: Period) -> Value:
        of_cell, standing = closed.get(key, []), len(open_deals.get(key, []))
        won = [deal for deal in of_cell if deal.is_won]
        days = mean([cycles[deal.deal_id] for deal in won if deal.deal_id in cycles])
        amount = add(deal.amount for deal in won)
        # open deals x (won / closed) x (amount / won)
        worth = float(Fraction(amount) * standing / len(of_cell)) if won else None
        return Value(
            worth,
            days,
            divide(worth, days),
            {
                "open_deals": standing,
                "trailing_win_rate": divide(len(won), len(of_cell)),
                "trailing_average_deal_size": divide(amount, len(won)),
            },
        )

    won_or_open = {key for key, deals in closed.items() if any(deal.is_won for deal in deals)} | open_deals.keys()
    return context.mart(won_or_open, measure)


# ------------------------------------------------------------------------------------------- what customers are worth


def costed_customers(context: Context) -> tuple[dict[Key, Customership], set[Key], dict[Key, Number | None]]:
    """Customers, cells that have customers or a cost, and the acquisition cost of each: `all` and lead sources."""
    customers = {k: v for k, v in customership_cells(context).items() if k[2] in ("all", "lead_source")}
    new = new_customer_cells(context)
    costs_of = acquisition_costs(context)
    cells = {*customers, *acquisition_spend_cells(context), *((p.grain, p.start, *ALL) for p in context.spine.periods)}
    cost = {key: divide(costs_of(key, context.spine.period(key)).counted, len(new.get(key, []))) for key in cells}
    return customers, cells, cost


@metric
def clv_to_cac(context: Context) -> Mart:
    customers, cells, cost = costed_customers(context)

    def measure(key: Key, _: Period) -> Value:
        of_cell = customers.get(key, Customership([]))
        predicted, paid = of_cell.predicted, cost[key]
        realised = divide(of_cell.realised.value, paid)
        return Value(predicted, paid, divide(predicted, paid), {"realised_clv_to_cac": realised})

    return context.mart(cells, measure)


@metric
def cac_payback_months(context: Context) -> Mart:
    customers, cells, cost = costed_customers(context)

    def measure(key: Key, _: Period) -> Value:
        of_cell = customers.get(key, Customership([]))
        profit = of_cell.yearly_profit if of_cell.active_a_year_ago else None
        monthly = None if profit is None else float(profit / 12)
        is_profit = monthly is not None and monthly > 0
        return Value(cost[key], monthly, divide(cost[key], monthly) if is_profit else None)

    return context.mart(cells, measure)


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
    sales = (sale for of_account in company.sales_by_account.values() for sale in of_account)
    cells = cells_of(context.spine, ((s.day, company.account_members(s.account_id), s) for s in sales))
    first = {account_id: sales[0] for account_id, sales in company.sales_by_account.items()}

    def accounts(sales: Iterable[Sale]) -> int:
        return len({sale.account_id for sale in sales})

    def measure(key: Key, _: Period) -> Value:
        of_cell = cells.get(key, [])
        return ratio(accounts(s for s in of_cell if s is not first[s.account_id or ""]), accounts(of_cell))

    return context.mart(cells, measure)


# --------------------------------------------------------------------------------------------------- what sales leave


@metric
def refund_rate(context: Context) -> Mart:
    cells = cells_of(context.spine, revenue_records(context.company))

    def measure(key: Key, _: Period) -> Value:
        records = cells.get(key, [])
        return ratio(add(r.refunded for r in records), add(r.gross for r in records))

    return context.mart(cells, measure)


@dataclass(frozen=True)
class Margin:
    """What a line or its refund brought, and what the line cost. A refund costs nothing: the goods stay away."""

    revenue: Decimal
    cost: Decimal | None


def margin_records(company: Company) -> Iterator[tuple[date, Members, Margin]]:
    for sale in company.sales:
        for line in sale.lines:
            members = {**company.sale_members(sale), "product_category": line.category}
            yield sale.day, members, Margin(line.amount, line.cost)
    for refund in company.refunds:
        for line, share in refund.shares:
            members = {**company.sale_members(refund.sale), "product_category": line.category}
            yield refund.day, members, Margin(-share, None if line.cost is None else ZERO)


@metric
def gross_margin(context: Context) -> Mart:
    cells = cells_of(context.spine, margin_records(context.company))

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


# ----------------------------------------------------------------------------------------------------- deals and time


def stays(changes: Iterable[StageChange]) -> Iterator[tuple[StageChange, StageChange]]:
    """The changes into and out of each stage a deal has left; a change into the stage it is in already is none."""
    moves: list[StageChange] = []
    for change in changes:
        if not moves or change.stage != moves[-1].stage:
            moves.append(change)
    return pairwise(moves)


@metric
def stage_duration(context: Context) -> Mart:
    company = context.company

    def records() -> Iterator[tuple[date, Members, float]]:
        for deal_id, changes in company.stage_changes.items():
            deal = company.deals_by_id.get(deal_id)
            members = company.rep_members(deal.rep_id if deal else None)
            for entered, left in stays(changes):
                if not entered.stage.is_closed:
                    yield left.day, {**members, "stage": entered.stage.name}, (left.moment - entered.moment) / DAY

    cells = cells_of(context.spine, records())

    def measure(key: Key, _: Period) -> Value:
        days = cells.get(key, [])
        return ratio(sum(days, 0.0), len(days), median=percentile(days, 0.5), p90=percentile(days, 0.9))

    return context.mart(cells, measure)


@metric
def lost_reasons(context: Context) -> Mart:
    company = context.company
    cuts = ("sales_rep", "team", "segment", "deal_type")
    cells = cells_of(
        context.spine,
        (
            (deal.closed_on, {**only(company.deal_members(deal), *cuts), "lost_reason": deal.lost_reason}, deal)
            for deal in company.deals
            if deal.is_lost and deal.closed_on is not None
        ),
    )

    def measure(key: Key, _: Period) -> Value:
        lost, of_all = cells.get(key, []), cells.get((key[0], key[1], *ALL), [])
        return total(
            len(lost), lost_share=divide(len(lost), len(of_all)), amount_lost=add(deal.amount for deal in lost)
        )

    return context.mart(cells, measure)


# ------------------------------------------------------------------------------------------------------------ effort


@metric
def revenue_per_selling_hour(context: Context) -> Mart:
    company = context.company
    revenue = cells_of(
        context.spine,
        (
            (day, only(members, *REP_CUTS), record)
            for day, members, record in revenue_records(company)
            if "product_category" in members  # a sale without items is no revenue
        ),
    )
    selling = activity_cells(context, (a for a in company.done if a.type != "admin"))

    def measure(key: Key, _: Period) -> Value:
        hours = float(add(activity.minutes for activity in selling.get(key, []))) / 60
        amount = net(revenue.get(key, []))
        return Value(amount, hours, divide(amount, hours))

    return context.mart([*revenue, *selling], measure)


@metric
def sales_efficiency(context: Context) -> Mart:
    company = context.company
    movements, costs_of = movement_cells(context), acquisition_costs(context)
    revenue = cells_of(
        context.spine, ((day, {}, (account_id, m)) for day, account_id, m in revenue_by_account(company))
    )

    def of_new_customers(key: Key, period: Period) -> Decimal:
        won = {c.account_id for c in company.customers.values() if period.start <= c.since <= period.end}
        return net(m for account_id, m in revenue.get(key, []) if account_id in won)

    def measure(key: Key, period: Period) -> Value:
        net_new = add(m.closing - m.opening - m.fx for m in movements.get(key, []))
        from_new = of_new_customers(key, period)
        brought = net_new * 12 if company.first_mrr_days[False] else from_new
        return ratio(brought, costs_of(key, period).counted, net_new_mrr=net_new, new_customer_revenue=from_new)

    return context.mart([], measure)


# ----------------------------------------------------------------------------------------------------------- cohorts


@metric
def cohort_retention(context: Context) -> Mart:
    company, as_of = context.company, context.settings.as_of
    cohorts: dict[date, set[str]] = {}
    for customer in company.customers.values():
        cohorts.setdefault(customer.since.replace(day=1), set()).add(customer.account_id)
    cells: dict[Key, date] = {}
    """The day on which a cell looks who is active."""
    for cohort in cohorts:
        months, month = 0, period_of("month", cohort)
        while month.end <= as_of:
            cells["month", cohort, "months_since", f"{months:03d}"] = month.end
            months, month = months + 1, period_of("month", add_months(month.start, 1))

    def measure(key: Key, _: Period) -> Value:
        cohort = cohorts.get(key[1], set())
        return ratio(len(cohort & company.active_at(cells.get(key, as_of))), len(cohort))

    return context.mart(cells, measure, grains=("month",))
