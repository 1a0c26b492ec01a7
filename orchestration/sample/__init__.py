"""The sample company: landing files of a plausible small business, with the dirt of real exports.

The same scale, seed and last day give the same files on every machine, byte for byte (Parquet: row for row).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

from orchestration.sample.books import CURRENCIES, Books, Lines
from orchestration.sample.clock import Clock
from orchestration.sample.company import Company
from orchestration.sample.dirt import soil
from orchestration.sample.files import Landing
from orchestration.sample.tables import schedules
from orchestration.sample.unit import run_unit

DEFAULT_AS_OF = date(2026, 10, 31)
EARLIEST_AS_OF = date(2003, 1, 1)
LATEST_AS_OF = date(2099, 12, 31)

__all__ = ["DEFAULT_AS_OF", "check_target", "write_sample"]


def check_target(target: Path, scale: int, as_of: date) -> None:
    """Raises ValueError for what cannot be written, before anything is."""
    if scale < 1:
        raise ValueError(f"scale {scale} is too small: use 1 (a ten-rep business) or a greater whole number")
    if not EARLIEST_AS_OF <= as_of <= LATEST_AS_OF:
        raise ValueError(f"as-of date {as_of} is out of reach: use one from {EARLIEST_AS_OF} to {LATEST_AS_OF}")
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: name a new or an empty directory")
    if target.is_dir() and any(target.iterdir()):
        raise ValueError(f"{target} is not empty: name a new or an empty directory, or empty it first")


def write_sample(
    target: Path,
    *,
    scale: int = 1,
    seed: int = 1,
    as_of: date = DEFAULT_AS_OF,
    currency: str = "USD",
    has_dirt: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the landing files of a business of ``scale`` units over the three years that end on ``as_of``.

    Units are made one after another, so memory does not grow with the scale. ``currency`` is one of CURRENCIES.
    Without ``has_dirt`` every row is as the systems meant it. ``progress`` is told how many units of all are written.
    Returns the rows written per 'system.table', second deliveries included.
    """
    check_target(target, scale, as_of)
    if currency not in CURRENCIES:
        raise ValueError(f"currency {currency}: the sample company keeps its books in {' or '.join(CURRENCIES)}")
    clock = Clock(as_of)
    plans = schedules(clock)

    def soiled(books: Books, label: str, turn: int, spare: set[str]) -> dict[str, Lines]:
        u = random.Random(f"sample/{seed}/dirt/{label}").random
        for table, lines in books.lines.items() if has_dirt else ():
            soil(table, lines, plans[table].exports, turn, u, spare)
        return books.lines

    with Landing(target, plans) as landing:
        books = Books(f"sample/{seed}/company", clock, plans, currency=currency)
        Company(scale, books).run()
        landing.append(soiled(books, "company", 0, set()))
        for number in range(1, scale + 1):
            books = Books(f"sample/{seed}/unit/{number}", clock, plans, number, currency)
            refunded = run_unit(books)
            landing.append(soiled(books, f"unit/{number}", number - 1, refunded))
            if progress is not None:
                progress(number, scale)
        return landing.finish(some_twice=has_dirt)
