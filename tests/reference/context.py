"""Settings, periods and company together, the register of metrics, and what several metrics share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tests.reference.model import Company
from tests.reference.rows import (
    GRAINS,
    Key,
    Mart,
    Members,
    Number,
    Period,
    Spine,
    Value,
    build_mart,
)
from tests.reference.settings import Settings

REP_CUTS = ("sales_rep", "team")
ZERO = Decimal(0)
HALF_A_CENT = Decimal("0.005")
DAY = timedelta(days=1)


@dataclass
class Context:
    """A company, its settings and its periods: what every metric is computed from."""

    company: Company
    spine: Spine

    @property
    def settings(self) -> Settings:
        return self.company.settings

    def day_before(self, period: Period) -> date:
        return period.first - DAY

    def mart(
        self,
        keys: Iterable[Key],
        measure: Callable[[Key, Period], Value],
        *,
        grains: Iterable[str] = GRAINS,
        target: Callable[[Key, Period], Number | None] = lambda key, period: None,
        is_compared: bool = True,
    ) -> Mart:
        return build_mart(
            self.spine, keys, measure, self.company.label, grains=grains, target=target, is_compared=is_compared
        )


Metric = Callable[[Context], Mart]
METRICS: dict[str, Metric] = {}


def metric(function: Metric) -> Metric:
    METRICS[function.__name__] = function
    return function


def only(members: Members, *dimensions: str) -> dict[str, str]:
    return {dimension: members[dimension] for dimension in dimensions}


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
