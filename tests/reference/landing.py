"""Landing files to current rows: read, validate, quarantine, and pick the newest valid version of every key.

Every row read is current, superseded or quarantined. Values are typed here (text, Decimal, date, datetime in UTC
without a zone); nothing is joined except what a quarantine reason needs: rates, an order's existence, a deal's closing.
"""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor, prod
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import duckdb

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
MAGNITUDE = Decimal(10) ** 12

Kind = Literal["text", "enum", "decimal", "whole", "date", "month", "timestamp", "currency"]
Values = dict[str, Any]


class LandingError(Exception):
    """No landing file at all, or a file that cannot be loaded: the load stops."""


# ------------------------------------------------------------------------------------------------------ the contract


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind = "text"
    required: bool = False
    allowed: tuple[str, ...] = ()
    in_range: Callable[[Decimal], bool] = lambda _: True


@dataclass(frozen=True)
class Table:
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def starred(self) -> set[str]:
        return {column.name for column in self.columns if column.required}


def _positive(value: Decimal) -> bool:
    return value > 0


def _not_negative(value: Decimal) -> bool:
    return value >= 0


def _columns(spec: str, **kinds: Column) -> tuple[Column, ...]:
    """Columns by name, `*` for required; those in `kinds` have a type or a range, the others are text."""
    result = []
    for word in spec.split():
        name = word.rstrip("*")
        known = kinds.get(name, Column(name))
        result.append(Column(name, known.kind, word.endswith("*"), known.allowed, known.in_range))
    return tuple(result)


def _is(kind: Kind, in_range: Callable[[Decimal], bool] = lambda _: True) -> Column:
    return Column("", kind, in_range=in_range)


def _one_of(values: str) -> Column:
    return Column("", "enum", allowed=tuple(values.split()))


_TIME = _is("timestamp")
_DAY = _is("date")
_MONTH = _is("month")
_NUMBER = _is("decimal")
_CURRENCY = _is("currency")
_AMOUNT = _is("decimal", _not_negative)

