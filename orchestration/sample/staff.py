"""The reps of a unit: who is there on which day, who takes over, and their quotas."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.books import Books, money

QUOTA_CENTS = 860_000  # a rep and month at the start
QUOTA_GROWTH = 0.07  # a year

Names = tuple[tuple[str, str], tuple[str, str]]  # first and last, each as written and in plain letters


class Staff:
    """The reps of a unit by their number, from 0. Made once a unit: it hires them."""

    def __init__(self, books: Books) -> None:
        self.books = books
        clock = books.clock
        span = clock.last - clock.first
        self.rep_ids = [f"R{books.number}-{n:02d}" for n in range(1, len(catalog.SLOTS) + 1)]
        self.hired: list[int] = []
        self.left: list[int] = []
        people: list[Names] = []
        for slot in catalog.SLOTS:
            jitter = int(books.u() * 21)
            self.hired.append(clock.first + int(slot.hired * span) + jitter)
            self.left.append(len(clock.days) if slot.left is None else clock.first + int(slot.left * span) + jitter)
            people.append((books.pick(catalog.FIRST_NAMES), books.pick(catalog.LAST_NAMES)))
        everyone = range(len(catalog.SLOTS))
        self.there = [
            [rep for rep in everyone if self.hired[rep] <= day < self.left[rep]] for day in range(clock.last + 1)
        ]
        for file, cut in enumerate(books.sales_reps.cuts):  # exported whole every year
            for rep in everyone:
                if self.hired[rep] <= cut:
                    # no two have one address: the second of a name gets a number
                    namesakes = people[:rep].count(people[rep])
                    self._write_rep(file, cut, rep, people[rep], f"{namesakes + 1}" if namesakes else "")

    def _write_rep(self, file: int, cut: int, rep: int, names: Names, number: str) -> None:
        """A rep as known at the end of day ``cut``; ``number`` tells the address from those of namesakes."""
        (first, first_plain), (last, last_plain) = names
        days = self.books.clock.days
        is_gone = self.left[rep] <= cut
        changed = self.left[rep] if is_gone else max(self.hired[rep], self.books.clock.first)
        self.books.sales_reps.put(
            file,
            {
                "rep_id": self.rep_ids[rep],
                "rep_name": f"{first} {last}",
                "email": f"{first_plain}.{last_plain}{number}.{self.books.number}@example.com",
                "team": catalog.SLOTS[rep].team,
                "region": catalog.SLOTS[rep].region,
                "hired_on": days[self.hired[rep]],
                "left_on": days[self.left[rep]] if is_gone else "",
                "updated_at": f"{days[changed]}T06:00:00",
            },
        )

    def on(self, rep: int, day: int) -> int:
        """The rep, or who took over once the rep had left."""
        return rep if day < self.left[rep] else rep % catalog.STEADY

    def set_quotas(self) -> None:
        """A quota a month for every rep who was there on its first day; newcomers get half for a quarter."""
        clock = self.books.clock
        for first in clock.months():
            level = clock.planned(first, QUOTA_GROWTH) * (1 + clock.season(first)) / 2
            for rep in range(len(catalog.SLOTS)):
                if self.hired[rep] <= first < self.left[rep]:
                    ramp = 0.5 if first - self.hired[rep] < 90 else 1.0
                    self.books.sales_quotas.put_on(
                        max(first, clock.first),
                        {
                            "quota_month": clock.days[first],
                            "rep_id": self.rep_ids[rep],
                            "amount": money(int(QUOTA_CENTS * level * ramp / 10000) * 10000),
                            "currency": "USD",
                        },
                    )
