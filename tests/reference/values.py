"""Values from text: numbers, days, moments, names in the order in which people count, money."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor, prod
from typing import Any
from zoneinfo import ZoneInfo

from tests.reference.contract import Column

MAGNITUDE = Decimal(10) ** 14
ONE_DAY = timedelta(days=1)

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]00:00(:00(\.0+)?)?(Z|[+-]00(:?00)?)?)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|(?i: UTC)|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Moment:
    """When something happened: an instant, or a local day of which the time is not known."""

    at: datetime
    """In UTC, without a zone; of a day its start."""
    day: date
    """The local date."""
    is_day: bool = False

    @property
    def order(self) -> tuple[datetime, bool]:
        return self.at, self.is_day

    def is_before(self, other: Moment) -> bool:
        """By date where either is a day, so within one day nothing is before anything."""
        return self.day < other.day if self.is_day or other.is_day else self.at < other.at


def days_between(begin: Moment, end: Moment) -> float:
    """Whole days by date where either is a day."""
    if begin.is_day or end.is_day:
        return float((end.day - begin.day).days)
    return (end.at - begin.at) / ONE_DAY


@dataclass(frozen=True)
class Zones:
    """The business's time zone, and the one of timestamps without an offset, by source system or for all."""

    business: str = "UTC"
    naive: str = "UTC"

    def naive_of(self, system: str) -> str:
        if "=" not in self.naive:
            return self.naive
        return dict(part.strip().split("=") for part in self.naive.split(",")).get(system, "UTC")

    def local(self, at: datetime) -> datetime:
        """What the wall clock of the business says, without a zone."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.business)).replace(tzinfo=None)

    def start_of(self, day: date) -> Moment:
        return Moment(to_utc(datetime.combine(day, time()), self.business), day, is_day=True)

    def moment(self, text: str, system: str) -> Moment | None:
        """What a text in a timestamp column says. None: it is no timestamp."""
        match = _TIMESTAMP.fullmatch(text)
        if not match:
            return None
        day, hour, minute, second, fraction, offset = match.groups()
        try:
            if hour is None:
                return self.start_of(date.fromisoformat(day))
            clock = datetime.fromisoformat(day).replace(
                hour=int(hour), minute=int(minute), second=int(second or 0),
                microsecond=int(((fraction or "") + "000000")[:6]),
            )  # fmt: skip
            at = clock - _offset(offset) if offset else to_utc(clock, self.naive_of(system))
            return Moment(at, self.local(at).date())
        except (ValueError, OverflowError):
            return None


def _offset(text: str) -> timedelta:
    if text[0] not in "+-":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return timedelta(hours=hours, minutes=minutes) * (-1 if text[0] == "-" else 1)


def to_utc(clock: datetime, zone: str) -> datetime:
    """An hour that comes twice is its second time, in winter; one that never comes is counted on from before it."""
    for fold in (1, 0):
        at = clock.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
        if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == clock:
            break
    return at.replace(tzinfo=None)


def natural(name: str) -> tuple[str, str]:
    """A key to sort names by: `t (2)` before `t (10)`, and of names that count alike the smaller text."""
    return _DIGITS.sub(lambda digits: (digits[0].lstrip("0") or "0").zfill(60), name), name


def natural_file(name: str) -> tuple[str, str]:
    """The same of a file's name: without its ending, so that a first download comes before the second."""
    return natural(name.rpartition(".")[0])[0], name


def parse_decimal(text: str) -> Decimal | None:
    if not _DECIMAL.fullmatch(text):
        return None
    value = Decimal(text)
    return value if abs(value) < MAGNITUDE else None


def parse_date(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def parse(column: Column, text: str, zones: Zones, system: str) -> Any:
    """The typed value, or None when the text is not one of the column's."""
    if column.kind == "text":
        return text
    if column.kind == "currency":
        return text.upper()
    if column.kind == "enum":
        return text if text in column.allowed else None
    if column.kind == "timestamp":
        return zones.moment(text, system)
    if column.kind in ("date", "month"):
        day = parse_date(text)
        return None if day and column.kind == "month" and day.day != 1 else day
    value = parse_decimal(text)
    if value is None or not column.in_range(value):
        return None
    return None if column.kind == "whole" and value != value.to_integral_value() else value


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Half away from zero."""
    scaled = value * 10**decimals
    whole = floor(abs(scaled) + Fraction(1, 2))
    with localcontext() as context:
        context.prec = 60
        return Decimal(whole if scaled >= 0 else -whole).scaleb(-decimals)


def money(*factors: Decimal | Fraction) -> Decimal:
    """The product, rounded half away from zero to four decimals."""
    return rounded(prod((Fraction(factor) for factor in factors), start=Fraction(1)), 4)