TABLES: dict[str, Table] = {
    "crm.sales_reps": Table(
        ("rep_id",),
        _columns(
            "rep_id* rep_name* email team region hired_on left_on updated_at",
            hired_on=_DAY, left_on=_DAY, updated_at=_TIME,
        ),
    ),
    "crm.accounts": Table(
        ("account_id",),
        _columns(
            "account_id* account_name* segment industry region created_at* updated_at",
            created_at=_TIME, updated_at=_TIME,
        ),
    ),
    "crm.leads": Table(
        ("lead_id",),
        _columns(
            "lead_id* created_at* lead_source owner_rep_id account_id qualified_at referrer_type referrer_id"
            " updated_at",
            created_at=_TIME, qualified_at=_TIME, updated_at=_TIME, referrer_type=_one_of("customer partner"),
        ),
    ),
    "crm.deals": Table(
        ("deal_id",),
        _columns(
            "deal_id* deal_name account_id lead_id owner_rep_id deal_type* stage* amount* currency probability"
            " created_at* expected_close_on closed_at lost_reason updated_at",
            deal_type=_one_of("new_business upsell cross_sell renewal"), amount=_AMOUNT, currency=_CURRENCY,
            probability=_is("decimal", lambda value: 0 <= value <= 1), created_at=_TIME, expected_close_on=_DAY,
            closed_at=_TIME, updated_at=_TIME,
        ),
    ),
    "crm.deal_stage_changes": Table(
        ("deal_id", "stage", "changed_at"), _columns("deal_id* stage* changed_at*", changed_at=_TIME)
    ),
    "crm.activities": Table(
        ("activity_id",),
        _columns(
            "activity_id* activity_type* rep_id* lead_id deal_id account_id occurred_at* booked_at duration_minutes"
            " direction status* updated_at",
            activity_type=_one_of("call email meeting demo presentation proposal networking_event admin other"),
            occurred_at=_TIME, booked_at=_TIME, duration_minutes=_AMOUNT, direction=_one_of("outbound inbound"),
            status=_one_of("completed scheduled canceled no_show"), updated_at=_TIME,
        ),
    ),
    "billing.orders": Table(
        ("order_id",),
        _columns(
            "order_id* account_id deal_id rep_id subscription_id ordered_at* status* currency updated_at",
            ordered_at=_TIME, status=_one_of("pending paid refunded canceled"), currency=_CURRENCY, updated_at=_TIME,
        ),
    ),
    "billing.order_items": Table(
        ("order_item_id",),
        _columns(
            "order_item_id* order_id* product_id* quantity* unit_price* discount_amount tax_amount",
            quantity=_is("decimal", _positive), unit_price=_AMOUNT, discount_amount=_NUMBER, tax_amount=_NUMBER,
        ),
    ),
    "billing.refunds": Table(
        ("refund_id",),
        _columns(
            "refund_id* order_id* amount* refunded_at*", amount=_is("decimal", _positive), refunded_at=_TIME
        ),
    ),
    "billing.products": Table(
        ("product_id",),
        _columns("product_id* product_name* category unit_cost currency", unit_cost=_NUMBER, currency=_CURRENCY),
    ),
    "billing.subscription_changes": Table(
        ("subscription_change_id",),
        _columns(
            "subscription_change_id* subscription_id* account_id* changed_at* status* plan quantity unit_amount"
            " currency billing_interval interval_count",
            changed_at=_TIME, status=_one_of("trialing active paused canceled"), quantity=_NUMBER,
            unit_amount=_NUMBER, currency=_CURRENCY, billing_interval=_one_of("week month quarter year"),
            interval_count=_is("whole", _positive),
        ),
    ),
    "marketing.ad_spend": Table(
        ("spend_on", "channel", "campaign"),
        _columns(
            "spend_on* channel* campaign* amount* currency impressions clicks",
            spend_on=_DAY, amount=_AMOUNT, currency=_CURRENCY, impressions=_NUMBER, clicks=_NUMBER,
        ),
    ),
    "marketing.social_engagements": Table(
        ("engaged_on", "platform", "rep_id"),
        _columns(
            "engaged_on* platform* rep_id likes comments shares direct_messages impressions",
            engaged_on=_DAY, likes=_NUMBER, comments=_NUMBER, shares=_NUMBER, direct_messages=_NUMBER,
            impressions=_NUMBER,
        ),
    ),
    "support.inquiries": Table(
        ("inquiry_id",),
        _columns(
            "inquiry_id* channel* account_id rep_id received_at* first_responded_at resolved_at updated_at",
            channel=_one_of("phone email chat other"), received_at=_TIME, first_responded_at=_TIME,
            resolved_at=_TIME, updated_at=_TIME,
        ),
    ),
    "support.csat_responses": Table(
        ("response_id",),
        _columns(
            "response_id* inquiry_id account_id rep_id score* responded_at*",
            score=_is("whole", lambda value: 1 <= value <= 5), responded_at=_TIME,
        ),
    ),
    "planning.sales_targets": Table(
        ("target_month", "scope", "scope_value"),
        _columns(
            "target_month* scope* scope_value amount* currency",
            target_month=_MONTH, scope=_one_of("company team region"), amount=_NUMBER, currency=_CURRENCY,
        ),
    ),
    "planning.sales_quotas": Table(
        ("quota_month", "rep_id"),
        _columns("quota_month* rep_id* amount* currency", quota_month=_MONTH, amount=_AMOUNT, currency=_CURRENCY),
    ),
    "planning.sales_costs": Table(
        ("cost_month", "cost_type"),
        _columns("cost_month* cost_type* amount* currency", cost_month=_MONTH, amount=_AMOUNT, currency=_CURRENCY),
    ),
    "planning.fx_rates": Table(
        ("rate_on", "from_currency", "to_currency"),
        _columns(
            "rate_on* from_currency* to_currency* rate*",
            rate_on=_DAY, from_currency=_CURRENCY, to_currency=_CURRENCY, rate=_is("decimal", _positive),
        ),
    ),
}  # fmt: skip


# -------------------------------------------------------------------------------------------------- values from text

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]00:00(:00(\.0+)?)?(Z|[+-]00(:?00)?)?)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


def parse_decimal(text: str) -> Decimal | None:
    if not _DECIMAL.fullmatch(text):
        return None
    value = Decimal(text)
    return value if abs(value) < MAGNITUDE else None


