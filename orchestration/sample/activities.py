"""What the reps of a unit do: calls, meetings, demos, and the desk work beside them."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.accounts import Account
from orchestration.sample.books import Books
from orchestration.sample.clock import MINUTES_A_DAY
from orchestration.sample.staff import Staff


class Activities:
    """Writes the activities of a unit's reps."""

    def __init__(self, books: Books, staff: Staff) -> None:
        self.books = books
        self.staff = staff
        self._count = 0

    def _new_id(self) -> str:
        self._count += 1
        return f"T{self.books.number}-{self._count:06d}"

    def write(self, at: int, kind: str, rep: int, lead_id: str = "", deal_id: str = "", account_id: str = "") -> None:
        """An activity that takes place at ``at``; meetings and the like were booked some days before."""
        clock = self.books.clock
        if at >= clock.end:
            return
        u = self.books.u
        least, more = catalog.DURATIONS[kind]
        duration = str(least + int(u() * more))
        activity_id = self._new_id()
        when = clock.text_z(at)
        luck = u()
        booked = ""
        if kind in catalog.BOOKED:
            direction = "outbound"
            status = "completed" if luck < 0.86 else "canceled" if luck < 0.94 else "no_show"
            booked_at = max(at - 60 - int(u() * 12 * MINUTES_A_DAY), clock.begin)
            booked = clock.text_z(booked_at)
        else:
            direction = "outbound" if luck < 0.8 else "inbound" if luck < 0.93 else ""
            status = "completed"
            if kind in ("email", "proposal", "admin") and luck > 0.7:
                duration = ""
        activities = self.books.activities
        file_of = activities.file_of
        file = file_of[at // MINUTES_A_DAY]
        if booked and (earlier := file_of[booked_at // MINUTES_A_DAY]) != file:
            activities.put(
                earlier,
                {
                    "activity_id": activity_id,
                    "activity_type": kind,
                    "rep_id": self.staff.rep_ids[rep],
                    "lead_id": lead_id,
                    "deal_id": deal_id,
                    "account_id": account_id,
                    "occurred_at": when,
                    "booked_at": booked,
                    "duration_minutes": duration,
                    "direction": direction,
                    "status": "scheduled",
                    "updated_at": booked,
                },
            )
        activities.put(
            file,
            {
                "activity_id": activity_id,
                "activity_type": kind,
                "rep_id": self.staff.rep_ids[rep],
                "lead_id": lead_id,
                "deal_id": deal_id,
                "account_id": account_id,
                "occurred_at": when,
                "booked_at": booked,
                "duration_minutes": duration,
                "direction": direction,
                "status": status,
                "updated_at": when,
            },
        )

    def touch_lead(self, lead_id: str, account_id: str, moment: int, rep: int, most: int) -> None:
        """The first answer to a lead, in minutes or in a day or two, and what follows it."""
        books = self.books
        u = books.u
        luck = u()
        if luck < 0.07:
            return
        delay = 1 + int(u() * 5) if luck < 0.2 else 6 + int(u() * u() * 2600)
        at = moment + delay
        for _ in range(1 + int(u() * most)):
            rep_now = self.staff.on(rep, at // MINUTES_A_DAY)
            self.write(at, books.pick(catalog.LEAD_ACTIVITIES), rep_now, lead_id, "", account_id)
            at = books.office_hours(at // MINUTES_A_DAY + 1 + int(u() * 5))

    def work_on_deal(self, deal_id: str, account: Account, lead_id: str, stage: int, since: int, until: int) -> None:
        """What the owner does while the deal is in a stage, between two moments."""
        u = self.books.u
        span = min(until - since, 25 * MINUTES_A_DAY)
        for _ in range(1 + int(u() * 2.4)):
            at = since + int(u() * span)
            rep = self.staff.on(account.rep, at // MINUTES_A_DAY)
            kind = self.books.pick(catalog.STAGE_ACTIVITIES[stage])
            self.write(at, kind, rep, lead_id, deal_id, account.account_id)

    def plan_meeting(self, deal_id: str, account: Account) -> None:
        """A meeting on the calendar for some day after the books close."""
        books = self.books
        clock = books.clock
        at = books.office_hours(clock.last + 1 + int(books.u() * 20))
        booked = max(clock.end - 1 - int(books.u() * 9 * MINUTES_A_DAY), account.created)
        books.activities.put_at(
            booked,
            {
                "activity_id": self._new_id(),
                "activity_type": "meeting",
                "rep_id": self.staff.rep_ids[self.staff.on(account.rep, clock.last)],
                "lead_id": "",
                "deal_id": deal_id,
                "account_id": account.account_id,
                "occurred_at": clock.text_z(at),
                "booked_at": clock.text_z(booked),
                "duration_minutes": "45",
                "direction": "outbound",
                "status": "scheduled",
                "updated_at": clock.text_z(booked),
            },
        )

    def desk_work(self) -> None:
        """Administration every week, networking once in a while, for everybody who is there."""
        books = self.books
        clock = books.clock
        for day in range(clock.first, clock.last + 1):
            if clock.weekday[day] > 4:
                continue
            for rep in self.staff.there[day]:
                luck = books.u()
                if luck < 0.22:
                    self.write(books.office_hours(day), "admin", rep)
                elif luck < 0.26:
                    self.write(books.office_hours(day), "networking_event", rep)
                elif luck < 0.28:
                    self.write(books.office_hours(day), "other", rep)
