"""Exchange rates: the latest on or before a day, direct or, by policy, inferred."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from tests.reference.contract import Values
from tests.reference.values import rounded

RATE_DECIMALS, GREATEST_RATE = 10, 10**6


@dataclass(frozen=True)
class Quote:
    day: date
    rate: Fraction


class Rates:
    """Rates to the reporting currency, none of them older than some days."""

    def __init__(
        self,
        rows: Iterable[Values],
        reporting_currency: str,
        max_age_days: int,
        inference: Literal["direct_only", "inverse", "cross"],
        as_of: date,
    ) -> None:
        self.reporting_currency = reporting_currency
        self._max_age_days, self._as_of = max_age_days, as_of
        self._inference = inference
        self._quotes: dict[tuple[str, str], list[Quote]] = defaultdict(list)
        for row in rows:
            self._quotes[row["from_currency"], row["to_currency"]].append(Quote(row["rate_on"], Fraction(row["rate"])))
        for quotes in self._quotes.values():
            quotes.sort(key=lambda quote: quote.day)
        self._currencies = sorted({currency for pair in self._quotes for currency in pair})
        self.at = lru_cache(maxsize=None)(self._at)

    def _at(self, currency: str | None, day: date | None) -> Decimal | None:
        """The rate on a day; without a day, any there is. None: there is none."""
        if currency is None or currency == self.reporting_currency:
            return Decimal(1)
        quote = self._pair(currency, self.reporting_currency, day) or self._cross(currency, day)
        rate = None if quote is None else rounded(quote.rate, RATE_DECIMALS)
        return rate if rate is not None and 0 < rate < GREATEST_RATE else None

    def _latest(self, source: str, target: str, day: date | None) -> Quote | None:
        quotes = self._quotes.get((source, target), [])
        if day is None:
            return quotes[-1] if quotes else None
        position = bisect_right(quotes, day, key=lambda quote: quote.day)
        if not position:
            return None
        # plans of months to come cannot wait for rates to come
        age = min(day, self._as_of) - quotes[position - 1].day
        if age.days > self._max_age_days:
            return None
        return quotes[position - 1]

    def _pair(self, source: str, target: str, day: date | None) -> Quote | None:
        """As quoted, else by policy the other way around."""
        quote = self._latest(source, target, day)
        if quote is None and self._inference != "direct_only":
            inverse = self._latest(target, source, day)
            return None if inverse is None else Quote(inverse.day, 1 / inverse.rate)
        return quote

    def _cross(self, source: str, day: date | None) -> Quote | None:
        """Over one currency that both have rates with; the freshest by its older leg, then by the currency's name."""
        best: Quote | None = None
        for currency in self._currencies if self._inference == "cross" else ():
            if currency not in (source, self.reporting_currency):
                first = self._pair(source, currency, day)
                second = self._pair(currency, self.reporting_currency, day)
                if first is not None and second is not None:
                    found = Quote(min(first.day, second.day), first.rate * second.rate)
                    best = found if best is None or found.day > best.day else best
        return best
