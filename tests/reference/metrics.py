"""All metrics of a landing folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

# Importing them puts their metrics into METRICS.
from tests.reference import activities, ahead, beyond, customers, deals, leads, sales, worth
from tests.reference.clock import read_seed
from tests.reference.context import METRICS, Context
from tests.reference.landing import Books, Quarantined, read_landing
from tests.reference.model import Company
from tests.reference.rows import Mart, compare_periods, history
from tests.reference.settings import Settings

MODULES = (sales, customers, leads, deals, activities, ahead, worth, beyond)


@dataclass
class Result:
    """What the warehouse should hold: the marts, and what became of every row read."""

    marts: dict[str, Mart]
    books: dict[str, Books]
    conflicting: dict[str, int]
    quarantine: list[Quarantined]


def compute(
    landing: Path,
    *,
    as_of: date,
    metrics: Iterable[str] | None = None,
    loaded_on: date = date.max,
    loads: Mapping[tuple[str, str], int] = MappingProxyType({}),
    **policies: Any,
) -> Result:
    """The marts of a landing folder, all or some. Of `policies`, vars of dbt_project.yml, the rest has its defaults.

    `loads` numbers the loads that brought the files, by table and file name; without it one load brought all of them.
    """
    settings = Settings(as_of, **policies)
    landed = read_landing(landing, settings, loads)
    company = Company(settings, landed, loaded_on)
    context = Context(company, history(first_event(company), as_of, settings.fiscal_year_start_month))
    marts = {name: METRICS[name](context) for name in (METRICS if metrics is None else metrics)}
    for name, needed in needs().items():
        if name in marts and not has_landed(needed, landed.books, settings):
            forget_values(marts[name])
    return Result(marts, landed.books, landed.conflicting, landed.quarantine)


def first_event(company: Company) -> date:
    """The first day of the spine; as_of where nothing ever happened."""
    days: list[date] = [sale.day for sale in company.sales]
    days += [refund.day for refund in company.refunds]
    days += [deal.created_on for deal in company.deals]
    days += [deal.closed_on for deal in company.deals if deal.closed_on is not None]
    days += [changes[0].day for changes in company.stage_changes.values()]
    days += [lead.day for lead in company.leads]
    days += [min(activity.day, activity.booked_on) for activity in company.activities]
    days += [states[0].day for states in company.recurring.subscriptions.values()]
    days += [inquiry.day for inquiry in company.inquiries]
    days += [response.day for response in company.responses]
    days += [spend.day for spend in company.ad_spend]
    days += [engagement.day for engagement in company.engagements]
    return min((day for day in days if day <= company.settings.as_of), default=company.settings.as_of)


def needs() -> dict[str, str]:
    """By metric the tables it needs: `a|b` both of them, `a/b` either."""
    return {row["metric_id"]: row["needs"] for row in read_seed("metrics")}


def has_landed(needed: str, books: dict[str, Books], settings: Settings) -> bool:
    """Whether a row of them was ever read, be it quarantined. With bookings deals stand for orders and refunds.

    Where a column is needed (`billing.products.unit_cost`), its table is: without costs the values are NULL anyway.
    """
    if settings.revenue_basis == "bookings":
        for table in ("billing.order_items", "billing.orders", "billing.refunds"):
            needed = needed.replace(table, "crm.deals")
    tables = [[".".join(name.split(".")[:2]) for name in either.split("/")] for either in needed.split("|")]
    return all(any(books[table].read for table in either) for either in tables)


def forget_values(mart: Mart) -> None:
    """Where nothing was ever landed it is not known what happened."""
    for row in mart.values():
        row.metric_value = None
    compare_periods(mart)
