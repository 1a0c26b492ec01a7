"""The shape all marts share: periods, cells (period x cut), and rows with their prior values.

In values, a Decimal is money (or an amount per something), an int a count, a float a rate or a duration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

Number = Decimal | int | float
Members = Mapping[str, str]
"""The cuts a record belongs to: dimension to dimension value."""
Key = tuple[str, date, str, str]
"""period_grain, period_start, dimension, dimension_value."""

TO_DATE = "year_to_date"
PERIOD_GRAINS = ("week", "month", "quarter", "year")
"""Those whose periods lie end to end."""
GRAINS = (*PERIOD_GRAINS, TO_DATE)
PLAN_GRAINS = ("month", "quarter", "year")
ALL = ("all", "all")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Period:
    grain: str
    start: date
    """What the period is known by."""
    end: date
    first: date
    """Its first day: the start; of a year to date, which is known by its month, the fiscal year's first day."""


def add_months(first_of_month: date, months: int) -> date:
    number = first_of_month.year * 12 + first_of_month.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def period_of(grain: str, day: date, fiscal_year_start_month: int = 1) -> Period:
    if grain == "week":
        start = day - timedelta(days=day.weekday())
        return Period(grain, start, start + timedelta(days=6), start)
    if grain == TO_DATE:
        month = period_of("month", day)
        return Period(grain, month.start, month.end, period_of("year", day, fiscal_year_start_month).start)
    months = {"month": 1, "quarter": 3, "year": 12}[grain]
    into_period = (day.month - fiscal_year_start_month) % 12 % months
    start = add_months(day.replace(day=1), -into_period)
    return Period(grain, start, add_months(start, months) - timedelta(days=1), start)


def label_of(period: Period, fiscal_year_start_month: int = 1) -> str:
    """What people call a period: 2026-W37, 2026-09, 2026-Q3, 2026; of a fiscal year that starts later FY2026."""
    if period.grain == "week":
        year, week, _ = period.start.isocalendar()
        return f"{year}-W{week:02d}"
    if period.grain in ("month", TO_DATE):
        return f"{period.start:%Y-%m}"
    starts_later = fiscal_year_start_month > 1
    ends_later = starts_later and period.start.month >= fiscal_year_start_month
    called = f"{'FY' if starts_later else ''}{period.start.year + ends_later}"
    if period.grain == "year":
        return called
    return f"{called}-Q{(period.start.month - fiscal_year_start_month) % 12 // 3 + 1}"


def one_period_before(grain: str, start: date) -> date:
    if grain == "week":
        return start - timedelta(days=7)
    return add_months(start, {"month": -1, "quarter": -3, "year": -12, TO_DATE: -1}[grain])


def one_year_before(grain: str, start: date) -> date:
    return start - timedelta(weeks=52) if grain == "week" else add_months(start, -12)


def one_period_after(grain: str, start: date) -> date:
    if grain == "week":
        return start + timedelta(days=7)
    return add_months(start, {"month": 1, "quarter": 3, "year": 12, TO_DATE: 1}[grain])


def one_year_after(grain: str, start: date) -> date:
    return start + timedelta(weeks=52) if grain == "week" else add_months(start, 12)


class Spine:
    """The periods that a mart has rows for, and the day the books were closed."""

    def __init__(self, periods: Iterable[Period], as_of: date, fiscal_year_start_month: int) -> None:
        self.as_of = as_of
        self.fiscal_year_start_month = fiscal_year_start_month
        self.periods = list(periods)
        self._by_start = {(period.grain, period.start): period for period in self.periods}
        self.of = lru_cache(maxsize=None)(self._of)

    def _of(self, day: date) -> tuple[Period, ...]:
        """The periods of the spine that hold a day."""
        return tuple(period for period in self.periods if period.first <= day <= period.end)

    def holds(self, grain: str, start: date) -> bool:
        return (grain, start) in self._by_start

    def period(self, key: Key) -> Period:
        """The period of a cell."""
        return self._by_start[key[:2]]

    def close(self, period: Period) -> date:
        """The day a balance of the period is taken."""
        return min(period.end, self.as_of)


def history(first: date, as_of: date, fiscal_year_start_month: int) -> Spine:
    """All periods from the one holding the first event to the one holding as_of."""
    periods: list[Period] = []
    for grain in GRAINS:
        period = period_of(grain, first, fiscal_year_start_month)
        while period.start <= as_of:
            periods.append(period)
            period = period_of(grain, period.end + timedelta(days=1), fiscal_year_start_month)
    return Spine(periods, as_of, fiscal_year_start_month)


