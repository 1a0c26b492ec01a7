"""What reps log, and what customers ask and answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from tests.reference.context import REP_CUTS, Context, metric
from tests.reference.deals import closed_deal_cells
from tests.reference.records import Activity
from tests.reference.rows import (
    Key,
    Mart,
    Members,
    Period,
    Value,
    add,
    cells_of,
    divide,
    percentile,
    ratio,
    total,
)


def activity_cells(
    context: Context, activities: Iterable[Activity], *, by_type: bool = False, booked: bool = False
) -> dict[Key, list[Activity]]:
    company = context.company

    def records() -> Iterator[tuple[date, Members, Activity]]:
        for activity in activities:
            further = {"activity_type": activity.type} if by_type else {}
            day = activity.booked_on if booked else activity.day
            yield day, {**company.rep_members(activity.rep_id, day), **further}, activity

    return cells_of(context.spine, records())


def activity_count(context: Context, types: set[str], *, by_type: bool = False) -> Mart:
    cells = activity_cells(context, (a for a in context.company.done if a.type in types), by_type=by_type)
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


@metric
def meetings_scheduled(context: Context) -> Mart:
    as_of = context.company.settings.as_of
    booked = (a for a in context.company.activities if a.type == "meeting" and a.booked_on <= as_of)
    cells = activity_cells(context, booked, booked=True)

    def measure(key: Key, _: Period) -> Value:
        meetings = cells.get(key, [])
        took_place = [meeting.status for meeting in meetings if meeting.day <= as_of]
        return total(
            len(meetings),
            held=took_place.count("completed"),
            canceled=[meeting.status for meeting in meetings].count("canceled"),
            no_show=took_place.count("no_show"),
        )

    return context.mart(cells, measure)


@metric
def follow_ups(context: Context) -> Mart:
    def later_touches() -> Iterator[Activity]:
        seen: set[tuple[str, str]] = set()
        for touch in context.company.touches:
            subjects = {
                (kind, subject) for kind, subject in (("lead", touch.lead_id), ("deal", touch.deal_id)) if subject
            }
            if subjects & seen:
                yield touch
            seen |= subjects

    cells = activity_cells(context, later_touches(), by_type=True)
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


@metric
def sales_activity_hours(context: Context) -> Mart:
    cells = activity_cells(context, context.company.done, by_type=True)

    def measure(key: Key, _: Period) -> Value:
        activities = cells.get(key, [])
        minutes = add(activity.minutes for activity in activities)
        selling = add(activity.minutes for activity in activities if activity.type != "admin")
        return total(float(minutes) / 60, selling_hours=float(selling) / 60, selling_share=divide(selling, minutes))

    return context.mart(cells, measure)


@metric
def proposals_sent(context: Context) -> Mart:
    return activity_count(context, {"proposal"})


@metric
def product_demos(context: Context) -> Mart:
    return activity_count(context, {"demo", "presentation"}, by_type=True)


@metric
def networking_events(context: Context) -> Mart:
    return activity_count(context, {"networking_event"})


@metric
def calls_and_emails(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (a.day, {**company.rep_members(a.rep_id, a.day), "activity_type": a.type}, a)
            for a in company.done
            if a.is_call_or_email
        ),
    )
    return context.mart(cells, lambda key, _: total(len(cells.get(key, []))))


@metric
def csat(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        (
            (
                response.day,
                {
                    **company.rep_members(response.rep_id, response.day),
                    "channel": response.channel,
                    "segment": company.account_members(response.account_id, response.day)["segment"],
                },
                response.score,
            )
            for response in company.responses
        ),
    )

    def measure(key: Key, _: Period) -> Value:
        scores = cells.get(key, [])
        satisfied = sum(score >= 4 for score in scores)
        return ratio(satisfied, len(scores), average_score=divide(sum(scores), len(scores)))

    return context.mart(cells, measure)


@metric
def inquiry_response_time(context: Context) -> Mart:
    company = context.company
    answered: list[tuple[date, Members, float]] = []
    unanswered: list[tuple[date, Members, None]] = []
    for inquiry in company.inquiries:
        members = {**company.rep_members(inquiry.rep_id, inquiry.day), "channel": inquiry.channel}
        if inquiry.responded_at is None:
            unanswered.append((inquiry.day, members, None))
        elif not inquiry.responded_at.is_before(inquiry.received_at):
            minutes = company.clock.minutes(inquiry.received_at, inquiry.responded_at)
            answered.append((inquiry.day, members, minutes))
    cells, without = cells_of(context.spine, answered), cells_of(context.spine, unanswered)

    def measure(key: Key, _: Period) -> Value:
        minutes = cells.get(key, [])
        return ratio(
            sum(minutes, 0.0),
            len(minutes),
            median=percentile(minutes, 0.5),
            p90=percentile(minutes, 0.9),
            unanswered_inquiries=len(without.get(key, [])),
        )

    return context.mart(cells, measure)


@metric
def social_media_engagement(context: Context) -> Mart:
    company = context.company
    cells = cells_of(
        context.spine,
        ((e.day, {**company.rep_members(e.rep_id, e.day), "platform": e.platform}, e) for e in company.engagements),
    )

    def measure(key: Key, _: Period) -> Value:
        records = cells.get(key, [])
        seen = [(record.engagements, record.impressions) for record in records if record.impressions is not None]
        rate = divide(add(engagements for engagements, _ in seen), add(impressions for _, impressions in seen))
        return total(float(add(record.engagements for record in records)), engagement_rate=rate)

    return context.mart(cells, measure)


@metric
def activity_ratio(context: Context) -> Mart:
    cells = activity_cells(context, (a for a in context.company.done if a.is_call_or_email or a.type == "meeting"))
    won = {k: v for k, v in closed_deal_cells(context, lambda d: d.is_won).items() if k[2] in ("all", *REP_CUTS)}
    return context.mart([*cells, *won], lambda key, _: ratio(len(cells.get(key, [])), len(won.get(key, []))))
