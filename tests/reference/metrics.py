"""All metrics of a landing folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

# Importing them puts their metrics into METRICS.
from tests.reference import activities, beyond, customers, deals, leads, sales
from tests.reference.context import METRICS, Context
from tests.reference.landing import Books, Quarantined, read_landing
from tests.reference.model import Company, Settings
from tests.reference.rows import Mart, history

MODULES = (sales, customers, leads, deals, activities, beyond)


@dataclass
class Result:
    """What the warehouse should hold: the marts, and what became of every row read."""

    marts: dict[str, Mart]
    books: dict[str, Books]
    quarantine: list[Quarantined]


def compute(landing: Path, *, as_of: date, metrics: Iterable[str] | None = None, **policies: Any) -> Result:
    """The marts of a landing folder, all or some. Of `policies`, vars of dbt_project.yml, the rest has its defaults."""
    settings = Settings(as_of, **policies)
    landed = read_landing(
        landing,
        as_of=as_of,
        business_timezone=settings.business_timezone,
        reporting_currency=settings.reporting_currency,
    )
    company = Company(settings, landed)
    context = Context(company, history(company.first_event(), as_of, settings.fiscal_year_start_month))
    marts = {name: METRICS[name](context) for name in (METRICS if metrics is None else metrics)}
    return Result(marts, landed.books, landed.quarantine)
