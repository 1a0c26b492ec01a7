"""The dirt of real exports, added to clean lines at realistic rates.

A spoiler takes a line and the names of its columns and gives the spoilt line, or None where it cannot
spoil this one. Per unit and table, one line in 300 gets a fault that puts it into quarantine and one in 150
a harmless one; the faults of a table take turns. A table of few lines stays as it is.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from orchestration.sample.books import Lines
from orchestration.sample.rows import TABLES
from orchestration.sample.tables import Export

Fields = list[str]
Columns = tuple[str, ...]
Spoiler = Callable[[str, Columns], str | None]

QUARANTINED_EVERY = 300  # lines
HARMLESS_EVERY = 150  # lines
SMALL = 220  # lines: a table with fewer is not spoilt at all, one with more has its one fault
SEARCH = 60  # lines to look through for one that a spoiler can spoil


def split(line: str) -> Fields:
    """The fields of a clean line."""
    return next(csv.reader([line]))


def join(fields: Sequence[str]) -> str:
    """A line of CSV, quoted where it must be."""
    return ",".join('"' + field.replace('"', '""') + '"' if "," in field or '"' in field else field for field in fields)


def _edit(column: str, change: Callable[[str], str | None]) -> Spoiler:
    """Change the value of one column; blank values and columns that the file lacks are left alone."""

    def spoil(line: str, columns: Columns) -> str | None:
        fields = split(line)
        position = columns.index(column)
        value = change(fields[position]) if fields[position] else None
        if value is None:
            return None
        fields[position] = value
        return join(fields)

    return spoil


def blank(column: str) -> Spoiler:
    """A required value is missing."""
    return _edit(column, lambda _: "")


def put(column: str, value: str) -> Spoiler:
    """A value that is outside the list or range, or a reference to nothing."""
    return _edit(column, lambda _: value)


def thousands(column: str) -> Spoiler:
    """1234.5 as 1,234.50; only numbers that are large enough to show it."""
    return _edit(column, lambda text: f"{float(text):,.2f}" if float(text) >= 1000 else None)


def day_first(column: str) -> Spoiler:
    """2025-12-31 as 31/12/2025, a time of day without its seconds behind it."""

    def change(text: str) -> str:
        time = f" {text[11:16]}" if len(text) > 10 else ""
        return f"{text[8:10]}/{text[5:7]}/{text[:4]}{time}"

    return _edit(column, change)


def padded(column: str) -> Spoiler:
    """Whitespace around the value."""
    return _edit(column, lambda text: f"  {text} ")


def in_seoul(column: str) -> Spoiler:
    """The same moment with another offset."""

    def change(text: str) -> str:
        return (datetime.fromisoformat(text[:19]) + timedelta(hours=9)).isoformat() + "+09:00"

    return _edit(column, change)


def swapped(earlier: str, later: str) -> Spoiler:
    """Two moments in the wrong order: a deal closed before it was created, a reply before the question."""

    def spoil(line: str, columns: Columns) -> str | None:
        fields = split(line)
        one, two = columns.index(earlier), columns.index(later)
        if not fields[one] or not fields[two] or fields[one][:10] == fields[two][:10]:
            return None
        fields[one], fields[two] = fields[two], fields[one]
        return join(fields)

    return spoil


def too_few(line: str, columns: Columns) -> str | None:
    """The line breaks off."""
    return join(split(line)[: len(columns) - 2])


def too_many(line: str, columns: Columns) -> str | None:
    """A comma too much."""
    del columns
    return line + ",,x"


def open_quote(line: str, columns: Columns) -> str | None:
    """A quote that nobody closes, in the second field."""
    del columns
    fields = split(line)
    return None if '"' in line else ",".join([fields[0], '"' + fields[1], *fields[2:]])


def repeated(line: str, columns: Columns) -> str | None:
    """The same row twice in one file."""
    del columns
    return f"{line}\n{line}"


def carried_over(line: str, columns: Columns) -> str | None:
    """The same row again in the next file, see ``soil``; where there is none, in the same one."""
    return repeated(line, columns)


_MALFORMED = (too_few, too_many)
_TWICE = (repeated, carried_over)
_NO_REP = "R0-404"
_NO_ACCOUNT = "A0-404"
_NO_ORDER = "O0-404"

QUARANTINED: dict[str, tuple[Spoiler, ...]] = {
    "crm.accounts": (blank("account_name"), *_MALFORMED, day_first("created_at"), blank("created_at")),
    "crm.leads": (day_first("created_at"), open_quote, blank("created_at"), *_MALFORMED, blank("lead_id")),
    "crm.deals": (
        put("stage", "verbal yes"),
        thousands("amount"),
        blank("amount"),
        put("currency", "CHF"),
        day_first("created_at"),
        too_few,
        put("deal_type", "expansion"),
        put("amount", "-500.00"),
    ),
    "crm.deal_stage_changes": (
        put("stage", "Angebot"),
        too_many,
        day_first("changed_at"),
        blank("stage"),
        blank("changed_at"),
        too_few,
    ),
    "crm.activities": (
        blank("rep_id"),
        day_first("occurred_at"),
        open_quote,
        *_MALFORMED,
        put("activity_type", "Telefonat"),
        put("status", "done"),
        blank("occurred_at"),
    ),
    "billing.orders": (put("status", "shipped"), day_first("ordered_at"), blank("ordered_at"), *_MALFORMED),
    "billing.order_items": (
        put("order_id", _NO_ORDER),
        blank("product_id"),
        thousands("unit_price"),
        *_MALFORMED,
        put("quantity", "0"),
        blank("unit_price"),
    ),
    "billing.refunds": (
        put("order_id", _NO_ORDER),
        blank("amount"),
        day_first("refunded_at"),
        thousands("amount"),
    ),
    "billing.subscription_changes": (put("status", "past_due"), blank("account_id"), day_first("changed_at")),
    "marketing.ad_spend": (blank("amount"), day_first("spend_on"), put("amount", "n/a"), *_MALFORMED),
    "marketing.social_engagements": (day_first("engaged_on"), blank("platform"), *_MALFORMED),
    "support.inquiries": (put("channel", "fax"), blank("received_at"), blank("channel")),
    "support.csat_responses": (
        put("score", "7"),
        blank("score"),
        day_first("responded_at"),
        put("score", "0"),
    ),
    "planning.sales_quotas": (blank("amount"), day_first("quota_month"), thousands("amount")),
    "planning.fx_rates": (blank("rate"), put("rate", "0"), put("rate", "-1.09"), blank("rate_on")),
}

HARMLESS: dict[str, tuple[Spoiler, ...]] = {
    "crm.sales_reps": (padded("rep_name"),),
    "crm.accounts": (padded("account_name"), *_TWICE, padded("segment"), in_seoul("created_at")),
    "crm.leads": (
        put("referrer_type", "friend"),
        in_seoul("created_at"),
        put("owner_rep_id", _NO_REP),
        *_TWICE,
        padded("lead_source"),
        put("account_id", _NO_ACCOUNT),
        day_first("qualified_at"),
    ),
    "crm.deals": (
        swapped("created_at", "closed_at"),
        put("probability", "1.7"),
        put("owner_rep_id", _NO_REP),
        put("account_id", _NO_ACCOUNT),
        day_first("expected_close_on"),
        padded("stage"),
        *_TWICE,
        in_seoul("created_at"),
    ),
    "crm.deal_stage_changes": (*_TWICE, padded("stage"), in_seoul("changed_at")),
    "crm.activities": (
        put("direction", "sideways"),
        put("duration_minutes", "-15"),
        put("rep_id", _NO_REP),
        *_TWICE,
        padded("activity_type"),
        in_seoul("occurred_at"),
        put("duration_minutes", "half an hour"),
        day_first("booked_at"),
    ),
    "billing.orders": (
        put("account_id", _NO_ACCOUNT),
        *_TWICE,
        padded("status"),
        in_seoul("ordered_at"),
        put("rep_id", _NO_REP),
    ),
    "billing.order_items": (
        put("product_id", "P-99"),
        *_TWICE,
        padded("quantity"),
        put("tax_amount", "incl."),
    ),
    "billing.refunds": (padded("amount"), repeated),
    "billing.subscription_changes": (
        put("account_id", _NO_ACCOUNT),
        repeated,
        padded("plan"),
        in_seoul("changed_at"),
    ),
    "marketing.ad_spend": (put("clicks", "--"), repeated, padded("channel"), put("impressions", "1.2k")),
    "marketing.social_engagements": (put("likes", "n/a"), repeated, padded("platform")),
    "support.inquiries": (
        swapped("received_at", "first_responded_at"),
        put("account_id", _NO_ACCOUNT),
        *_TWICE,
        padded("channel"),
        put("rep_id", _NO_REP),
    ),
    "support.csat_responses": (put("inquiry_id", "Q0-404"), *_TWICE, in_seoul("responded_at")),
    "planning.sales_quotas": (repeated, padded("amount")),
    "planning.sales_targets": (padded("scope_value"),),
    "planning.fx_rates": (repeated,),
}


def _places(lines: Lines, every: int, u: Callable[[], float]) -> Iterator[tuple[int, int]]:
    """(file, line) places, one in each stretch of ``every`` lines, at random within the stretch."""
    total = sum(map(len, lines))
    if total < SMALL:
        return
    every = min(every, total)
    file = before = 0
    for stretch in range(total // every):
        place = stretch * every + int(u() * every)
        while place - before >= len(lines[file]):
            before += len(lines[file])
            file += 1
        yield file, place - before


def soil(
    table: str,
    lines: Lines,
    exports: Sequence[Export],
    turn: int,
    u: Callable[[], float],
    spare: set[str],
) -> None:
    """Spoil some of the lines of a unit's table, in place.

    ``turn`` is where the faults of the table begin to take turns. Rows whose key is in ``spare`` never get
    into quarantine, so that a table which refers to them does not lose more than its share.
    """
    touched: set[tuple[int, int]] = set()
    sizes = [len(rows) for rows in lines]
    key = TABLES[table][0]
    for faults, every, kept in (
        (QUARANTINED, QUARANTINED_EVERY, spare),
        (HARMLESS, HARMLESS_EVERY, set[str]()),
    ):
        spoilers = faults.get(table, ())
        places = list(_places(lines, every, u)) if spoilers else []
        for number, (file, first) in enumerate(places):
            spoiler = spoilers[(turn + number) % len(spoilers)]
            columns = exports[file].columns
            for place in range(first, min(first + SEARCH, sizes[file])):
                line = lines[file][place]
                if (file, place) in touched or split(line)[columns.index(key)] in kept:
                    continue
                spoilt = spoiler(line, columns)
                if spoilt is not None:
                    touched.add((file, place))
                    following = file + 1
                    if spoiler is carried_over and _same_columns(exports, file, following):
                        lines[following].append(line)
                    else:
                        lines[file][place] = spoilt
                    break


def _same_columns(exports: Sequence[Export], one: int, other: int) -> bool:
    return other < len(exports) and exports[one].columns == exports[other].columns
