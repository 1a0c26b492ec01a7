"""The help desk of a unit: inquiries, answers, and the scores that some give."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.accounts import Account
from orchestration.sample.books import Books
from orchestration.sample.clock import MINUTES_A_DAY
from orchestration.sample.staff import Staff

INQUIRIES_A_DAY = 2.3


class HelpDesk:
    """Writes inquiries, mostly by customers."""

    def __init__(self, books: Books, staff: Staff) -> None:
        self.books = books
        self.staff = staff

    def run(self, customers: list[tuple[int, Account]]) -> None:
        """Day by day; ``customers`` are the accounts with the moment of their first purchase."""
        books = self.books
        u = books.u
        clock = books.clock
        arrivals = sorted(customers, key=lambda arrival: arrival[0])
        known = 0
        for day in range(clock.first, clock.last + 1):
            while known < len(arrivals) and arrivals[known][0] < day * MINUTES_A_DAY:
                known += 1
            for _ in range(int(INQUIRIES_A_DAY * clock.trend[day] * (0.5 + u()) + u())):
                received = day * MINUTES_A_DAY + 360 + int(u() * 1000)
                account_id = ""
                if known and u() < 0.85:
                    account_id = arrivals[int(u() * known)][1].account_id
                rep_id = self.staff.rep_ids[books.pick(self.staff.there[day])] if u() < 0.75 else ""
                self._inquiry(received, account_id, rep_id)

    def _inquiry(self, received: int, account_id: str, rep_id: str) -> None:
        """One inquiry, and what became of it by the end of the books."""
        books = self.books
        u = books.u
        clock = books.clock
        channel = books.pick(catalog.INQUIRY_CHANNELS)
        least, more = catalog.RESPONSE_MINUTES[channel]
        responded = received + least + int(u() * u() * more)
        resolved = responded + 4 + int(u() * u() * 4 * MINUTES_A_DAY)
        inquiry_id = books.new_id("Q")
        states = [(received, ("", ""))]
        if u() > 0.05 and responded < clock.end:
            answered = clock.text(responded)
            states.append((responded, (answered, "")))
            if u() > 0.06 and resolved < clock.end:
                states.append((resolved, (answered, clock.text(resolved))))
                if u() < 0.42:
                    shown = inquiry_id if u() < 0.93 else ""
                    self._score(shown, account_id, rep_id, resolved + 20 + int(u() * 2 * MINUTES_A_DAY))
        for file, changed, (first_responded_at, resolved_at) in books.inquiries.seen(states):
            books.inquiries.put(
                file,
                {
                    "inquiry_id": inquiry_id,
                    "channel": channel,
                    "account_id": account_id,
                    "rep_id": rep_id,
                    "received_at": clock.text(received),
                    "first_responded_at": first_responded_at,
                    "resolved_at": resolved_at,
                    "updated_at": clock.text(changed),
                },
            )

    def _score(self, inquiry_id: str, account_id: str, rep_id: str, moment: int) -> None:
        books = self.books
        if moment >= books.clock.end:
            return
        score = books.pick(catalog.SCORES)
        books.csat_responses.put_at(
            moment,
            {
                "response_id": books.new_id("V"),
                "inquiry_id": inquiry_id,
                "account_id": account_id,
                "rep_id": rep_id,
                "score": str(score),
                "responded_at": books.clock.text(moment),
            },
        )
