"""Months, the periods that end with them, and the business day they are due to be closed on."""

from __future__ import annotations

import csv
import re
from collections.abc import Set
from datetime import date, timedelta
from pathlib import Path

from orchestration.core.company import seed_file
from orchestration.core.errors import UsageError

SATURDAY = 5


def parse_month(text: str) -> date:
    """The first day of a month written as YYYY-MM, of the years 1900 to 9998. Raises UsageError otherwise."""
    if re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text) and 1900 <= int(text[:4]) <= 9998:
        return date(int(text[:4]), int(text[5:]), 1)
    raise UsageError(f"month {text}: write it as YYYY-MM, such as 2026-10")


def month_name(month: date) -> str:
    """A month as YYYY-MM."""
    return f"{month:%Y-%m}"


def months_after(month: date, count: int) -> date:
    """The first day of the month that comes `count` months later (earlier, where negative)."""
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def month_end(month: date) -> date:
    """The last day of a month."""
    return months_after(month, 1) - timedelta(days=1)


def periods_ending_with(month: date, fiscal_year_start_month: int) -> list[tuple[str, date]]:
    """The periods whose last day is the month's, as (grain, first day): the month, and its quarter and year if so."""
    past = (month.month - fiscal_year_start_month) % 12
    periods = [("month", month)]
    if past % 3 == 2:
        periods.append(("quarter", months_after(month, -2)))
    if past == 11:
        periods.append(("year", months_after(month, -11)))
    return periods


def close_due_on(month: date, holidays: Set[date], n: int = 3) -> date:
    """The n-th business day after a month: Mondays to Fridays that are no holidays. Raises ValueError for n < 1."""
    if n < 1:
        raise ValueError(f"the business day to close on must be 1 or more, not {n}")
    day = month_end(month)
    while n:
        day += timedelta(days=1)
        n -= day.weekday() < SATURDAY and day not in holidays
    return day


def read_holidays(path: Path | None = None) -> frozenset[date]:
    """The days of the holidays seed (of a company its own). Raises UsageError naming a line that is not a date."""
    days = set()
    path = path or seed_file("holidays")
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(csv.DictReader(stream), start=2):
            try:
                days.add(date.fromisoformat(row["holiday_on"].strip()))
            except (KeyError, ValueError, AttributeError) as error:
                raise UsageError(f"{path}, line {number}: holiday_on must be a date as YYYY-MM-DD") from error
    return frozenset(days)
