"""The books that a part of the company writes: the tables it fills, its calendar, its luck.

A moment is a count of minutes and money is whole cents, see ``clock`` and ``catalog``. A row goes to the export that
carries its last change; an earlier state of the same row stays in the export that had seen it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from orchestration.sample import rows
from orchestration.sample.clock import MINUTES_A_DAY, Clock
from orchestration.sample.tables import Schedule

# The currencies that the sample company can keep its books in. In won every cent of a dollar is 13 won: whole numbers,
# and lines beyond a million.
CURRENCIES = ("USD", "KRW")
WON_A_CENT = 13
_MONEY_COLUMNS = ("amount", "unit_price", "discount_amount", "tax_amount", "unit_cost", "unit_amount")

Lines = list[list[str]]  # of one table: the lines of each of its files
Row = TypeVar("Row", bound=Mapping[str, object])
T = TypeVar("T")


def money(cents: int) -> str:
    """Cents as a plain decimal number."""
    return f"{cents / 100:.2f}"


class Table(Generic[Row]):
    """One table while it is made: the lines of each of its files, in the columns of that file."""

    def __init__(self, schedule: Schedule, currency: str = "USD") -> None:
        self._is_in_won = currency == "KRW"
        self.cuts = schedule.cuts
        self.file_of = schedule.file_of
        self.files: Lines = [[] for _ in schedule.exports]
        self._values_of = [itemgetter(*export.usual_columns) for export in schedule.exports]
        self._extra_columns = [len(export.columns) - len(export.usual_columns) for export in schedule.exports]

    def put(self, file: int, row: Row) -> None:
        """Append a row to a file, counted from 0."""
        lines = self.files[file]
        line = ",".join(self._values_of[file](_in_won(row) if self._is_in_won else row))
        if self._extra_columns[file]:
            line += f",x{len(lines) % 97}" * self._extra_columns[file]
        lines.append(line)

    def put_on(self, day: int, row: Row) -> None:
        """Append a row to the export that covers the day number."""
        self.put(self.file_of[day], row)

    def put_at(self, moment: int, row: Row) -> None:
        """Append a row to the export that covers the moment."""
        self.put(self.file_of[moment // MINUTES_A_DAY], row)

    def seen(self, states: Sequence[tuple[int, T]]) -> Iterable[tuple[int, int, T]]:
        """Of states in order of time those that an export saw, the last before each cut: file, moment, state."""
        file_of = self.file_of
        last = len(states) - 1
        for n, (moment, state) in enumerate(states):
            file = file_of[moment // MINUTES_A_DAY]
            if n == last or file != file_of[states[n + 1][0] // MINUTES_A_DAY]:
                yield file, moment, state


def _in_won(row: Mapping[str, object]) -> dict[str, object]:
    """A row with its money in won, whatever currency it was in."""
    money_values = {
        name: str(int(str(row[name]).replace(".", "")) * WON_A_CENT) for name in _MONEY_COLUMNS if row.get(name)
    }
    return {**row, **money_values, **({"currency": "KRW"} if row.get("currency") else {})}


class Books:
    """All tables of the contract as one part of the company fills them, with one stream of luck for all of it.

    Only ``Random.random`` and + - * / are used on it, which give the same on every machine. ``number`` is the unit's.
    """

    def __init__(
        self, luck: str, clock: Clock, schedules: dict[str, Schedule], number: int = 0, currency: str = "USD"
    ) -> None:
        self.clock = clock
        self.currency = currency
        self.number = number
        self.u = random.Random(luck).random
        self.lines: dict[str, Lines] = {}  # what was written: the lines of every table, by file

        def table(name: str, of: type[Row]) -> Table[Row]:
            del of  # for the type checker
            made: Table[Row] = Table(schedules[name], currency)
            self.lines[name] = made.files
            return made

        self.sales_reps = table("crm.sales_reps", rows.SalesRep)
        self.accounts = table("crm.accounts", rows.Account)
        self.leads = table("crm.leads", rows.Lead)
        self.deals = table("crm.deals", rows.Deal)
        self.deal_stage_changes = table("crm.deal_stage_changes", rows.DealStageChange)
        self.activities = table("crm.activities", rows.Activity)
        self.orders = table("billing.orders", rows.Order)
        self.order_items = table("billing.order_items", rows.OrderItem)
        self.refunds = table("billing.refunds", rows.Refund)
        self.products = table("billing.products", rows.Product)
        self.subscription_changes = table("billing.subscription_changes", rows.SubscriptionChange)
        self.ad_spend = table("marketing.ad_spend", rows.AdSpend)
        self.social_engagements = table("marketing.social_engagements", rows.SocialEngagement)
        self.inquiries = table("support.inquiries", rows.Inquiry)
        self.csat_responses = table("support.csat_responses", rows.CsatResponse)
        self.sales_targets = table("planning.sales_targets", rows.SalesTarget)
        self.sales_quotas = table("planning.sales_quotas", rows.SalesQuota)
        self.sales_costs = table("planning.sales_costs", rows.SalesCost)
        self.fx_rates = table("planning.fx_rates", rows.FxRate)
        self._counts: dict[str, int] = {}

    def pick(self, choices: Sequence[T]) -> T:
        """One of them, each as likely."""
        return choices[int(self.u() * len(choices))]

    def new_id(self, letter: str, digits: int = 5) -> str:
        """The next id of its kind: the letter, the unit, a running number."""
        count = self._counts.get(letter, 0) + 1
        self._counts[letter] = count
        return f"{letter}{self.number}-{count:0{digits}d}"

    def office_hours(self, day: int) -> int:
        """A moment in office hours of that day, or of the Monday after its weekend."""
        return self.clock.workday[day] * MINUTES_A_DAY + 480 + int(self.u() * 600)
