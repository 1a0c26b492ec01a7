"""One unit of the sample company: a ten-rep business over three years, as lines of CSV.

Moments are minutes and money is whole cents, see ``clock`` and ``catalog``. Every line goes to the export
that carries its last change; an earlier state of the same row stays in the export that had seen it.
Only ``Random.random`` and + - * / are used, which give the same on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

from orchestration.sample import catalog
from orchestration.sample.catalog import LOST, STAGES, WON, Product
from orchestration.sample.clock import MINUTES_A_DAY, Clock
from orchestration.sample.tables import Schedule

Lines = list[list[str]]  # of one table: the lines of each of its files
Item = tuple[str, int, int, int]  # product id, quantity, unit price and discount in cents
T = TypeVar("T")

LEADS_A_DAY = 2.65
GUESTS_A_DAY = 0.62
INQUIRIES_A_DAY = 2.3
OPENING_ACCOUNTS = 130
OPENING_DEALS = 45
QUOTA_CENTS = 860_000  # a rep and month at the start
QUOTA_GROWTH = 0.07  # a year


def money(cents: int) -> str:
    """Cents as a plain decimal number."""
    return f"{cents / 100:.2f}"


class Account:
    """A company in the CRM."""

    __slots__ = ("account_id", "created", "currency", "customer_since", "region", "rep", "segment")

    def __init__(self, account_id: str, segment: str, region: str, rep: int, created: int) -> None:
        self.account_id = account_id
        self.segment = segment
        self.region = region
        self.currency = "EUR" if region == "EMEA" else "USD"
        self.rep = rep
        self.created = created
        self.customer_since: int | None = None


class Subscription:
    """A plan that an account pays for every ``count`` intervals."""

    __slots__ = ("account", "count", "interval", "next_bill", "plan", "quantity", "subscription_id")

    def __init__(
        self, subscription_id: str, account: Account, plan: str, interval: str, count: int, quantity: int
    ) -> None:
        self.subscription_id = subscription_id
        self.account = account
        self.plan = plan
        self.interval = interval
        self.count = count
        self.quantity = quantity
        self.next_bill = 0

    def unit_amount(self) -> int:
        """The price of one seat per bill, in cents."""
        percent = catalog.INTERVALS[self.interval][1]
        return catalog.PLAN_PRODUCTS[self.plan].price * percent // 100 * self.count


class Unit:
    """Simulates unit ``number`` (from 1). ``rows`` holds the lines of every table but the company's own."""

    def __init__(self, number: int, seed: int, clock: Clock, schedules: dict[str, Schedule]) -> None:
        self.number = number
        self.clock = clock
        self.u = random.Random(f"sample/{seed}/unit/{number}").random
        self.rows: dict[str, Lines] = {table: [[] for _ in plan.exports] for table, plan in schedules.items()}
        self.file_of = {table: plan.file_of for table, plan in schedules.items()}
        self.rep_cuts = schedules["crm.sales_reps"].cuts
        self.refunded: set[str] = set()
        self.customers: list[tuple[int, Account]] = []
        self.counts: dict[str, int] = {}
        self._activities = 0
        self._activity_files = self.rows["crm.activities"]
        self._activity_file_of = self.file_of["crm.activities"]
        self._items = 0

    def run(self) -> Unit:
        """Live through the three years."""
        self._hire()
        self._open_books()
        for day in range(self.clock.first, self.clock.last + 1):
            self._day(day)
        self._help_desk()
        self._desk_work()
        self._advertise()
        self._socialise()
        self._quotas()
        return self

    # -- small tools ------------------------------------------------------------------------------------

    def _pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.u() * len(choices))]

    def _id(self, letter: str) -> str:
        """The next id of its kind: the letter, the unit, a running number."""
        count = self.counts.get(letter, 0) + 1
        self.counts[letter] = count
        return f"{letter}{self.number}-{count:05d}"

    def _office(self, day: int) -> int:
        """A moment in office hours of that day, or of the Monday after its weekend."""
        return self.clock.workday[day] * MINUTES_A_DAY + 480 + int(self.u() * 600)

    def _put(self, table: str, moment: int, line: str) -> None:
        """Append a line to the export that covers the moment."""
        self.rows[table][self.file_of[table][moment // MINUTES_A_DAY]].append(line)

    def _versions(self, table: str, states: Sequence[tuple[int, T]]) -> Iterable[tuple[int, T]]:
        """Of states in order of time, those that an export saw: the last before each of its cuts."""
        file_of = self.file_of[table]
        last = len(states) - 1
        for n, (moment, state) in enumerate(states):
            file = file_of[moment // MINUTES_A_DAY]
            if n == last or file != file_of[states[n + 1][0] // MINUTES_A_DAY]:
                yield file, state

    # -- people -----------------------------------------------------------------------------------------

    def _hire(self) -> None:
        """The reps, exported whole every year; and who is there on which day."""
        clock = self.clock
        span = clock.last - clock.first
        self.rep_ids = [f"R{self.number}-{n:02d}" for n in range(1, len(catalog.SLOTS) + 1)]
        self.hired: list[int] = []
        self.left: list[int] = []
        people = []
        for slot in catalog.SLOTS:
            jitter = int(self.u() * 21)
            self.hired.append(clock.first + int(slot.hired * span) + jitter)
            self.left.append(len(clock.days) if slot.left is None else clock.first + int(slot.left * span) + jitter)
            people.append((self._pick(catalog.FIRST_NAMES), self._pick(catalog.LAST_NAMES)))
        everyone = range(len(catalog.SLOTS))
        self.staff = [
            [rep for rep in everyone if self.hired[rep] <= day < self.left[rep]] for day in range(clock.last + 1)
        ]
        for file, cut in enumerate(self.rep_cuts):
            for rep in everyone:
                if self.hired[rep] <= cut:
                    self._rep_line(file, cut, rep, people[rep])

    def _rep_line(self, file: int, cut: int, rep: int, person: tuple[tuple[str, str], tuple[str, str]]) -> None:
        """A rep as known at the end of day ``cut``."""
        (first, first_plain), (last, last_plain) = person
        gone = self.left[rep] <= cut
        changed = self.left[rep] if gone else max(self.hired[rep], self.clock.first)
        slot = catalog.SLOTS[rep]
        days = self.clock.days
        self.rows["crm.sales_reps"][file].append(
            f"{self.rep_ids[rep]},{first} {last},{first_plain}.{last_plain}.{self.number}@example.com,"
            f"{slot.team},{slot.region},{days[self.hired[rep]]},{days[self.left[rep]] if gone else ''},"
            f"{days[changed]}T06:00:00"
        )

    def _rep_on(self, rep: int, day: int) -> int:
        """The rep, or who took over once the rep had left."""
        return rep if day < self.left[rep] else rep % catalog.STEADY

    def _account(self, moment: int, rep: int) -> Account:
        """A new account; some change their region or segment a while later."""
        u = self.u
        region = catalog.SLOTS[rep].region if u() < 0.8 else self._pick(catalog.REGIONS)
        account = Account(self._id("A"), self._pick(catalog.SEGMENT_MIX), region, rep, moment)
        if u() < 0.03:
            name = self._pick(catalog.ODD_NAMES)
        else:
            front, middle = self._pick(catalog.NAME_FRONT), self._pick(catalog.NAME_MIDDLE)
            name = f"{front} {middle}{self._pick(catalog.NAME_BACK)}"
        industry = self._pick(catalog.INDUSTRIES) if u() < 0.9 else ""
        created = self.clock.text(moment)
        states = [(moment, (name, account.segment if u() < 0.8 else "", created))]
        if u() < 0.3:
            later = moment + MINUTES_A_DAY * (20 + int(u() * 400))
            if later < self.clock.end:
                states.append((later, (name, account.segment, self.clock.text(later))))
        files = self.rows["crm.accounts"]
        for file, (text, segment, updated) in self._versions("crm.accounts", states):
            files[file].append(f"{account.account_id},{text},{segment},{industry},{region},{created},{updated}")
        return account

    # -- the funnel -------------------------------------------------------------------------------------

    def _open_books(self) -> None:
        """The customers that were there before the new systems: carried over on the first days."""
        for _ in range(OPENING_ACCOUNTS):
            moment = self.clock.begin + int(self.u() * 4 * MINUTES_A_DAY)
            rep = self._pick(self.staff[self.clock.first])
            account = self._account(moment, rep)
            self._becomes_customer(account, moment, from_deal=False, soonest=5)
            if self.u() < 0.6:
                self._subscribe(account, moment, opening=True)
        for _ in range(OPENING_DEALS):
            moment = self.clock.begin + int(self.u() * 4 * MINUTES_A_DAY)
            account = self._account(moment, self._pick(self.staff[self.clock.first]))
            self._deal(account, "", "new_business", moment, first_stage=int(self.u() * 4))

    def _day(self, day: int) -> None:
        """A day's new leads and walk-in orders."""
        u = self.u
        weekend = self.clock.weekday[day] > 4
        level = self.clock.trend[day]
        for _ in range(int(LEADS_A_DAY * level * (0.45 if weekend else 1.22) * (0.5 + u()) + u())):
            self._lead(day * MINUTES_A_DAY + int(u() * MINUTES_A_DAY))
        for _ in range(int(GUESTS_A_DAY * level * 2 * u() + u())):
            self._order(None, day * MINUTES_A_DAY + int(u() * MINUTES_A_DAY), self._shelf(), currency="USD")

    def _lead(self, moment: int) -> None:
        """A lead: touched or not, qualified or not, with a deal, an order or nothing to follow."""
        u = self.u
        clock = self.clock
        day = moment // MINUTES_A_DAY
        source = self._pick(catalog.SOURCE_MIX)
        rep = self._pick(self.staff[day])
        lead_id = self._id("L")
        qualified = moment + 300 + int(u() * 8 * MINUTES_A_DAY)
        is_qualified = u() < catalog.QUALIFIED_SHARE[source] and qualified < clock.end
        account: Account | None = None
        if self.customers and u() < 0.04:
            account = self._pick(self.customers)[1]
            account = account if account.created <= moment else None
        if account is None and is_qualified:
            account = self._account(qualified, rep)
        elif account is None and u() < 0.2:
            account = self._account(moment, rep)
        self._lead_lines(lead_id, moment, source, rep, account, qualified if is_qualified else None)
        account_id = account.account_id if account else ""
        self._lead_touches(lead_id, account_id, moment, rep, 3 if is_qualified else 2)
        if account is None:
            return
        start = qualified if is_qualified else moment
        if is_qualified and u() < 0.82:
            self._deal(account, lead_id, "new_business", start + int(u() * 3 * MINUTES_A_DAY))
        elif u() < 0.24:
            self._self_service(account, start + 60 + int(u() * 6 * MINUTES_A_DAY))

    def _lead_lines(
        self, lead_id: str, moment: int, source: str, rep: int, account: Account | None, qualified: int | None
    ) -> None:
        """The lead as created, and as qualified where the exports saw both."""
        u = self.u
        kind = referrer = ""
        if source == "referral" and u() < 0.85:
            kind = "customer" if u() < 0.65 else "partner"
            referrer = f"PARTNER-{1 + int(u() * 6)}"
            if kind == "customer" and self.customers:
                referrer = self._pick(self.customers)[1].account_id
        owner = self.rep_ids[rep] if u() < 0.96 else ""
        shown = source if u() < 0.97 else ""
        created = self.clock.text_z(moment)
        head = f"{lead_id},{created},{shown},{owner}"
        tail = f"{kind},{referrer}"
        known = account is not None and (qualified is None or account.created <= moment)
        account_id = account.account_id if account else ""
        line = f"{head},{account_id if known else ''},,{tail},{created}"
        states = [(moment, line)]
        if qualified is not None:
            at = self.clock.text_z(qualified)
            states.append((qualified, f"{head},{account_id},{at},{tail},{at}"))
        files = self.rows["crm.leads"]
        for file, text in self._versions("crm.leads", states):
            files[file].append(text)

    def _lead_touches(self, lead_id: str, account_id: str, moment: int, rep: int, most: int) -> None:
        """The first answer to a lead, in minutes or in a day or two, and what follows it."""
        u = self.u
        luck = u()
        if luck < 0.07:
            return
        delay = 1 + int(u() * 5) if luck < 0.2 else 6 + int(u() * u() * 2600)
        at = moment + delay
        for _ in range(1 + int(u() * most)):
            rep_now = self._rep_on(rep, at // MINUTES_A_DAY)
            self._activity(at, self._pick(catalog.LEAD_ACTIVITIES), rep_now, lead_id, "", account_id)
            at = self._office(at // MINUTES_A_DAY + 1 + int(u() * 5))

    def _self_service(self, account: Account, moment: int) -> None:
        """An account that buys or subscribes without a deal."""
        if moment >= self.clock.end:
            return
        if self.u() < 0.45:
            self._subscribe(account, moment)
            self._becomes_customer(account, moment, from_deal=False, repeats=self.u() < 0.3)
        else:
            self._order(account, moment, self._shelf(), rep=account.rep if self.u() < 0.5 else None)
            self._becomes_customer(account, moment, from_deal=False)

    def _becomes_customer(
        self, account: Account, moment: int, *, from_deal: bool, repeats: bool = True, soonest: int = 60
    ) -> None:
        """The first purchase of an account sets off what customers do: reorder, subscribe, grow.

        Further deals begin ``soonest`` days later at the earliest.
        """
        if account.customer_since is not None:
            return
        u = self.u
        account.customer_since = moment
        self.customers.append((moment, account))
        if repeats and u() < 0.55:
            self._repeat_orders(account, moment)
        if from_deal and u() < 0.36:
            self._subscribe(account, moment + int(u() * 10 * MINUTES_A_DAY))
        at = moment
        for _ in range(int(u() * 2.6)):
            at += MINUTES_A_DAY * (soonest + int(u() * 360))
            if at < self.clock.end:
                self._deal(account, "", self._pick(catalog.FOLLOW_UP_MIX), at, first_stage=int(u() * 2))

    def _repeat_orders(self, account: Account, moment: int) -> None:
        """Orders from the shelf every few months until the account loses interest or the books close."""
        u = self.u
        gap = 40 + int(u() * 110)
        while u() > 0.09:
            moment += MINUTES_A_DAY * (gap // 2 + int(u() * gap)) + int(u() * MINUTES_A_DAY)
            if moment >= self.clock.end:
                return
            rep = self._rep_on(account.rep, moment // MINUTES_A_DAY) if u() < 0.7 else None
            self._order(account, moment, self._shelf(), rep=rep)

    # -- deals ------------------------------------------------------------------------------------------

    def _history(self, moment: int, kind: str, stage: int) -> list[tuple[int, int]]:
        """The (moment, stage) of a deal from its creation in ``stage`` to the close of the books."""
        u = self.u
        losses = catalog.LOSSES[kind]
        history = [(moment, stage)]
        while True:
            luck = u()
            if stage == WON:
                return history
            if stage == LOST:
                if luck > 0.05:
                    return history
                wait, following = 15 + int(u() * 50), 1 + (luck < 0.02)  # somebody calls again: reopened
            else:
                wait = 1 + int(u() * catalog.STAGE_DAYS[stage])
                if luck < losses[stage]:
                    following = LOST
                elif stage and luck < losses[stage] + 0.05:
                    following = stage - 1
                else:
                    following = stage + (2 if stage < 2 and luck > 0.95 else 1)
            moment = max(moment + 30, self._office(moment // MINUTES_A_DAY + wait))
            if moment >= self.clock.end:
                return history
            stage = following
            history.append((moment, stage))

    def _deal(self, account: Account, lead_id: str, kind: str, moment: int, *, first_stage: int = 0) -> None:
        """A deal with its stages, its activities, and its order if it is won."""
        if moment >= self.clock.end:
            return
        u = self.u
        deal_id = self._id("D")
        items = self._basket(account.segment)
        history = self._history(moment, kind, first_stage)
        self._deal_lines(deal_id, account, lead_id, kind, items, history)
        if u() < 0.98:
            for at, stage in history:
                self._put("crm.deal_stage_changes", at, f"{deal_id},{STAGES[stage]},{self.clock.text(at)}")
        for n, (at, stage) in enumerate(history):
            if stage < WON:
                until = history[n + 1][0] if n + 1 < len(history) else self.clock.end
                self._stage_activities(deal_id, account, lead_id if n == 0 else "", stage, at, until)
        closed, stage = history[-1]
        if stage < WON and u() < 0.2:
            self._plan_meeting(deal_id, account)
        if stage == WON:
            ordered = closed + int(u() * 4 * MINUTES_A_DAY)
            rep = self._rep_on(account.rep, closed // MINUTES_A_DAY) if u() < 0.6 else None
            if u() < 0.96:
                self._order(account, ordered, items, deal_id=deal_id, rep=rep)
            if ordered < self.clock.end:
                self._becomes_customer(account, ordered, from_deal=True)

    def _deal_lines(
        self,
        deal_id: str,
        account: Account,
        lead_id: str,
        kind: str,
        items: list[Item],
        history: list[tuple[int, int]],
    ) -> None:
        """The deal as each export saw it."""
        u = self.u
        clock = self.clock
        moment = history[0][0]
        created = clock.text(moment)
        amount = money(sum(quantity * price - discount for _, quantity, price, discount in items))
        owner = self.rep_ids[self._rep_on(account.rep, history[-1][0] // MINUTES_A_DAY)]
        head = (
            f"{deal_id},{account.segment} {items[0][0]} x{items[0][1]},"
            f"{account.account_id if u() < 0.985 else ''},{lead_id},{owner},{kind}"
        )
        due = moment // MINUTES_A_DAY + 25 + int(u() * 70)
        reason = self._pick(catalog.LOST_REASONS) if u() < 0.9 else ""
        vague = u() < 0.1
        states = [(at, (at, stage, due)) for at, stage in history]
        at, stage = history[-1]
        if stage < WON and due <= clock.last:  # overdue and open: put off some day since
            later = at + int(u() * (clock.end - at))
            states.append((later, (later, stage, clock.last + 4 + int(u() * 80))))
        files = self.rows["crm.deals"]
        for file, (changed, stage, expected) in self._versions("crm.deals", states):
            text = clock.text(changed)
            closed = text if stage >= WON else ""
            probability = "" if vague and stage < WON else catalog.STAGE_PROBABILITY[stage]
            files[file].append(
                f"{head},{STAGES[stage]},{amount},{account.currency},{probability},{created},"
                f"{clock.days[expected]},{closed},{reason if stage == LOST else ''},{text}"
            )

    def _stage_activities(
        self, deal_id: str, account: Account, lead_id: str, stage: int, since: int, until: int
    ) -> None:
        """What the owner does while the deal is in a stage, between two moments."""
        u = self.u
        span = min(until - since, 25 * MINUTES_A_DAY)
        for _ in range(1 + int(u() * 2.4)):
            at = since + int(u() * span)
            rep = self._rep_on(account.rep, at // MINUTES_A_DAY)
            kind = self._pick(catalog.STAGE_ACTIVITIES[stage])
            self._activity(at, kind, rep, lead_id, deal_id, account.account_id)

    def _plan_meeting(self, deal_id: str, account: Account) -> None:
        """A meeting on the calendar for some day after the books close."""
        u = self.u
        clock = self.clock
        at = self._office(clock.last + 1 + int(u() * 20))
        booked = max(clock.end - 1 - int(u() * 9 * MINUTES_A_DAY), account.created)
        text = clock.text_z(booked)
        rep = self.rep_ids[self._rep_on(account.rep, clock.last)]
        self._activities += 1
        self._activity_files[self._activity_file_of[booked // MINUTES_A_DAY]].append(
            f"T{self.number}-{self._activities:06d},meeting,{rep},,{deal_id},{account.account_id},"
            f"{clock.text_z(at)},{text},45,outbound,scheduled,{text}"
        )

    def _activity(self, at: int, kind: str, rep: int, lead_id: str, deal_id: str, account_id: str) -> None:
        """An activity that takes place at ``at``; meetings and the like were booked some days before."""
        clock = self.clock
        if at >= clock.end:
            return
        u = self.u
        self._activities += 1
        least, more = catalog.DURATIONS[kind]
        duration: int | str = least + int(u() * more)
        activity_id = f"T{self.number}-{self._activities:06d}"
        head = f"{activity_id},{kind},{self.rep_ids[rep]},{lead_id},{deal_id},{account_id}"
        day = at // MINUTES_A_DAY
        when = clock.days[day] + clock.times_z[at % MINUTES_A_DAY]
        luck = u()
        if kind in catalog.BOOKED:
            booked = max(at - 60 - int(u() * 12 * MINUTES_A_DAY), clock.begin)
            file = self._activity_file_of[booked // MINUTES_A_DAY]
            placed = clock.text_z(booked)
            if file != self._activity_file_of[day]:
                self._activity_files[file].append(f"{head},{when},{placed},{duration},outbound,scheduled,{placed}")
            status = "completed" if luck < 0.86 else "canceled" if luck < 0.94 else "no_show"
            self._activity_files[self._activity_file_of[day]].append(
                f"{head},{when},{placed},{duration},outbound,{status},{when}"
            )
            return
        direction = "outbound" if luck < 0.8 else "inbound" if luck < 0.93 else ""
        if kind in ("email", "proposal", "admin") and luck > 0.7:
            duration = ""
        self._activity_files[self._activity_file_of[day]].append(
            f"{head},{when},,{duration},{direction},completed,{when}"
        )

    def _desk_work(self) -> None:
        """Administration every week, networking once in a while, for everybody who is there."""
        u = self.u
        clock = self.clock
        for day in range(clock.first, clock.last + 1):
            if clock.weekday[day] > 4:
                continue
            for rep in self.staff[day]:
                luck = u()
                if luck < 0.22:
                    self._activity(self._office(day), "admin", rep, "", "", "")
                elif luck < 0.26:
                    self._activity(self._office(day), "networking_event", rep, "", "", "")
                elif luck < 0.28:
                    self._activity(self._office(day), "other", rep, "", "", "")

    # -- money ------------------------------------------------------------------------------------------

    def _basket(self, segment: str) -> list[Item]:
        """What a deal is about: one to three big tickets."""
        u = self.u
        most = catalog.BASKET_SIZE[segment]
        items: list[Item] = []
        for product in (self._pick(catalog.BIG_TICKETS), *self._more(catalog.SHELF, 2.4)):
            quantity = 1 + int(u() * most)
            discount = quantity * product.price // 100 * int(u() * 12) if u() < 0.4 else 0
            items.append((product.product_id, quantity, product.price, discount))
        return items

    def _more(self, products: tuple[Product, ...], most: float) -> list[Product]:
        return [self._pick(products) for _ in range(int(self.u() * most))]

    def _shelf(self) -> list[Item]:
        """An everyday order: one to three things from the shelf."""
        u = self.u
        items: list[Item] = []
        for product in (self._pick(catalog.SHELF), *self._more(catalog.SHELF, 2.2)):
            quantity = 1 + int(u() * u() * 5)
            discount = product.price // 10 if u() < 0.12 else 0
            items.append((product.product_id, quantity, product.price, discount))
        return items

    def _order(
        self,
        account: Account | None,
        moment: int,
        items: list[Item],
        *,
        deal_id: str = "",
        rep: int | None = None,
        subscription_id: str = "",
        currency: str = "",
    ) -> None:
        """An order with its items; paid a little later, canceled at times, refunded at times."""
        clock = self.clock
        if moment >= clock.end:
            return
        u = self.u
        order_id = self._id("O")
        currency = currency or (account.currency if account else "USD")
        net = self._item_lines(order_id, moment, items, currency)
        states = [(moment, "pending")]
        settled = moment + 1 + int(u() * 2 * MINUTES_A_DAY)
        luck = u()
        if settled < clock.end and luck > 0.002:
            states.append((settled, "canceled" if luck < 0.02 else "paid"))
            if luck > 0.96 and account is not None and net > 100:
                states.extend(self._refund(order_id, settled, net, full=luck > 0.98))
        head = (
            f"{order_id},{account.account_id if account else ''},{deal_id},"
            f"{'' if rep is None else self.rep_ids[rep]},{subscription_id},{clock.text(moment)}"
        )
        files = self.rows["billing.orders"]
        for file, (at, status) in self._versions("billing.orders", [(at, (at, status)) for at, status in states]):
            files[file].append(f"{head},{status},{currency},{clock.text(at)}")

    def _item_lines(self, order_id: str, moment: int, items: list[Item], currency: str) -> int:
        """Write the items; their net amount in cents."""
        rows = self.rows["billing.order_items"][self.file_of["billing.order_items"][moment // MINUTES_A_DAY]]
        total = 0
        percent = 19 if currency == "EUR" else 8
        for product_id, quantity, price, discount in items:
            net = quantity * price - discount
            total += net
            self._items += 1
            rows.append(
                f"I{self.number}-{self._items:06d},{order_id},{product_id},{quantity},{price / 100:.2f},"
                f"{discount / 100 if discount else ''},{net * percent // 100 / 100:.2f}"
            )
        return total

    def _refund(self, order_id: str, settled: int, net: int, *, full: bool) -> list[tuple[int, str]]:
        """Money back weeks later: all of it, which changes the order's status, or a part of it."""
        u = self.u
        at = settled + MINUTES_A_DAY * (4 + int(u() * 70))
        if at >= self.clock.end:
            return []
        cents = net if full else net * (10 + int(u() * 50)) // 100
        self.refunded.add(order_id)
        self._put("billing.refunds", at, f"{self._id('F')},{order_id},{money(cents)},{self.clock.text(at)}")
        return [(at, "refunded")] if full else []

    def _subscribe(self, account: Account, moment: int, *, opening: bool = False) -> None:
        """A subscription, with a trial or without; a tenth of the accounts take a second plan later."""
        u = self.u
        plan = self._pick(catalog.PLAN_MIX)
        interval = self._pick(catalog.INTERVAL_MIX)
        count = 2 if interval == "month" and u() < 0.06 else 1
        first = Subscription(self._id("S"), account, plan, interval, count, 1 + int(u() * u() * 9))
        self._live(first, moment, trial=not opening and u() < 0.5)
        if u() < 0.1:
            second = Subscription(self._id("S"), account, "support", "month", 1, 1)
            self._live(second, moment + 30 * MINUTES_A_DAY, trial=False)

    def _live(self, subscription: Subscription, moment: int, *, trial: bool) -> None:
        """The life of a subscription, drawn month by month, to its end or the close of the books."""
        if trial:
            self._change(subscription, moment, "trialing")
            moment += 14 * MINUTES_A_DAY
            if self.u() < 0.25:
                self._change(subscription, moment, "canceled")
                return
        self._change(subscription, moment, "active")
        subscription.next_bill = moment
        while moment < self.clock.end:
            step = moment + 30 * MINUTES_A_DAY
            self._bill(subscription, min(step, self.clock.end))
            moment = self._month_end(subscription, step + int(self.u() * 900))

    def _month_end(self, subscription: Subscription, moment: int) -> int:
        """Perhaps a change at this moment; when the next month begins, the end of the books if never."""
        u = self.u
        luck = u()
        if luck < 0.019:
            self._change(subscription, moment, "canceled")
            if u() > 0.14:
                return self.clock.end
            moment += MINUTES_A_DAY * (45 + int(u() * 200))  # comes back
            subscription.next_bill = moment
        elif luck < 0.027:
            self._change(subscription, moment, "paused")
            moment += MINUTES_A_DAY * (20 + int(u() * 70))
            subscription.next_bill = max(subscription.next_bill, moment)
        elif luck < 0.033 and subscription.plan in catalog.UPGRADES:
            subscription.plan = catalog.UPGRADES[subscription.plan]
        elif luck < 0.047:
            subscription.quantity += 1 + int(u() * 2)
        elif luck < 0.055 and subscription.quantity > 1:
            subscription.quantity -= 1
        else:
            return moment
        self._change(subscription, moment, "active")
        return moment

    def _change(self, subscription: Subscription, moment: int, status: str) -> None:
        """Write what a subscription is from this moment on."""
        if moment >= self.clock.end:
            return
        account = subscription.account
        quantity = subscription.quantity if subscription.quantity > 1 else ""  # 1 is the default of both
        count = subscription.count if subscription.count > 1 else ""
        self._put(
            "billing.subscription_changes",
            moment,
            f"{self._id('C')},{subscription.subscription_id},{account.account_id},"
            f"{self.clock.text(moment)}+00:00,{status},{subscription.plan},{quantity},"
            f"{money(subscription.unit_amount())},{account.currency},{subscription.interval},{count}",
        )

    def _bill(self, subscription: Subscription, until: int) -> None:
        """The orders of an active subscription before ``until``."""
        every = catalog.INTERVALS[subscription.interval][0] * subscription.count * MINUTES_A_DAY
        product_id = catalog.PLAN_PRODUCTS[subscription.plan].product_id
        items = [(product_id, subscription.quantity, subscription.unit_amount(), 0)]
        while subscription.next_bill < until:
            self._order(
                subscription.account,
                subscription.next_bill,
                items,
                subscription_id=subscription.subscription_id,
            )
            subscription.next_bill += every

    # -- after the sale, and around it ------------------------------------------------------------------

    def _help_desk(self) -> None:
        """Inquiries, mostly by customers, with their answers and the score some give."""
        u = self.u
        clock = self.clock
        arrivals = sorted(self.customers, key=lambda arrival: arrival[0])
        known = 0
        for day in range(clock.first, clock.last + 1):
            while known < len(arrivals) and arrivals[known][0] < day * MINUTES_A_DAY:
                known += 1
            for _ in range(int(INQUIRIES_A_DAY * clock.trend[day] * (0.5 + u()) + u())):
                received = day * MINUTES_A_DAY + 360 + int(u() * 1000)
                account_id = ""
                if known and u() < 0.85:
                    account_id = arrivals[int(u() * known)][1].account_id
                rep_id = self.rep_ids[self._pick(self.staff[day])] if u() < 0.75 else ""
                self._inquiry(received, account_id, rep_id)

    def _inquiry(self, received: int, account_id: str, rep_id: str) -> None:
        """One inquiry, and what became of it by the end of the books."""
        u = self.u
        clock = self.clock
        channel = self._pick(catalog.INQUIRY_CHANNELS)
        least, more = catalog.RESPONSE_MINUTES[channel]
        responded = received + least + int(u() * u() * more)
        resolved = responded + 4 + int(u() * u() * 4 * MINUTES_A_DAY)
        inquiry_id = self._id("Q")
        at = clock.text(received)
        states = [(received, f",,{at}")]
        if u() > 0.05 and responded < clock.end:
            answered = clock.text(responded)
            states.append((responded, f"{answered},,{answered}"))
            if u() > 0.06 and resolved < clock.end:
                solved = clock.text(resolved)
                states.append((resolved, f"{answered},{solved},{solved}"))
                if u() < 0.42:
                    shown = inquiry_id if u() < 0.93 else ""
                    self._score(shown, account_id, rep_id, resolved + 20 + int(u() * 2 * MINUTES_A_DAY))
        files = self.rows["support.inquiries"]
        for file, tail in self._versions("support.inquiries", states):
            files[file].append(f"{inquiry_id},{channel},{account_id},{rep_id},{at},{tail}")

    def _score(self, inquiry_id: str, account_id: str, rep_id: str, moment: int) -> None:
        """A satisfaction score from 1 to 5."""
        if moment < self.clock.end:
            score = self._pick(catalog.SCORES)
            line = f"{self._id('V')},{inquiry_id},{account_id},{rep_id},{score},{self.clock.text(moment)}"
            self._put("support.csat_responses", moment, line)

    def _advertise(self) -> None:
        """Daily spend of the unit's campaign on each paid channel; the last week is restated a file later."""
        u = self.u
        clock = self.clock
        files = self.rows["marketing.ad_spend"]
        file_of = self.file_of["marketing.ad_spend"]
        for channel, cents in catalog.PAID_CHANNELS.items():
            currency = "EUR" if channel == "linkedin_ads" else "USD"
            for day in range(clock.first, clock.last + 1):
                spent = int(cents * clock.trend[day] * (0.7 + 0.6 * u()))
                clicks = spent // (90 + int(u() * 60))
                shown = clicks * (30 + int(u() * 30))
                head = f"{clock.days[day]},{channel},always-on-{self.number}"
                file = file_of[day]
                files[file].append(f"{head},{money(spent)},{currency},{shown},{clicks}")
                if file < len(files) - 1 and file_of[day + 7] != file:
                    files[file + 1].append(f"{head},{money(spent - spent // 50)},{currency},{shown},{clicks}")

    def _socialise(self) -> None:
        """Posts of the reps: one or two a week each, seldom on more than one platform."""
        u = self.u
        clock = self.clock
        for day in range(clock.first, clock.last + 1):
            for rep in self.staff[day]:
                if u() < 0.14:
                    shown = 80 + int(u() * 900)
                    likes = shown * (1 + int(u() * 6)) // 100
                    self._put(
                        "marketing.social_engagements",
                        day * MINUTES_A_DAY,
                        f"{clock.days[day]},{self._pick(catalog.PLATFORMS)},{self.rep_ids[rep]},{likes},"
                        f"{int(u() * 9)},{int(u() * 4)},{int(u() * 3)},{shown}",
                    )

    def _quotas(self) -> None:
        """A quota a month for every rep who was there on its first day; newcomers get half for a quarter."""
        clock = self.clock
        for first in clock.months():
            level = clock.planned(first, QUOTA_GROWTH) * (1 + clock.season(first)) / 2
            for rep in range(len(catalog.SLOTS)):
                if self.hired[rep] <= first < self.left[rep]:
                    ramp = 0.5 if first - self.hired[rep] < 90 else 1.0
                    cents = int(QUOTA_CENTS * level * ramp / 10000) * 10000
                    self._put(
                        "planning.sales_quotas",
                        max(first, clock.first) * MINUTES_A_DAY,
                        f"{clock.days[first]},{self.rep_ids[rep]},{money(cents)},USD",
                    )