def parse_date(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def parse_timestamp(text: str) -> datetime | None:
    """The moment in UTC, without a zone; text without an offset is UTC already."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return None
    day, hour, minute, second, fraction, offset = match.groups()
    try:
        moment = datetime.fromisoformat(day).replace(
            hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0),
            microsecond=int(((fraction or "") + "000000")[:6]),
        )  # fmt: skip
        if offset and offset != "Z":
            hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
            if hours > 23 or minutes > 59:
                return None
            shift = timedelta(hours=hours, minutes=minutes)
            moment = moment + shift if offset[0] == "-" else moment - shift
    except (ValueError, OverflowError):
        return None
    return moment


def _parse_kind(column: Column, text: str) -> Any:
    """The typed value, or None when the text is not one of the column's."""
    if column.kind == "text":
        return text
    if column.kind == "currency":
        return text.upper()
    if column.kind == "enum":
        return text if text in column.allowed else None
    if column.kind == "timestamp":
        return parse_timestamp(text)
    if column.kind in ("date", "month"):
        day = parse_date(text)
        return None if day and column.kind == "month" and day.day != 1 else day
    value = parse_decimal(text)
    if value is None or not column.in_range(value):
        return None
    return None if column.kind == "whole" and value != value.to_integral_value() else value


# ------------------------------------------------------------------------------------------------------------- files


@dataclass
class LandedRow:
    file: str
    line: int
    texts: dict[str, str] | None
    """None for a malformed line."""
    values: Values = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)


def _split_record(lines: list[str], start: int) -> tuple[list[str] | None, int]:
    """The fields of the record that begins on a line, and the line after it. None: that one line is malformed."""
    if '"' not in lines[start]:
        return lines[start].split(","), start + 1
    fields: list[str] = []
    row, at = start, 0
    while True:
        line = lines[row]
        if line[at : at + 1] != '"':
            end = line.find(",", at)
            field_text = line[at:] if end < 0 else line[at:end]
            if '"' in field_text:
                return None, start + 1
            fields.append(field_text)
            at = len(line) if end < 0 else end
        else:
            parts: list[str] = []
            at += 1
            while True:
                quote = lines[row].find('"', at)
                if quote < 0:
                    parts.append(lines[row][at:] + "\n")
                    row, at = row + 1, 0
                    if row == len(lines):
                        return None, start + 1
                elif lines[row][quote + 1 : quote + 2] == '"':
                    parts.append(lines[row][at : quote + 1])
                    at = quote + 2
                else:
                    parts.append(lines[row][at:quote])
                    at = quote + 1
                    break
            fields.append("".join(parts))
            line = lines[row]
        if at == len(line):
            return fields, row + 1
        if line[at] != ",":
            return None, start + 1
        at += 1


