"""Deals: won, lost, open, and their way through the stages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from tests.reference.context import REP_CUTS, ZERO, Context, mean, metric, only
from tests.reference.landing import Stage
from tests.reference.model import Company
from tests.reference.records import Activity, Deal, Plan
from tests.reference.rows import (
    ALL,
    PERIOD_GRAINS,
    PLAN_GRAINS,
    UNKNOWN,
    Key,
    Mart,
    Members,
    Period,
    Spine,
    Value,
    add,
    balance_cells,
    cells_of,
    divide,
    percentile,
    ratio,
    total,
)
from tests.reference.values import Moment, days_between, money

DEAL_CUTS = ("sales_rep", "team", "region", "segment", "lead_source", "deal_type")


def closed_deal_cells(context: Context, keep: Callable[[Deal], bool]) -> dict[Key, list[Deal]]:
    """The deals won or lost, by the period of their closing."""
    company = context.company
    return cells_of(
        context.spine,
        (
            (deal.closed_on, only(company.deal_members(deal, deal.closed_on), *DEAL_CUTS), deal)
            for deal in company.deals
            if deal.closed_on is not None and keep(deal)
        ),
    )


@metric
def win_rate(context: Context) -> Mart:
    cells = closed_deal_cells(context, lambda deal: True)

    def measure(key: Key, _: Period) -> Value:
        closed = cells.get(key, [])
        won = [deal for deal in closed if deal.is_won]
        amounts = add(deal.amount for deal in won), add(deal.amount for deal in closed)
        by_amount = divide(*amounts)
        if context.settings.win_rate_basis == "amount":
            return ratio(*amounts, win_rate_by_amount=by_amount)
        return ratio(len(won), len(closed), win_rate_by_amount=by_amount)

    return context.mart(cells, measure)


def age_days(deal: Deal) -> float:
    """From its creation to its closing."""
    assert deal.closed_at is not None
    return days_between(deal.created_at, deal.closed_at)


def cycle_days(company: Company) -> dict[str, float]:
    """By won deal, from first contact (or, by policy, creation) to closing; without the negative ones."""
    first_touch_on_deal: dict[str, Activity] = {}
    first_touch_on_lead: dict[str, Activity] = {}
    for touch in company.touches:
        if touch.deal_id is not None:
            first_touch_on_deal.setdefault(touch.deal_id, touch)
        if touch.lead_id is not None:
            first_touch_on_lead.setdefault(touch.lead_id, touch)

    def begin(deal: Deal) -> Moment:
        if company.settings.sales_cycle_start == "deal_created":
            return deal.created_at
        lead = company.leads_by_id.get(deal.lead_id or "")
        touches = (first_touch_on_deal.get(deal.deal_id), first_touch_on_lead.get(deal.lead_id or ""))
        contacts = [touch.occurred_at for touch in touches if touch is not None]
        known = [*contacts, lead.created_at] if lead is not None else contacts
        return min(known, key=lambda moment: moment.order, default=deal.created_at)

    won = ((deal, deal.closed_at) for deal in company.deals if deal.is_won and deal.closed_at is not None)
    days = {deal.deal_id: days_between(begin(deal), closed_at) for deal, closed_at in won if age_days(deal) >= 0}
    return {deal_id: span for deal_id, span in days.items() if span >= 0}


@metric
def sales_cycle_length(context: Context) -> Mart:
    cycles = cycle_days(context.company)
    cells = closed_deal_cells(context, lambda deal: deal.deal_id in cycles)

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        days = [cycles[deal.deal_id] for deal in deals]
        return ratio(
            sum(days, 0.0),
            len(days),
            median=percentile(days, 0.5),
            p90=percentile(days, 0.9),
            average_deal_age_days=mean([age_days(deal) for deal in deals]),
        )

    return context.mart(cells, measure)


def quota_cells(context: Context, spine: Spine) -> dict[Key, list[Plan]]:
    company = context.company
    return cells_of(spine, ((q.month, company.rep_members(q.member, q.month), q) for q in company.quotas))


@metric
def quota_attainment(context: Context) -> Mart:
    quotas = quota_cells(context, context.spine)
    won = closed_deal_cells(context, lambda deal: deal.is_won)

    def measure(key: Key, _: Period) -> Value:
        with_quota = {quota.member for quota in quotas.get((key[0], key[1], *ALL), [])}
        planned: dict[str | None, Decimal] = defaultdict(Decimal)
        brought: dict[str | None, Decimal] = defaultdict(Decimal)
        for quota in quotas.get(key, []):
            planned[quota.member] += quota.amount
        for deal in won.get(key, []):
            if deal.rep_id in with_quota:
                brought[deal.rep_id] += deal.amount
        return ratio(
            add(brought.values()),
            add(planned.values()),
            reps_with_quota=len(planned),
            reps_attained=sum(amount > 0 and brought[rep_id] >= amount for rep_id, amount in planned.items()),
        )

    def has_quota(key: Key) -> bool:
        with_quota = {quota.member for quota in quotas.get((key[0], key[1], *ALL), [])}
        return key[2] in REP_CUTS and any(deal.rep_id in with_quota for deal in won[key])

    keys = [*quotas, *filter(has_quota, won)]
    return context.mart(keys, measure, grains=PLAN_GRAINS, target=lambda key, period: 1)


@dataclass(frozen=True)
class OpenDeal:
    deal: Deal
    weighted: Decimal
    age_days: int
    days_in_stage: int


def open_deal_cells(
    context: Context, *dimensions: str, day: Callable[[Period], date] | None = None
) -> dict[Key, list[OpenDeal]]:
    """The deals open at the end of a day of each period, its last one where nothing else is said."""
    company, on = context.company, day or context.spine.close

    def at(period: Period) -> Iterator[tuple[Members, OpenDeal]]:
        day = on(period)
        for deal in company.deals:
            if not deal.is_open(day):
                continue
            stage = deal.stage_at(day)
            members = {**company.deal_members(deal, day), "stage": stage.name if stage else UNKNOWN}
            yield (
                only(members, *dimensions),
                OpenDeal(
                    deal,
                    deal.amount * deal.probability_at(day),
                    (day - deal.created_on).days,
                    (day - deal.in_stage_since(day)).days,
                ),
            )

    return balance_cells(context.spine, at)


@metric
def pipeline_value(context: Context) -> Mart:
    cells = open_deal_cells(context, *DEAL_CUTS, "stage")

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        return total(
            add(open_deal.deal.amount for open_deal in deals),
            weighted_value=money(add(open_deal.weighted for open_deal in deals)),
        )

    return context.mart(cells, measure, grains=PERIOD_GRAINS)


@metric
def sales_opportunities(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (deal.created_on, only(company.deal_members(deal, deal.created_on), *DEAL_CUTS), deal)
            for deal in company.deals
            if deal.created_on <= company.settings.as_of
        ),
    )

    def probability(deal: Deal) -> float:
        return float(deal.stage.default_probability if deal.probability is None else deal.probability)

    def is_qualified(deal: Deal) -> bool:
        lead = company.leads_by_id.get(deal.lead_id or "")
        return lead is not None and lead.qualified_on is not None

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        return total(
            len(deals),
            opportunity_amount=add(deal.amount for deal in deals),
            average_probability=mean([probability(deal) for deal in deals]),
            qualified_share=divide(sum(map(is_qualified, deals)), len(deals)),
        )

    return context.mart(cells, measure)


@dataclass(frozen=True)
class StageExit:
    left: Stage
    entered: Stage
    amount: Decimal

    @property
    def is_advance(self) -> bool:
        return not self.entered.is_lost and self.entered.order > self.left.order


@metric
def funnel_leakage(context: Context) -> Mart:
    company = context.company

    def exits() -> Iterator[tuple[date, Members, StageExit]]:
        for deal_id, changes in company.stage_changes.items():
            deal = company.deals_by_id.get(deal_id)
            for before, after in pairwise(changes):
                if not before.stage.is_closed and after.stage != before.stage:
                    members = (
                        only(company.deal_members(deal, after.day), "sales_rep", "lead_source")
                        if deal
                        else {"sales_rep": UNKNOWN, "lead_source": UNKNOWN}
                    )
                    amount = deal.amount if deal else ZERO
                    stage_exit = StageExit(before.stage, after.stage, amount)
                    yield after.day, {**members, "stage": before.stage.name}, stage_exit

    cells = cells_of(context.spine, exits())

    def measure(key: Key, _: Period) -> Value:
        of_cell = cells.get(key, [])
        lost = [stage_exit for stage_exit in of_cell if stage_exit.entered.is_lost]
        advanced = sum(stage_exit.is_advance for stage_exit in of_cell)
        return ratio(
            len(lost),
            len(of_cell),
            exits_advanced=advanced,
            exits_returned=len(of_cell) - len(lost) - advanced,
            amount_lost=add(stage_exit.amount for stage_exit in lost),
        )

    return context.mart(cells, measure)


@metric
def average_deal_size(context: Context) -> Mart:
    cells = closed_deal_cells(context, lambda deal: deal.is_won)

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        known = [float(deal.known_amount) for deal in deals if deal.known_amount is not None]
        median = percentile(known, 0.5)
        return ratio(add(deal.amount for deal in deals), len(deals), median=None if median is None else Decimal(median))

    return context.mart(cells, measure)


@metric
def sales_pipeline(context: Context) -> Mart:
    cells = open_deal_cells(context, "stage", *REP_CUTS)

    def measure(key: Key, _: Period) -> Value:
        deals = cells.get(key, [])
        return total(
            len(deals),
            open_amount=add(open_deal.deal.amount for open_deal in deals),
            average_age_days=mean([float(open_deal.age_days) for open_deal in deals]),
            average_days_in_stage=mean([float(open_deal.days_in_stage) for open_deal in deals]),
        )

    return context.mart(cells, measure, grains=PERIOD_GRAINS)
