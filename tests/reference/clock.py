"""How long something took: around the clock, or within the hours the business is open."""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from pathlib import Path

from tests.reference.values import Moment, Zones, days_between

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
MINUTES_A_DAY = 24 * 60


def read_seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Clock:
    """Minutes between two moments, by the clock or the seeds' business hours."""

    def __init__(self, zones: Zones, *, business_hours: bool) -> None:
        self._zones, self._by_hours = zones, business_hours
        self._hours: dict[int, tuple[time, time]] = {
            int(row["weekday"]): (time.fromisoformat(row["opens_at"]), time.fromisoformat(row["closes_at"]))
            for row in read_seed("business_hours")
        }
        self._holidays = {date.fromisoformat(row["holiday_on"]) for row in read_seed("holidays")}

    def minutes(self, begin: Moment, end: Moment) -> float:
        """Where either is a day, from the midnight before the one to the midnight before the other."""
        if not self._by_hours:
            return days_between(begin, end) * MINUTES_A_DAY
        if begin.is_day or end.is_day:
            midnights = (datetime.combine(moment.day, time()) for moment in (begin, end))
            return self._open_minutes(*midnights)
        return self._open_minutes(self._zones.local(begin.at), self._zones.local(end.at))

    def _open_minutes(self, start: datetime, stop: datetime) -> float:
        """How much of the time between two readings of the wall clock lies within the business hours."""
        opened = timedelta(0)
        for offset in range((stop.date() - start.date()).days + 1):
            day = start.date() + timedelta(days=offset)
            hours = self._hours.get(day.isoweekday())
            if hours is not None and day not in self._holidays:
                first, last = (datetime.combine(day, moment) for moment in hours)
                opened += max(min(stop, last) - max(start, first), timedelta(0))
        return opened / timedelta(minutes=1)