def _read_csv(path: Path, content: bytes) -> tuple[list[str], Iterator[tuple[int, list[str] | None]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LandingError(f"{path}: not UTF-8") from error
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    header, first = _split_record(lines, 0)
    if header is None:
        raise LandingError(f"{path}: no header line")

    def records() -> Iterator[tuple[int, list[str] | None]]:
        at = first
        while at < len(lines):
            if not lines[at].strip():
                at += 1
                continue
            number = at + 1
            fields, at = _split_record(lines, at)
            yield number, fields

    return [name.strip() for name in header], records()


def _read_parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str] | None]]]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        try:
            relation = connection.execute("select columns(*)::varchar from read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise LandingError(f"{path}: not Parquet") from error
        names = [column[0] for column in relation.description or []]
        rows = relation.fetchall()
    return names, ((number, ["" if v is None else v for v in row]) for number, row in enumerate(rows, 1))


def _read_table(folder: Path, table: Table) -> list[LandedRow]:
    """The rows of every distinct file of a table. The same bytes count once, under the smallest of their names."""
    rows: list[LandedRow] = []
    seen: set[bytes] = set()
    files = [path for path in folder.glob("*") if path.suffix in (".csv", ".parquet") and path.is_file()]
    for path in sorted(files, key=lambda file: file.name):
        content = path.read_bytes()
        if content in seen:
            continue
        seen.add(content)
        names, records = _read_csv(path, content) if path.suffix == ".csv" else _read_parquet(path)
        if lacking := table.starred - set(names):
            raise LandingError(f"{path}: lacks {', '.join(sorted(lacking))}")
        for line, fields in records:
            well_formed = fields is not None and len(fields) == len(names)
            texts = dict(zip(names, fields or (), strict=True)) if well_formed else None
            rows.append(LandedRow(path.name, line, texts, reasons=set() if well_formed else {"malformed_line"}))
    return rows


# -------------------------------------------------------------------------------------------------- what rows become


@dataclass(frozen=True)
class Books:
    read: int = 0
    current: int = 0
    superseded: int = 0
    quarantined: int = 0


@dataclass(frozen=True)
class Quarantined:
    table: str
    file: str
    line: int
    reasons: frozenset[str]


@dataclass(frozen=True)
class Stage:
    name: str
    order: int
    default_probability: Decimal
    is_won: bool
    is_lost: bool

    @property
    def is_closed(self) -> bool:
        return self.is_won or self.is_lost


def read_seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_stages() -> dict[str, Stage]:
    return {
        row["stage"]: Stage(
            row["stage"], int(row["stage_order"]), Decimal(row["default_probability"]),
            row["is_won"] == "true", row["is_lost"] == "true",
        )
        for row in read_seed("deal_stages")
    }  # fmt: skip


def money(*factors: Decimal | Fraction) -> Decimal:
    """The product, rounded half away from zero to four decimals."""
    product = prod((Fraction(factor) for factor in factors), start=Fraction(10**4))
    whole = floor(abs(product) + Fraction(1, 2))
    with localcontext() as context:
        context.prec = 60
        return Decimal(whole if product >= 0 else -whole).scaleb(-4)


class Rates:
    """Direct rates to the reporting currency: the latest on or before a day."""

    def __init__(self, rows: Iterable[Values], reporting_currency: str) -> None:
        self.reporting_currency = reporting_currency
        self._rates: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
        for row in rows:
            if row["to_currency"] == reporting_currency:
                self._rates[row["from_currency"]].append((row["rate_on"], row["rate"]))
        for rates in self._rates.values():
            rates.sort()

    def at(self, currency: str | None, day: date) -> Decimal | None:
        if currency is None or currency == self.reporting_currency:
            return Decimal(1)
        rates = self._rates.get(currency, [])
        position = bisect_right(rates, day, key=lambda rate: rate[0])
        return rates[position - 1][1] if position else None


class Clock:
    """Moments (UTC) to dates in the business time zone."""

    def __init__(self, business_timezone: str) -> None:
        self._zone = None if business_timezone == "UTC" else ZoneInfo(business_timezone)
        self.hours: dict[int, tuple[time, time]] = {
            int(row["weekday"]): (time.fromisoformat(row["opens_at"]), time.fromisoformat(row["closes_at"]))
            for row in read_seed("business_hours")
        }
        self.holidays = {date.fromisoformat(row["holiday_on"]) for row in read_seed("holidays")}

    def local(self, moment: datetime) -> datetime:
        """What the wall clock says, without a zone."""
        return moment if self._zone is None else moment.replace(tzinfo=UTC).astimezone(self._zone).replace(tzinfo=None)

    def day(self, moment: datetime) -> date:
        return self.local(moment).date()

    def open_time(self, begin: datetime, end: datetime) -> timedelta:
        """How much of the time between two moments lies within the business hours, by the wall clock."""
        start, stop = self.local(begin), self.local(end)
        opened = timedelta(0)
        for offset in range((stop.date() - start.date()).days + 1):
            day = start.date() + timedelta(days=offset)
            hours = self.hours.get(day.isoweekday())
            if hours is not None and day not in self.holidays:
                first, last = (datetime.combine(day, moment) for moment in hours)
                opened += max(min(stop, last) - max(start, first), timedelta(0))
        return opened


@dataclass
class Landing:
    """The current rows of every table, and what became of the others."""

    tables: dict[str, list[Values]]
    books: dict[str, Books]
    quarantine: list[Quarantined]
    stages: dict[str, Stage]
    rates: Rates
    clock: Clock


def deal_closing(deal: Values, stages: dict[str, Stage], last_closed_change: dict[str, datetime]) -> datetime | None:
    """When a deal in a closed stage closed: closed_at, else the last change into a closed stage, else updated_at."""
    stage = stages.get(deal["stage"] or "")
    if stage is None or not stage.is_closed:
        return None
    closing: datetime | None = deal["closed_at"] or last_closed_change.get(deal["deal_id"]) or deal["updated_at"]
    return closing


def last_closed_changes(changes: Iterable[Values], stages: dict[str, Stage]) -> dict[str, datetime]:
    last: dict[str, datetime] = {}
    for change in changes:
        if stages[change["stage"]].is_closed:
            deal_id, moment = change["deal_id"], change["changed_at"]
            last[deal_id] = max(moment, last.get(deal_id, moment))
    return last


class _Reader:
    """Reads and validates table by table; the tables a check needs come first."""

    def __init__(self, folder: Path, as_of: date, clock: Clock, reporting_currency: str) -> None:
        self.folder, self.as_of, self.clock = folder, as_of, clock
        self.stages = read_stages()
        self.rates = Rates([], reporting_currency)
        self.reporting_currency = reporting_currency
        self.tables: dict[str, list[Values]] = {}
        self.books: dict[str, Books] = {}
        self.quarantine: list[Quarantined] = []

    def read(self) -> Landing:
        if not any(
            path.suffix in (".csv", ".parquet")
            for name in TABLES
            for path in (self.folder / name.replace(".", "/")).glob("*")
        ):
            raise LandingError(f"{self.folder}: no landing file")
        self._table("planning.fx_rates", self._no_check)
        self.rates = Rates(self.tables["planning.fx_rates"], self.reporting_currency)
        self._table("crm.deal_stage_changes", self._check_stage)
        self._last_closed = last_closed_changes(self.tables["crm.deal_stage_changes"], self.stages)
        self._table("crm.deals", self._check_deal)
        self._table("billing.orders", self._check_money("ordered_at"))
        self._orders = {row["order_id"]: row for row in self.tables["billing.orders"]}
        self._table("billing.order_items", self._check_item)
        self._table("billing.refunds", self._check_refund)
        self._table("billing.subscription_changes", self._check_subscription)
        self._table("marketing.ad_spend", self._check_money("spend_on"))
        self._table("planning.sales_targets", self._check_target)
        self._table("planning.sales_quotas", self._check_money("quota_month"))
        self._table("planning.sales_costs", self._check_money("cost_month"))
        for name in TABLES:
            if name not in self.tables:
                self._table(name, self._no_check)
        return Landing(self.tables, self.books, self.quarantine, self.stages, self.rates, self.clock)

    def _table(self, name: str, check: Callable[[Values], set[str]]) -> None:
        table = TABLES[name]
        rows = _read_table(self.folder / name.replace(".", "/"), table)
        newest: dict[tuple[Any, ...], LandedRow] = {}
        quarantined = 0
        for row in rows:
            if row.texts is not None:
                self._type(row, table)
                row.reasons |= check(row.values)
            if row.reasons:
                quarantined += 1
                self.quarantine.append(Quarantined(name, row.file, row.line, frozenset(row.reasons)))
                continue
            key = tuple(row.values[column] for column in table.key)
            if key not in newest or _version(row) > _version(newest[key]):
                newest[key] = row
        self.tables[name] = [row.values for row in newest.values()]
        current = len(newest)
        self.books[name] = Books(len(rows), current, len(rows) - quarantined - current, quarantined)

    @staticmethod
    def _type(row: LandedRow, table: Table) -> None:
        assert row.texts is not None
        for column in table.columns:
            text = row.texts.get(column.name, "").strip()
            value = _parse_kind(column, text) if text else None
            if value is None and column.required:
                row.reasons.add(f"{'invalid' if text else 'missing'}_{column.name}")
            row.values[column.name] = value

    @staticmethod
    def _no_check(_: Values) -> set[str]:
        return set()

    def _without_rate(self, currency: str | None, day: date | datetime | None) -> set[str]:
        if isinstance(day, datetime):
            day = self.clock.day(day)
        # a row without a valid date lacks a rate only where there is none on any day
        return {"missing_fx_rate"} if self.rates.at(currency, day or date.max) is None else set()

    def _check_money(self, date_column: str) -> Callable[[Values], set[str]]:
        return lambda row: self._without_rate(row["currency"], row[date_column])

    def _check_stage(self, row: Values) -> set[str]:
        return {"unknown_stage"} if row["stage"] is not None and row["stage"] not in self.stages else set()

    def _check_deal(self, row: Values) -> set[str]:
        closing = deal_closing(row, self.stages, self._last_closed)
        if closing is None or self.clock.day(closing) > self.as_of:
            closing = row["created_at"]
        return self._check_stage(row) | self._without_rate(row["currency"], closing)

    def _check_item(self, row: Values) -> set[str]:
        return {"unknown_order"} if row["order_id"] is not None and row["order_id"] not in self._orders else set()

    def _check_refund(self, row: Values) -> set[str]:
        if reasons := self._check_item(row):
            return reasons
        order = self._orders.get(row["order_id"])
        return self._without_rate(order["currency"], row["refunded_at"]) if order else set()

    def _check_subscription(self, row: Values) -> set[str]:
        return set() if row["unit_amount"] is None else self._without_rate(row["currency"], row["changed_at"])

    def _check_target(self, row: Values) -> set[str]:
        if row["scope"] == "company":
            row["scope_value"] = None
        return self._without_rate(row["currency"], row["target_month"])


def _version(row: LandedRow) -> tuple[datetime, str, int]:
    return row.values.get("updated_at") or datetime.min, row.file, row.line


def read_landing(folder: Path, *, as_of: date, business_timezone: str, reporting_currency: str) -> Landing:
    return _Reader(folder, as_of, Clock(business_timezone), reporting_currency).read()
