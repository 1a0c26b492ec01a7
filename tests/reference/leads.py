"""Leads: conversion, sources, answers, referrals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tests.reference.context import ZERO, Context, metric
from tests.reference.customers import ad_spend_cells
from tests.reference.rows import (
    ALL,
    UNKNOWN,
    Key,
    Mart,
    Members,
    Number,
    Period,
    Value,
    add,
    cells_of,
    divide,
    percentile,
    ratio,
    total,
)
from tests.reference.values import Moment


@dataclass(frozen=True)
class CohortLead:
    day: date
    is_qualified: bool
    converted_on: date | None

    @property
    def is_converted(self) -> bool:
        return self.converted_on is not None


@metric
def lead_conversion_rate(context: Context) -> Mart:
    company = context.company
    cohort: list[tuple[date, Members, CohortLead]] = []
    conversions: list[tuple[date, Members, str]] = []
    for lead in company.leads:
        members = company.lead_members(lead, lead.day)
        sale = company.first_sale_on_or_after(lead.account_id, lead.day)
        qualified = lead.qualified_on is not None
        cohort.append((lead.day, members, CohortLead(lead.day, qualified, sale.day if sale else None)))
        if sale is not None:
            conversions.append((sale.day, company.lead_members(lead, sale.day), lead.lead_id))

    def share_within(leads: list[CohortLead], days: int, period: Period) -> Number | None:
        """NULL until even a lead of the period's last day has had that long."""
        if (context.settings.as_of - period.end).days < days:
            return None
        quick = [lead for lead in leads if lead.converted_on and (lead.converted_on - lead.day).days <= days]
        return divide(len(quick), len(leads))

    cells = cells_of(context.spine, cohort)
    converted_in = cells_of(context.spine, conversions)

    def measure(key: Key, period: Period) -> Value:
        leads = cells.get(key, [])
        converted, in_period = sum(lead.is_converted for lead in leads), len(converted_in.get(key, []))
        return ratio(
            in_period if context.settings.lead_conversion_basis == "period" else converted,
            len(leads),
            qualified_leads=sum(lead.is_qualified for lead in leads),
            conversions_in_period=in_period,
            **{f"converted_within_{days}_days_share": share_within(leads, days, period) for days in (30, 60, 90)},
        )

    by_period = context.settings.lead_conversion_basis == "period"
    return context.mart([*cells, *converted_in] if by_period else cells, measure)


@dataclass(frozen=True)
class SourcedLead:
    is_converted: bool
    brought: Decimal


@metric
def lead_source_conversion_rate(context: Context) -> Mart:
    company = context.company

    def cohort() -> Iterator[tuple[date, Members, SourcedLead]]:
        credited: set[str] = set()
        for lead in company.leads:
            # A sale that converts several leads of an account brings its money to the earliest of them.
            sale = company.first_sale_on_or_after(lead.account_id, lead.day)
            brought = sale.amount if sale is not None and sale.sale_id not in credited else ZERO
            if sale is not None:
                credited.add(sale.sale_id)
            yield lead.day, {"lead_source": lead.source}, SourcedLead(sale is not None, brought)

    cells, spend = cells_of(context.spine, cohort()), ad_spend_cells(context)

    def measure(key: Key, _: Period) -> Value:
        leads = cells.get(key, [])
        of_all = len(cells.get((key[0], key[1], *ALL), []))
        spent = add(spend.get(key, []))
        return ratio(
            sum(lead.is_converted for lead in leads),
            len(leads),
            lead_share=divide(len(leads), of_all),
            ad_spend=spent,
            cost_per_lead=divide(spent, len(leads)),
            converted_revenue=add(lead.brought for lead in leads),
        )

    return context.mart(cells, measure)


@metric
def lead_response_time(context: Context) -> Mart:
    company = context.company
    touched_at: dict[str, list[Moment]] = defaultdict(list)
    for touch in company.touches:
        if touch.lead_id is not None:
            touched_at[touch.lead_id].append(touch.occurred_at)
    answered: list[tuple[date, Members, float]] = []
    unanswered: list[tuple[date, Members, None]] = []
    for lead in company.leads:
        members = company.lead_members(lead, lead.day)
        first = next((touch for touch in touched_at[lead.lead_id] if not touch.is_before(lead.created_at)), None)
        if first is not None:
            answered.append((lead.day, members, company.clock.minutes(lead.created_at, first)))
        else:
            unanswered.append((lead.day, members, None))
    cells, without = cells_of(context.spine, answered), cells_of(context.spine, unanswered)

    def measure(key: Key, _: Period) -> Value:
        minutes, waiting = cells.get(key, []), len(without.get(key, []))
        return ratio(
            sum(minutes, 0.0),
            len(minutes),
            median=percentile(minutes, 0.5),
            p90=percentile(minutes, 0.9),
            unanswered_leads=waiting,
            answered_within_5_minutes_share=divide(sum(m <= 5 for m in minutes), len(minutes) + waiting),
        )

    return context.mart(cells, measure)


@metric
def referrals(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (
                lead.day,
                {**company.rep_members(lead.rep_id, lead.day), "referrer_type": lead.referrer_type or UNKNOWN},
                company.first_sale_on_or_after(lead.account_id, lead.day) is not None,
            )
            for lead in company.leads
            if lead.referrer_type is not None or lead.source == "referral"
        ),
    )
    return context.mart(
        cells, lambda key, _: total(len(cells.get(key, [])), converted_referrals=sum(cells.get(key, [])))
    )
