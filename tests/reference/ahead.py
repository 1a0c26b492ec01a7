"""Looking ahead from open deals: forecast, coverage of targets, velocity."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.reference.context import REP_CUTS, ZERO, Context, mean, metric, only
from tests.reference.customers import a_year_before
from tests.reference.deals import cycle_days, open_deal_cells, quota_cells
from tests.reference.records import Deal
from tests.reference.rows import (
    PLAN_GRAINS,
    Key,
    Mart,
    Members,
    Period,
    Value,
    add,
    balance_cells,
    build_mart,
    cells_of,
    divide,
    periods_ahead,
    ratio,
    total,
)
from tests.reference.sales import net, revenue_records, revenue_target, targets_of
from tests.reference.values import money

FORECAST_CUTS = ("sales_rep", "team")
VELOCITY_CUTS = ("sales_rep", "team", "region", "segment")
FORECAST_GRAINS = ("month", "quarter")
COVERAGE_CUTS = ("team", "region")
TENTH = Decimal("0.1")


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
            if deal.is_won and deal.closed_on is not None:
                members = only(company.deal_members(deal, deal.closed_on), *FORECAST_CUTS)
                yield deal.closed_on, members, Expected(won=deal.amount)
            elif deal.is_open(as_of) and deal.expected_close_on is not None:
                yield (
                    max(deal.expected_close_on, as_of),
                    only(company.deal_members(deal, as_of), *FORECAST_CUTS),
                    Expected(
                        open=deal.amount,
                        weighted=money(deal.amount, deal.probability_at(as_of)),
                        overdue=deal.amount if deal.expected_close_on < as_of else ZERO,
                    ),
                )

    cells, quotas = cells_of(spine, records()), quota_cells(context, spine)

    def measure(key: Key, _: Period) -> Value:
        expected = cells.get(key, [])
        won, weighted = add(e.won for e in expected), add(e.weighted for e in expected)
        return total(
            won + weighted,
            won_amount=won,
            open_amount=add(e.open for e in expected),
            weighted_open_amount=weighted,
            overdue_amount=add(e.overdue for e in expected),
        )

    def target(key: Key, period: Period) -> Decimal | None:
        """What deals were planned to bring: with billing only the quotas say that."""
        if context.settings.revenue_basis == "bookings":
            return revenue_target(company, key, period)
        planned = quotas.get(key) if key[2] in ("all", *REP_CUTS) else None
        return add(quota.amount for quota in planned) if planned else None

    return build_mart(spine, cells, measure, company.label, grains=FORECAST_GRAINS, target=target)


@metric
def pipeline_coverage(context: Context) -> Mart:
    company, spine = context.company, context.spine
    opening = open_deal_cells(context, *COVERAGE_CUTS, day=context.day_before)
    closing = open_deal_cells(context, *COVERAGE_CUTS)
    revenue = cells_of(spine, ((day, only(members, *COVERAGE_CUTS), m) for day, members, m in revenue_records(company)))
    targets = targets_of(context)

    def closed_in_a_year(period: Period) -> Iterator[tuple[Members, Deal]]:
        last = spine.close(period)
        for deal in company.deals:
            if deal.closed_on is not None and a_year_before(last) < deal.closed_on <= last:
                yield only(company.deal_members(deal, deal.closed_on), *COVERAGE_CUTS), deal

    closed = balance_cells(spine, closed_in_a_year)

    def expected_in(key: Key, period: Period) -> Decimal:
        """Of the deals still open; an expected day that has passed counts as today."""
        deals = (open_deal.deal for open_deal in closing.get(key, []))
        return add(d.amount for d in deals if d.expected_close_on is not None and d.expected_close_on <= period.end)

    def measure(key: Key, period: Period) -> Value:
        pipeline, target = add(o.deal.amount for o in opening.get(key, [])), targets.get(key)
        remaining = None if target is None else max(target - net(revenue.get(key, [])), ZERO)
        is_much = target is not None and remaining is not None and remaining >= target * TENTH
        lost_and_won = add(deal.amount for deal in closed.get(key, []))
        won = add(deal.amount for deal in closed.get(key, []) if deal.is_won)
        return ratio(
            pipeline,
            target,
            remaining_target=remaining,
            coverage_of_remaining=divide(expected_in(key, period), remaining) if is_much else None,
            needed_coverage=divide(lost_and_won, won),
        )

    return context.mart([*opening, *targets], measure, grains=PLAN_GRAINS)


@metric
def sales_velocity(context: Context) -> Mart:
    company, trailing = context.company, timedelta(days=context.settings.velocity_days)
    cycles = cycle_days(company)
    open_deals = open_deal_cells(context, *VELOCITY_CUTS)

    def at(period: Period) -> Iterator[tuple[Members, Deal]]:
        last = context.spine.close(period)
        for deal in company.deals:
            if deal.closed_on is not None and last - trailing < deal.closed_on <= last:
                yield only(company.deal_members(deal, deal.closed_on), *VELOCITY_CUTS), deal

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
                "win_rate": divide(len(won), len(of_cell)),
                "average_deal_size": divide(amount, len(won)),
                "sales_cycle_length": days,
            },
        )

    won_or_open = {key for key, deals in closed.items() if any(deal.is_won for deal in deals)} | open_deals.keys()
    return context.mart(won_or_open, measure)
