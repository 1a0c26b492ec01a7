"""Revenue and what follows from it: growth, targets, averages, revenue per rep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from tests.reference.context import REP_CUTS, ZERO, Context, metric, only
from tests.reference.model import Company
from tests.reference.rows import (
    PLAN_GRAINS,
    TO_DATE,
    UNKNOWN,
    Key,
    Mart,
    Members,
    Period,
    Value,
    add,
    balance_cells,
    cells_of,
    one_period_after,
    one_period_before,
    one_year_after,
    one_year_before,
    ratio,
    total,
)


@dataclass(frozen=True)
class Money:
    """What a sale's line brought or its refund took back."""

    gross: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.gross - self.refunded


def revenue_records(company: Company) -> Iterator[tuple[date, Members, Money]]:
    for sale in company.sales:
        members = company.sale_members(sale, sale.day)
        for line in sale.lines:
            # a sale without items is one of nothing, and of no product
            category = {} if line.is_placeholder else {"product_category": line.category}
            yield sale.day, {**members, **category}, Money(gross=line.amount)
    for refund in company.refunds:
        members = company.sale_members(refund.sale, refund.day)
        for line, share in refund.shares:
            yield refund.day, {**members, "product_category": line.category}, Money(refunded=share)


def revenue_by_account(company: Company) -> Iterator[tuple[date, str | None, Money]]:
    """What each sale and refund brought, and whose it was."""
    for sale in company.sales:
        yield sale.day, sale.account_id, Money(gross=sale.amount)
    for refund in company.refunds:
        yield refund.day, refund.sale.account_id, Money(refunded=add(share for _, share in refund.shares))


def net(records: Iterable[Money]) -> Decimal:
    return add(record.net for record in records)


def sales_cells(context: Context, *dimensions: str) -> dict[Key, list[Decimal]]:
    """The amount of every sale."""
    company = context.company
    return cells_of(
        context.spine,
        ((s.day, only(company.sale_members(s, s.day), *dimensions), s.amount) for s in company.sales),
    )


SALE_CUTS = ("sales_rep", "team", "region", "segment", "lead_source")


def revenue_target(company: Company, key: Key, period: Period) -> Decimal | None:
    """The sum of the targets of the period's months, for the cuts that have targets."""
    scope = {"all": "company", "team": "team", "region": "region"}.get(key[2])
    if scope is None or period.grain not in (*PLAN_GRAINS, TO_DATE):
        return None
    return company.target(scope, UNKNOWN if scope == "company" else key[3], period.first, period.end)


@metric
def revenue(context: Context) -> Mart:
    company = context.company
    cells = cells_of(context.spine, revenue_records(company))

    def measure(key: Key, _: Period) -> Value:
        records = cells.get(key, [])
        gross, refunds = add(r.gross for r in records), add(r.refunded for r in records)
        return total(gross - refunds, gross_revenue=gross, refunds=refunds)

    return context.mart(cells, measure, target=lambda key, period: revenue_target(company, key, period))


@metric
def average_order_value(context: Context) -> Mart:
    cells = sales_cells(context, *SALE_CUTS)
    return context.mart(cells, lambda key, _: ratio(add(cells.get(key, [])), len(cells.get(key, []))))


@metric
def sales_growth(context: Context) -> Mart:
    cells = cells_of(context.spine, revenue_records(context.company))

    def previous(period: Period) -> date:
        """A year to date grows from the same days of the year before."""
        before = one_year_before if period.grain == TO_DATE else one_period_before
        return before(period.grain, period.start)

    def following(key: Key) -> Key:
        """The period whose growth starts from this one."""
        grain, start, *cut = key
        after = one_year_after if grain == TO_DATE else one_period_after
        return grain, after(grain, start), cut[0], cut[1]

    def measure(key: Key, period: Period) -> Value:
        now = net(cells.get(key, []))
        if not context.spine.holds(period.grain, previous(period)):
            return Value(None, None, None, {"revenue": now})
        before = net(cells.get((key[0], previous(period), *key[2:]), []))
        growth = ratio(now - before, before, revenue=now)
        return growth if before > 0 else replace(growth, value=None)

    return context.mart([*cells, *map(following, cells)], measure)


def targets_of(context: Context) -> dict[Key, Decimal]:
    """The targets of each period's months, of those with one: the company's for `all`, the members' own for theirs."""
    dimensions = {"company": "all", "team": "team", "region": "region"}
    targets: dict[Key, Decimal] = defaultdict(Decimal)
    for target in context.company.targets:
        for period in context.spine.of(target.month):
            if period.grain in PLAN_GRAINS:
                member = "all" if target.scope == "company" else target.member or UNKNOWN
                targets[period.grain, period.start, dimensions[target.scope], member] += target.amount
    return dict(targets)


@metric
def sales_target_attainment(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine, ((day, only(members, "team", "region"), m) for day, members, m in revenue_records(company))
    )
    targets = targets_of(context)

    def measure(key: Key, _: Period) -> Value:
        actual, target = net(cells.get(key, [])), targets.get(key)
        return ratio(actual, target, target_amount=target, gap_amount=None if target is None else target - actual)

    return context.mart([*cells, *targets], measure, grains=PLAN_GRAINS, target=lambda key, period: 1)


@metric
def average_revenue(context: Context) -> Mart:
    records = ((day, only(members, *SALE_CUTS), m) for day, members, m in revenue_records(context.company))
    cells, sales = cells_of(context.spine, records), sales_cells(context, *SALE_CUTS)
    return context.mart([*cells, *sales], lambda key, _: ratio(net(cells.get(key, [])), len(sales.get(key, []))))


@metric
def revenue_per_rep(context: Context) -> Mart:
    company = context.company
    known = [
        (day, only(members, *REP_CUTS), record)
        for day, members, record in revenue_records(company)
        # a sale without items credits nobody with anything
        if members["sales_rep"] != UNKNOWN and "product_category" in members
    ]
    cells = cells_of(context.spine, known)

    def employed(period: Period) -> Iterator[tuple[Members, str]]:
        for rep in company.reps.values():
            hired = rep.hired_on is None or rep.hired_on <= period.end
            if hired and (rep.left_on is None or rep.left_on >= period.first):
                last_day = period.end if rep.left_on is None else min(rep.left_on, period.end)
                yield company.rep_members(rep.rep_id, last_day), rep.rep_id

    reps = balance_cells(context.spine, employed)

    def measure(key: Key, _: Period) -> Value:
        heads = 1 if key[2] == "sales_rep" else len(reps.get(key, []))
        return ratio(net(cells.get(key, [])), heads)

    return context.mart([*cells, *reps], measure)
