"""How a unit sells: leads become accounts and deals, deals become orders, and customers come back."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.accounts import Account, Accounts
from orchestration.sample.activities import Activities
from orchestration.sample.books import Books, money
from orchestration.sample.catalog import LOST, STAGES, WON
from orchestration.sample.clock import MINUTES_A_DAY
from orchestration.sample.orders import Item, Orders
from orchestration.sample.staff import Staff
from orchestration.sample.subscriptions import Subscriptions

LEADS_A_DAY = 2.65
GUESTS_A_DAY = 0.62
OPENING_ACCOUNTS = 130
OPENING_DEALS = 45

History = list[tuple[int, int]]  # of a deal: moment, and the stage it came into


class Sales:
    """Lives through a unit's days. A deal that is won sets off further deals, so both are here."""

    def __init__(
        self,
        books: Books,
        staff: Staff,
        accounts: Accounts,
        activities: Activities,
        orders: Orders,
        subscriptions: Subscriptions,
    ) -> None:
        self.books = books
        self.clock = books.clock
        self.u = books.u
        self.staff = staff
        self.accounts = accounts
        self.activities = activities
        self.orders = orders
        self.subscriptions = subscriptions

    def run(self) -> None:
        """The opening of the books, then day by day."""
        self._open_books()
        for day in range(self.clock.first, self.clock.last + 1):
            self._day(day)

    def _open_books(self) -> None:
        """The customers that were there before the new systems: carried over on the first days."""
        for _ in range(OPENING_ACCOUNTS):
            moment = self.clock.begin + int(self.u() * 4 * MINUTES_A_DAY)
            rep = self.books.pick(self.staff.there[self.clock.first])
            account = self.accounts.new(moment, rep)
            self._becomes_customer(account, moment, is_from_deal=False, soonest=5)
            if self.u() < 0.6:
                self.subscriptions.start(account, moment, is_opening=True)
        for _ in range(OPENING_DEALS):
            moment = self.clock.begin + int(self.u() * 4 * MINUTES_A_DAY)
            account = self.accounts.new(moment, self.books.pick(self.staff.there[self.clock.first]))
            self._deal(account, "", "new_business", moment, first_stage=int(self.u() * 4))

    def _day(self, day: int) -> None:
        """A day's new leads and walk-in orders."""
        u = self.u
        is_weekend = self.clock.weekday[day] > 4
        level = self.clock.trend[day]
        for _ in range(int(LEADS_A_DAY * level * (0.45 if is_weekend else 1.22) * (0.5 + u()) + u())):
            self._lead(day * MINUTES_A_DAY + int(u() * MINUTES_A_DAY))
        for _ in range(int(GUESTS_A_DAY * level * 2 * u() + u())):
            self.orders.write(None, day * MINUTES_A_DAY + int(u() * MINUTES_A_DAY), self.orders.shelf())

    # -- leads ------------------------------------------------------------------------------------------

    def _lead(self, moment: int) -> None:
        """A lead: touched or not, qualified or not, with a deal, an order or nothing to follow."""
        u = self.u
        source = self.books.pick(catalog.SOURCE_MIX)
        rep = self.books.pick(self.staff.there[moment // MINUTES_A_DAY])
        lead_id = self.books.new_id("L")
        qualified = moment + 300 + int(u() * 8 * MINUTES_A_DAY)
        is_qualified = u() < catalog.QUALIFIED_SHARE[source] and qualified < self.clock.end
        account: Account | None = None
        if self.accounts.customers and u() < 0.04:
            account = self.books.pick(self.accounts.customers)[1]
            account = account if account.created <= moment else None
        if account is None and is_qualified:
            account = self.accounts.new(qualified, rep)
        elif account is None and u() < 0.2:
            account = self.accounts.new(moment, rep)
        self._write_lead(lead_id, moment, source, rep, account, qualified if is_qualified else None)
        account_id = account.account_id if account else ""
        self.activities.touch_lead(lead_id, account_id, moment, rep, 3 if is_qualified else 2)
        if account is None:
            return
        start = qualified if is_qualified else moment
        if is_qualified and u() < 0.82:
            self._deal(account, lead_id, "new_business", start + int(u() * 3 * MINUTES_A_DAY))
        elif u() < 0.24:
            self._self_service(account, start + 60 + int(u() * 6 * MINUTES_A_DAY))

    def _write_lead(
        self, lead_id: str, moment: int, source: str, rep: int, account: Account | None, qualified: int | None
    ) -> None:
        """The lead as created, and as qualified where the exports saw both."""
        u = self.u
        kind = referrer = ""
        if source == "referral" and u() < 0.85:
            kind = "customer" if u() < 0.65 else "partner"
            referrer = f"PARTNER-{1 + int(u() * 6)}"
            if kind == "customer" and self.accounts.customers:
                referrer = self.books.pick(self.accounts.customers)[1].account_id
        owner = self.staff.rep_ids[rep] if u() < 0.96 else ""
        shown = source if u() < 0.97 else ""
        account_id = account.account_id if account else ""
        is_known = account is not None and (qualified is None or account.created <= moment)
        states = [(moment, (account_id if is_known else "", ""))]
        if qualified is not None:
            states.append((qualified, (account_id, self.clock.text_z(qualified))))
        for file, changed, (account_then, qualified_at) in self.books.leads.seen(states):
            self.books.leads.put(
                file,
                {
                    "lead_id": lead_id,
                    "created_at": self.clock.text_z(moment),
                    "lead_source": shown,
                    "owner_rep_id": owner,
                    "account_id": account_then,
                    "qualified_at": qualified_at,
                    "referrer_type": kind,
                    "referrer_id": referrer,
                    "updated_at": self.clock.text_z(changed),
                },
            )

    # -- customers --------------------------------------------------------------------------------------

    def _self_service(self, account: Account, moment: int) -> None:
        """An account that buys or subscribes without a deal."""
        if moment >= self.clock.end:
            return
        if self.u() < 0.45:
            self.subscriptions.start(account, moment)
            self._becomes_customer(account, moment, is_from_deal=False, repeats=self.u() < 0.3)
        else:
            items = self.orders.shelf()
            rep_id = self.staff.rep_ids[account.rep] if self.u() < 0.5 else ""
            self.orders.write(account, moment, items, rep_id=rep_id)
            self._becomes_customer(account, moment, is_from_deal=False)

    def _becomes_customer(
        self, account: Account, moment: int, *, is_from_deal: bool, repeats: bool = True, soonest: int = 60
    ) -> None:
        """The first purchase of an account sets off what customers do: reorder, subscribe, grow.

        Further deals begin ``soonest`` days later at the earliest.
        """
        if account.customer_since is not None:
            return
        u = self.u
        account.customer_since = moment
        self.accounts.customers.append((moment, account))
        if repeats and u() < 0.55:
            self._repeat_orders(account, moment)
        if is_from_deal and u() < 0.36:
            self.subscriptions.start(account, moment + int(u() * 10 * MINUTES_A_DAY))
        at = moment
        for _ in range(int(u() * 2.6)):
            at += MINUTES_A_DAY * (soonest + int(u() * 360))
            if at < self.clock.end:
                self._deal(account, "", self.books.pick(catalog.FOLLOW_UP_MIX), at, first_stage=int(u() * 2))

    def _repeat_orders(self, account: Account, moment: int) -> None:
        """Orders from the shelf every few months until the account loses interest or the books close."""
        u = self.u
        gap = 40 + int(u() * 110)
        while u() > 0.09:
            moment += MINUTES_A_DAY * (gap // 2 + int(u() * gap)) + int(u() * MINUTES_A_DAY)
            if moment >= self.clock.end:
                return
            rep_id = self.staff.rep_ids[self.staff.on(account.rep, moment // MINUTES_A_DAY)] if u() < 0.7 else ""
            self.orders.write(account, moment, self.orders.shelf(), rep_id=rep_id)

    # -- deals ------------------------------------------------------------------------------------------

    def _deal(self, account: Account, lead_id: str, kind: str, moment: int, *, first_stage: int = 0) -> None:
        """A deal with its stages, its activities, and its order if it is won."""
        if moment >= self.clock.end:
            return
        u = self.u
        deal_id = self.books.new_id("D")
        items = self.orders.basket(account.segment)
        history = self._history(moment, kind, first_stage)
        self._write_deal(deal_id, account, lead_id, kind, items, history)
        if u() < 0.98:
            self._write_stage_changes(deal_id, history)
        for n, (at, stage) in enumerate(history):
            if stage < WON:
                until = history[n + 1][0] if n + 1 < len(history) else self.clock.end
                self.activities.work_on_deal(deal_id, account, lead_id if n == 0 else "", stage, at, until)
        closed, stage = history[-1]
        if stage < WON and u() < 0.2:
            self.activities.plan_meeting(deal_id, account)
        if stage == WON:
            ordered = closed + int(u() * 4 * MINUTES_A_DAY)
            rep_id = self.staff.rep_ids[self.staff.on(account.rep, closed // MINUTES_A_DAY)] if u() < 0.6 else ""
            if u() < 0.96:
                self.orders.write(account, ordered, items, deal_id=deal_id, rep_id=rep_id)
            if ordered < self.clock.end:
                self._becomes_customer(account, ordered, is_from_deal=True)

    def _history(self, moment: int, kind: str, stage: int) -> History:
        """The stages of a deal from its creation in ``stage`` to the close of the books."""
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
            moment = max(moment + 30, self.books.office_hours(moment // MINUTES_A_DAY + wait))
            if moment >= self.clock.end:
                return history
            stage = following
            history.append((moment, stage))

    def _write_stage_changes(self, deal_id: str, history: History) -> None:
        for at, stage in history:
            self.books.deal_stage_changes.put_at(
                at, {"deal_id": deal_id, "stage": STAGES[stage], "changed_at": self.clock.text(at)}
            )

    def _write_deal(
        self, deal_id: str, account: Account, lead_id: str, kind: str, items: list[Item], history: History
    ) -> None:
        """The deal as each export saw it."""
        u = self.u
        clock = self.clock
        created = history[0][0]
        owner = self.staff.rep_ids[self.staff.on(account.rep, history[-1][0] // MINUTES_A_DAY)]
        account_id = account.account_id if u() < 0.985 else ""
        due = created // MINUTES_A_DAY + 25 + int(u() * 70)
        reason = self.books.pick(catalog.LOST_REASONS) if u() < 0.9 else ""
        is_vague = u() < 0.1
        states = [(at, (stage, due)) for at, stage in history]
        at, stage = history[-1]
        if stage < WON and due <= clock.last:  # overdue and open: put off some day since
            later = at + int(u() * (clock.end - at))
            states.append((later, (stage, clock.last + 4 + int(u() * 80))))
        for file, changed, (stage, expected) in self.books.deals.seen(states):
            self.books.deals.put(
                file,
                {
                    "deal_id": deal_id,
                    "deal_name": f"{account.segment} {items[0].product_id} x{items[0].quantity}",
                    "account_id": account_id,
                    "lead_id": lead_id,
                    "owner_rep_id": owner,
                    "deal_type": kind,
                    "stage": STAGES[stage],
                    "amount": money(sum(item.net() for item in items)),
                    "currency": account.currency,
                    "probability": "" if is_vague and stage < WON else catalog.STAGE_PROBABILITY[stage],
                    "created_at": clock.text(created),
                    "expected_close_on": clock.days[expected],
                    "closed_at": clock.text(changed) if stage >= WON else "",
                    "lost_reason": reason if stage == LOST else "",
                    "updated_at": clock.text(changed),
                },
            )