def periods_ahead(grains: Iterable[str], number: int, as_of: date, fiscal_year_start_month: int) -> Spine:
    """Of each grain the period holding as_of and so many after it."""
    periods: list[Period] = []
    for grain in grains:
        period = period_of(grain, as_of, fiscal_year_start_month)
        for _ in range(number + 1):
            periods.append(period)
            period = period_of(grain, period.end + timedelta(days=1), fiscal_year_start_month)
    return Spine(periods, as_of, fiscal_year_start_month)


def cells_of(spine: Spine, records: Iterable[tuple[date, Members, T]]) -> dict[Key, list[T]]:
    """Dated records by period and cut."""
    cells: dict[Key, list[T]] = defaultdict(list)
    for day, members, record in records:
        for period in spine.of(day):
            for dimension, value in (ALL, *members.items()):
                cells[period.grain, period.start, dimension, value].append(record)
    return cells


def balance_cells(spine: Spine, at: Callable[[Period], Iterable[tuple[Members, T]]]) -> dict[Key, list[T]]:
    """Records that stand at (or are computed for) each period, by cut."""
    cells: dict[Key, list[T]] = defaultdict(list)
    for period in spine.periods:
        for members, record in at(period):
            for dimension, value in (ALL, *members.items()):
                cells[period.grain, period.start, dimension, value].append(record)
    return cells


@dataclass
class Value:
    """What one cell says. `value` is numerator / denominator, or the numerator where there is no denominator."""

    numerator: Number | None
    denominator: Number | None
    value: Number | None
    extras: dict[str, Number | None] = field(default_factory=dict)


def divide(numerator: Number | None, denominator: Number | None) -> Number | None:
    """NULL on a zero denominator; money by money and count by count are rates, money by a count is money."""
    if numerator is None or not denominator:
        return None
    if isinstance(numerator, Decimal) and isinstance(denominator, int):
        with localcontext() as context:
            context.prec = 40
            return numerator / denominator
    return float(numerator) / float(denominator)


def total(numerator: Number, **extras: Number | None) -> Value:
    return Value(numerator, None, numerator, extras)


def ratio(numerator: Number | None, denominator: Number | None, **extras: Number | None) -> Value:
    return Value(numerator, denominator, divide(numerator, denominator), extras)


def add(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return sum(amounts, Decimal(0))


def percentile(values: list[float], share: float) -> float | None:
    """Continuous: between the two neighbours, linearly."""
    if not values:
        return None
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


@dataclass
class Row:
    period_end: date
    is_complete: bool
    period_label: str
    dimension_label: str
    numerator: Number | None
    denominator: Number | None
    metric_value: Number | None
    prior_period_value: Number | None = None
    prior_year_value: Number | None = None
    target_value: Number | None = None
    extras: dict[str, Any] = field(default_factory=dict)


Mart = dict[Key, Row]


def followed_by(spine: Spine, key: Key) -> Iterator[Key]:
    """The cells that are compared with a cell: its member's one period and one year later."""
    grain, start, *cut = key
    later = (one_period_after(grain, start), one_year_after(grain, start))
    yield from ((grain, other, cut[0], cut[1]) for other in later if spine.holds(grain, other))


def build_mart(
    spine: Spine,
    keys: Iterable[Key],
    measure: Callable[[Key, Period], Value],
    label: Callable[[str, str], str],
    *,
    grains: Iterable[str],
    target: Callable[[Key, Period], Number | None],
    is_compared: bool = True,
) -> Mart:
    """A row per key and, for `all`, per period of the spine; then the values one period and one year before.

    A member that has something to say has a row in the periods that are compared with it, too.
    """
    wanted = tuple(grains)
    periods = {(p.grain, p.start): p for p in spine.periods if p.grain in wanted}
    dense = [(*key, *ALL) for key in periods]
    own = dict.fromkeys([*dense, *keys])
    compared = [later for key in own for later in followed_by(spine, key)] if is_compared else []
    mart: Mart = {}
    for key in dict.fromkeys([*own, *compared]):
        period = periods.get(key[:2])
        if period is None:
            continue
        value = measure(key, period)
        mart[key] = Row(
            period_end=period.end,
            is_complete=period.end < spine.as_of,
            period_label=label_of(period, spine.fiscal_year_start_month),
            dimension_label=label(key[2], key[3]),
            numerator=value.numerator,
            denominator=value.denominator,
            metric_value=value.value,
            target_value=target(key, period),
            extras=dict(value.extras),
        )
    compare_periods(mart)
    return mart


def compare_periods(mart: Mart) -> None:
    """Fill in the values one period and one year before."""
    for (grain, start, dimension, member), row in mart.items():
        before = mart.get((grain, one_period_before(grain, start), dimension, member))
        year_before = mart.get((grain, one_year_before(grain, start), dimension, member))
        row.prior_period_value = before.metric_value if before else None
        row.prior_year_value = year_before.metric_value if year_before else None
