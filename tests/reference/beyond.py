"""Beyond the standard list: time in stages, why deals are lost, effort, efficiency, cohorts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from tests.reference.activities import activity_cells
from tests.reference.context import REP_CUTS, Context, metric, only
from tests.reference.customers import acquisition_costs
from tests.reference.records import StageChange
from tests.reference.rows import (
    ALL,
    PERIOD_GRAINS,
    UNKNOWN,
    Key,
    Mart,
    Members,
    Period,
    Value,
    add,
    add_months,
    cells_of,
    divide,
    one_period_before,
    percentile,
    period_of,
    ratio,
    total,
)
from tests.reference.sales import net, revenue_by_account, revenue_records
from tests.reference.values import days_between


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
            for entered, left in stays(changes):
                if not entered.stage.is_closed:
                    members = company.rep_members(deal.rep_id if deal else None, left.day)
                    yield left.day, {**members, "stage": entered.stage.name}, days_between(entered.moment, left.moment)

    cells = cells_of(context.spine, records())

    def measure(key: Key, _: Period) -> Value:
        days = cells.get(key, [])
        return ratio(sum(days, 0.0), len(days), median=percentile(days, 0.5), p90=percentile(days, 0.9))

    return context.mart(cells, measure)


@metric
def lost_reasons(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (deal.closed_on, {"lost_reason": deal.lost_reason}, deal)
            for deal in company.deals
            if deal.is_lost and deal.closed_on is not None
        ),
    )

    def measure(key: Key, _: Period) -> Value:
        lost, of_all = cells.get(key, []), cells.get((key[0], key[1], *ALL), [])
        return total(len(lost), share=divide(len(lost), len(of_all)), amount_lost=add(deal.amount for deal in lost))

    return context.mart(cells, measure)


@metric
def revenue_per_selling_hour(context: Context) -> Mart:
    company = context.company
    revenue = cells_of(
        context.spine,
        (
            (day, only(members, *REP_CUTS), record)
            for day, members, record in revenue_records(company)
            # a sale without items is no revenue
            if members["sales_rep"] != UNKNOWN and "product_category" in members
        ),
    )
    selling = activity_cells(context, (a for a in company.done if a.type != "admin" and a.rep_id in company.reps))

    def measure(key: Key, _: Period) -> Value:
        hours = float(add(activity.minutes for activity in selling.get(key, []))) / 60
        amount = net(revenue.get(key, []))
        return Value(amount, hours, divide(amount, hours), {"revenue": amount, "selling_hours": hours})

    return context.mart([*revenue, *selling], measure)


@metric
def sales_efficiency(context: Context) -> Mart:
    company, spine, costs_of = context.company, context.spine, acquisition_costs(context)
    revenue = cells_of(spine, ((day, {}, (account_id, m)) for day, account_id, m in revenue_by_account(company)))

    def of_new_customers(key: Key, period: Period) -> Decimal:
        won = {c.account_id for c in company.customers.values() if period.start <= c.since <= period.end}
        return net(m for account_id, m in revenue.get(key, []) if account_id in won)

    def cost_before(key: Key, period: Period) -> Decimal | None:
        before = one_period_before(period.grain, period.start)
        if not spine.holds(period.grain, before):
            return None
        key_before = (period.grain, before, *ALL)
        return costs_of(key_before, spine.period(key_before)).counted

    def measure(key: Key, period: Period) -> Value:
        opening, closing = (
            add(company.recurring.of_accounts(day).values())
            for day in (context.day_before(period), spine.close(period))
        )
        from_new, cost = of_new_customers(key, period), cost_before(key, period)
        net_new = closing - opening
        return ratio(
            net_new * 12 if company.recurring.subscriptions else None,
            cost,
            new_customer_revenue=from_new,
            new_customer_revenue_ratio=divide(from_new, cost),
        )

    return context.mart([], measure, grains=PERIOD_GRAINS)


# ----------------------------------------------------------------------------------------------------------- cohorts


@dataclass(frozen=True)
class CohortMonth:
    """A month's end at which a cohort is looked at."""

    number: int
    first: date
    last: date


@metric
def cohort_retention(context: Context) -> Mart:
    company = context.company
    cohorts: dict[date, set[str]] = {}
    for customer in company.customers.values():
        cohorts.setdefault(customer.since.replace(day=1), set()).add(customer.account_id)
    revenue: list[tuple[date, str | None, Decimal]] = [(d, a, m.net) for d, a, m in revenue_by_account(company)]
    cells: dict[Key, CohortMonth] = {}
    for cohort in cohorts:
        number, month = 0, period_of("month", cohort)
        while month.end < context.settings.as_of:
            looked_at = CohortMonth(number, month.start, month.end)
            cells["month", cohort, "months_since", f"{number:03d}"] = cells["month", cohort, *ALL] = looked_at
            number, month = number + 1, period_of("month", add_months(month.start, 1))

    def stayed(cohort: set[str], month: CohortMonth) -> set[str]:
        """Those who bought in the month, or pay at its end; in their own all of them did."""
        if month.number == 0:
            return cohort
        bought = {
            account_id
            for account_id in cohort
            if any(month.first <= sale.day <= month.last for sale in company.sales_by_account.get(account_id, []))
        }
        paying = company.recurring.of_accounts(month.last)
        return bought | {account_id for account_id in cohort if paying.get(account_id)}

    def measure(key: Key, _: Period) -> Value:
        cohort, month = cohorts.get(key[1], set()), cells.get(key)
        if month is None:
            unknown = {"cohort_customers": len(cohort), "still_active": None, "revenue_per_customer": None}
            return Value(0, 0, None, dict(unknown))
        brought = add(amount for day, account_id, amount in revenue if account_id in cohort and day <= month.last)
        return ratio(
            len(stayed(cohort, month)),
            len(cohort),
            cohort_customers=len(cohort),
            still_active=divide(len(cohort & company.active_at(month.last)), len(cohort)),
            revenue_per_customer=divide(brought, len(cohort)),
        )

    # a cohort has no row for a month that is not over
    return context.mart(cells, measure, grains=("month",), is_compared=False)
