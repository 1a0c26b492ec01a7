"""What a unit does to be known: ads on paid channels, posts of the reps."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.books import Books, money
from orchestration.sample.rows import AdSpend
from orchestration.sample.staff import Staff


def advertise(books: Books) -> None:
    """Daily spend of the unit's campaign on each paid channel; the last week is restated a file later."""
    u = books.u
    clock = books.clock
    table = books.ad_spend
    last_file = len(table.files) - 1
    for channel, cents in catalog.PAID_CHANNELS.items():
        for day in range(clock.first, clock.last + 1):
            spent = int(cents * clock.trend[day] * (0.7 + 0.6 * u()))
            clicks = spent // (90 + int(u() * 60))
            row: AdSpend = {
                "spend_on": clock.days[day],
                "channel": channel,
                "campaign": f"always-on-{books.number}",
                "amount": money(spent),
                "currency": "EUR" if channel == "linkedin_ads" else "USD",
                "impressions": str(clicks * (30 + int(u() * 30))),
                "clicks": str(clicks),
            }
            file = table.file_of[day]
            table.put(file, row)
            if file < last_file and table.file_of[day + 7] != file:
                table.put(file + 1, {**row, "amount": money(spent - spent // 50)})


def socialise(books: Books, staff: Staff) -> None:
    """Posts of the reps: one or two a week each, seldom on more than one platform."""
    u = books.u
    clock = books.clock
    for day in range(clock.first, clock.last + 1):
        for rep in staff.there[day]:
            if u() < 0.14:
                shown = 80 + int(u() * 900)
                likes = shown * (1 + int(u() * 6)) // 100
                books.social_engagements.put_on(
                    day,
                    {
                        "engaged_on": clock.days[day],
                        "platform": books.pick(catalog.PLATFORMS),
                        "rep_id": staff.rep_ids[rep],
                        "likes": str(likes),
                        "comments": str(int(u() * 9)),
                        "shares": str(int(u() * 4)),
                        "direct_messages": str(int(u() * 3)),
                        "impressions": str(shown),
                    },
                )
