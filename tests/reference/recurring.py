"""Monthly recurring revenue: of a subscription at the end of a day, and how an account's moved between two days."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from tests.reference.records import Movement, SubscriptionState
from tests.reference.values import money, natural

MONTHS_PER_INTERVAL = {
    "day": Fraction(365, 12),
    "week": Fraction(52, 12),
    "month": Fraction(1),
    "quarter": Fraction(1, 3),
    "year": Fraction(1, 12),
}
"""What an amount per interval is multiplied by to be one per month."""


def effective(states: Iterable[tuple[str, SubscriptionState]]) -> list[SubscriptionState]:
    """In order; of changes at the same moment only the one with the greatest id ever holds."""
    ordered = sorted(states, key=lambda entry: (entry[1].moment.at, natural(entry[0])))
    return list({state.moment.at: state for _, state in ordered}.values())


class Recurring:
    """The subscriptions of a company, each with its states in order."""

    def __init__(self, subscriptions: dict[str, list[SubscriptionState]], renewal_gap_days: int) -> None:
        self.subscriptions = subscriptions
        self.first_days = {by_plan: self._first_days(by_plan=by_plan) for by_plan in (False, True)}
        self._gap = timedelta(days=renewal_gap_days)
        self._renewals = self._find_renewals()
        self.at = lru_cache(maxsize=None)(self._at)

    def _first_days(self, *, by_plan: bool) -> dict[tuple[str, str], date]:
        """When an account (or an account on a plan) first had MRR > 0, if only for an hour."""
        first: dict[tuple[str, str], date] = {}
        for states in self.subscriptions.values():
            for state in states:
                if state.mrr > 0:
                    key = state.account_id, state.plan if by_plan else ""
                    first[key] = min(state.day, first.get(key, state.day))
        return first

    def _find_renewals(self) -> dict[str, list[tuple[date, date, SubscriptionState]]]:
        """By subscription: from the day it ended on until the day one of its account began on, what it had before."""
        begun: dict[str, list[date]] = defaultdict(list)
        ended: list[tuple[SubscriptionState, date]] = []
        for states in self.subscriptions.values():
            by_day = list({state.day: state for state in states}.values())  # what happened within a day: by its end
            if by_day[0].mrr:
                begun[by_day[0].account_id].append(by_day[0].day)
            for before, after in pairwise(by_day):
                if after.mrr and not before.mrr:
                    begun[after.account_id].append(after.day)
                elif before.mrr and not after.mrr:
                    ended.append((before, after.day))
        renewals: dict[str, list[tuple[date, date, SubscriptionState]]] = defaultdict(list)
        for state, day in ended:
            renewed = [other for other in begun[state.account_id] if day < other <= day + self._gap]
            if renewed:
                renewals[state.subscription_id].append((day, min(renewed), state))
        return renewals

    def _at(self, day: date) -> dict[str, SubscriptionState]:
        """The subscriptions with MRR at the end of a day, renewals bridged."""
        at: dict[str, SubscriptionState] = {}
        for subscription_id, states in self.subscriptions.items():
            position = bisect_right(states, day, key=lambda state: state.day)
            if position and states[position - 1].mrr:
                at[subscription_id] = states[position - 1]
            for ended, renewed, state in self._renewals.get(subscription_id, ()):
                if ended <= day < renewed:
                    at[subscription_id] = state
        return at

    def of_accounts(self, day: date) -> dict[str, Decimal]:
        mrr: dict[str, Decimal] = defaultdict(Decimal)
        for state in self.at(day).values():
            mrr[state.account_id] += state.mrr
        return mrr

    def movements(self, opening_day: date, closing_day: date, *, by_plan: bool) -> list[Movement]:
        """Of every account (or account and plan) with MRR at either end; opening + movements = closing."""
        opening, closing = self.at(opening_day), self.at(closing_day)
        first_days = self.first_days[by_plan]

        def key(state: SubscriptionState) -> tuple[str, str]:
            return state.account_id, state.plan if by_plan else ""

        before: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        after: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        by_rate: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for state in opening.values():
            before[key(state)] += state.mrr
        for subscription_id, state in closing.items():
            after[key(state)] += state.mrr
            old = opening.get(subscription_id)
            if old is not None and key(old) == key(state) and old.currency == state.currency:
                unchanged = old.native == state.native  # then all of it is the rate's, to the last rounding
                by_rate[key(state)] += state.mrr - old.mrr if unchanged else money(old.native, state.rate - old.rate)
        movements = []
        for pair in before.keys() | after.keys():
            was, now = before[pair], after[pair]
            change: dict[str, Decimal] = {}
            if was == 0:
                known = pair in first_days and first_days[pair] <= opening_day
                change["reactivation" if known else "new"] = now
            elif now == 0:
                change["churned"] = -was
            else:
                change["fx"] = by_rate[pair]
                rest = now - was - by_rate[pair]
                change["expansion" if rest > 0 else "contraction"] = rest
            movements.append(Movement(pair[0], pair[1], was, now, **change))
        return movements
