"""Days and minutes as plain integers, with their text looked up instead of formatted."""

from __future__ import annotations

from datetime import date, timedelta

MINUTES_A_DAY = 1440
_BEFORE = 400  # days of calendar before the first day of business: hiring, exchange rates
_AFTER = 500  # days of calendar after the last: plans

# demand by calendar month, about 1 on average: a slow summer, a strong end of the year
SEASON = (0.90, 0.94, 1.06, 1.03, 1.00, 0.99, 0.87, 0.84, 1.05, 1.09, 1.14, 1.09)
GROWTH = 0.24  # a year, of everything that demand drives


class Clock:
    """The three years of business that end on ``as_of``.

    A day is counted from 400 days before the first day of business, a moment in minutes from the same
    midnight (UTC); so both are never negative, and index the lists of text below.
    """

    def __init__(self, as_of: date) -> None:
        leap_day = as_of.month == 2 and as_of.day == 29
        self.start = date(as_of.year - 3, as_of.month, 28 if leap_day else as_of.day) + timedelta(days=1)
        self.as_of = as_of
        self.first = _BEFORE
        self.last = _BEFORE + (as_of - self.start).days
        self.begin = self.first * MINUTES_A_DAY
        self.end = (self.last + 1) * MINUTES_A_DAY  # the first minute after the last day
        origin = self.start - timedelta(days=_BEFORE)
        dates = [origin + timedelta(days=n) for n in range(self.last + _AFTER)]
        self.days = [day.isoformat() for day in dates]
        self.weekday = [day.weekday() for day in dates]
        self.month = [day.month for day in dates]
        self.workday = [n + (7 - day.weekday()) * (day.weekday() > 4) for n, day in enumerate(dates)]
        # seconds follow from the minute, so that they cost nothing and yet look like a log's
        self.times = [f"T{m // 60:02d}:{m % 60:02d}:{m * 37 % 60:02d}" for m in range(MINUTES_A_DAY)]
        self.times_z = [text + "Z" for text in self.times]
        self.trend = [self._trend(n) for n in range(len(dates))]

    def _trend(self, day: int) -> float:
        """Demand on a day against the first day: growth times season."""
        years, rest = divmod(max(day - self.first, 0), 365)
        level = 1.0
        for _ in range(years):
            level *= 1 + GROWTH
        return level * (1 + GROWTH * rest / 365) * self.season(day)

    def season(self, day: int) -> float:
        """The season's factor on demand in the month of the day."""
        return SEASON[self.month[day] - 1]

    def planned(self, day: int, growth: float) -> float:
        """A plan's level against the first day: a straight line, ``growth`` a year."""
        return 1 + growth * max(day - self.first, 0) / 365

    def text(self, moment: int) -> str:
        """A moment in ISO 8601 without an offset, which means UTC."""
        return self.days[moment // MINUTES_A_DAY] + self.times[moment % MINUTES_A_DAY]

    def text_z(self, moment: int) -> str:
        """A moment in ISO 8601 with the Z of UTC."""
        return self.days[moment // MINUTES_A_DAY] + self.times_z[moment % MINUTES_A_DAY]

    def months(self) -> list[int]:
        """The day number of the first of each month that holds a day of business, ascending."""
        begun = self.first - (self.start.day - 1)
        return [n for n in range(begun, self.last + 1) if self.days[n].endswith("-01")]
