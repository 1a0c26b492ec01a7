"""Landing files to current rows: validate, quarantine, and pick the newest valid version of every key.

Every row read is current, superseded, quarantined, or took its key away (deleted). Nothing is joined here except what a
quarantine reason needs: rates, an order's existence, a deal's closing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.reference.clock import read_seed
from tests.reference.contract import GREATEST_LINE, TABLES, Table, Values
from tests.reference.files import SUFFIXES, LandedRow, LandingError, read_table
from tests.reference.fx import Rates
from tests.reference.settings import Settings
from tests.reference.values import Moment, Zones, natural_file, parse, parse_decimal

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Books:
    read: int = 0
    current: int = 0
    superseded: int = 0
    quarantined: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Quarantined:
    table: str
    file: str
    line: int
    reasons: frozenset[str]
    is_repaired: bool = False
    """Its key has a good version that came with it or since."""


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


def read_stages() -> dict[str, Stage]:
    return {
        row["stage"]: Stage(
            row["stage"], int(row["stage_order"]), Decimal(row["default_probability"]),
            row["is_won"] == "true", row["is_lost"] == "true",
        )
        for row in read_seed("deal_stages")
    }  # fmt: skip


@dataclass
class Landing:
    """The current rows of every table, and what became of the others."""

    tables: dict[str, list[Values]]
    versions: dict[str, dict[Key, list[Values]]]
    """All good rows of a key that is not gone, oldest first."""
    books: dict[str, Books]
    conflicting: dict[str, int]
    """Rows that another one of their key and file differs from, which nothing tells apart."""
    quarantine: list[Quarantined]
    stages: dict[str, Stage]
    rates: Rates
    zones: Zones


def deal_closing(deal: Values, stages: dict[str, Stage], last_closed_change: dict[str, Moment]) -> Moment | None:
    """When a deal in a closed stage closed: by the first that is known of the four; None for one in an open stage."""
    stage = stages.get(deal["stage"] or "")
    if stage is None or not stage.is_closed:
        return None
    known = (deal["closed_at"], last_closed_change.get(deal["deal_id"]), deal["updated_at"], deal["created_at"])
    return next((moment for moment in known if moment is not None), None)


def last_closed_changes(changes: Iterable[Values], stages: dict[str, Stage]) -> dict[str, Moment]:
    last: dict[str, Moment] = {}
    for change in changes:
        if stages[change["stage"]].is_closed:
            deal_id, moment = change["deal_id"], change["changed_at"]
            last[deal_id] = max(moment, last.get(deal_id, moment), key=lambda known: (known.at, not known.is_day))
    return last


def _plain(value: Any) -> Any:
    """Keys and versions go by the instant, also of a day."""
    return value.at if isinstance(value, Moment) else value


def _version(row: LandedRow) -> tuple[datetime, tuple[str, str], int]:
    return _plain(row.values["updated_at"]) or datetime.min, natural_file(row.file), row.line


def _conflicts(versions: list[LandedRow], table: Table) -> int:
    """Rows of one key, in order, of which the one before is in the same file, is as new, and says something else."""

    def text(row: LandedRow) -> list[str]:
        names = [column.name for column in table.columns if column.name not in table.key]
        return [(row.texts or {}).get(name, "").strip() for name in names]

    return sum(
        one.file == other.file and _version(one)[0] == _version(other)[0] and text(one) != text(other)
        for one, other in pairwise(versions)
    )


class _Reader:
    """Reads and validates table by table; the tables a check needs come first."""

    def __init__(self, folder: Path, settings: Settings, loads: Mapping[tuple[str, str], int]) -> None:
        self._loads = loads
        self.folder, self.as_of = folder, settings.as_of
        self.zones = Zones(settings.business_timezone, settings.naive_timestamps_in)
        self.full_extracts = {name.strip() for name in settings.full_extract_tables.split(",")}
        self.stages = read_stages()
        self._settings = settings
        self.rates = self._rates([])
        self.tables: dict[str, list[Values]] = {}
        self.versions: dict[str, dict[Key, list[Values]]] = {}
        self.books: dict[str, Books] = {}
        self.conflicting: dict[str, int] = {}
        self.quarantine: list[Quarantined] = []

    def _rates(self, rows: Iterable[Values]) -> Rates:
        settings = self._settings
        policy = settings.fx_rate_max_age_days, settings.fx_inference
        return Rates(rows, settings.reporting_currency, *policy, settings.as_of)

    def read(self) -> Landing:
        folders = [self.folder / name.replace(".", "/") for name in TABLES]
        if not any(path.suffix in SUFFIXES for folder in folders for path in folder.glob("*")):
            raise LandingError(f"{self.folder}: no landing file")
        self._table("planning.fx_rates", self._no_check)
        self.rates = self._rates(self.tables["planning.fx_rates"])
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
        self._table("support.csat_responses", self._check_response)
        for name in TABLES:
            if name not in self.tables:
                self._table(name, self._no_check)
        books = self.books, self.conflicting, self.quarantine
        return Landing(self.tables, self.versions, *books, self.stages, self.rates, self.zones)

    def _table(self, name: str, check: Callable[[Values], set[str]]) -> None:
        table = TABLES[name]
        rows, files = read_table(self.folder / name.replace(".", "/"), table)
        versions: dict[Key, list[LandedRow]] = defaultdict(list)
        in_newest_file: set[Key] = set()
        bad: list[tuple[LandedRow, Key | None]] = []
        for row in rows:
            if row.texts is not None:
                self._type(row, table, name)
                of_the_row = check(row.values)
                # what cannot be read is not missing
                row.reasons |= {
                    reason
                    for reason in of_the_row
                    if reason.replace("missing_", "invalid_", 1) not in row.reasons or reason == "missing_fx_rate"
                }
            key = self._key(row, table)
            if key is not None and row.file == files[-1]:
                in_newest_file.add(key)
            if row.reasons or key is None:
                bad.append((row, key))
            else:
                versions[key].append(row)
        for of_key in versions.values():
            of_key.sort(key=_version)
        for row, key in bad:
            is_repaired = key is not None and self._is_repaired(name, row, versions.get(key, []))
            self.quarantine.append(Quarantined(name, row.file, row.line, frozenset(row.reasons), is_repaired))
        kept = {
            key: of_key
            for key, of_key in versions.items()
            if not self._is_deleted(of_key[-1]) and (name not in self.full_extracts or key in in_newest_file)
        }
        self.tables[name] = [of_key[-1].values for of_key in kept.values()]
        self.versions[name] = {key: [row.values for row in of_key] for key, of_key in kept.items()}
        self.conflicting[name] = sum(_conflicts(of_key, table) for of_key in versions.values())
        current, deleted = len(kept), len(versions) - len(kept)
        superseded = sum(len(of_key) - 1 for of_key in versions.values())
        self.books[name] = Books(len(rows), current, superseded, len(bad), deleted)

    def _is_repaired(self, name: str, row: LandedRow, good: list[LandedRow]) -> bool:
        """Whether a good row of its key came with it or since."""
        return any(self._load_of(name, other) >= self._load_of(name, row) for other in good)

    def _load_of(self, name: str, row: LandedRow) -> int:
        return self._loads.get((name, row.file), 0)

    def _is_deleted(self, row: LandedRow) -> bool:
        deleted_at: Moment | None = row.values["deleted_at"]
        return deleted_at is not None and deleted_at.day <= self.as_of

    def _type(self, row: LandedRow, table: Table, name: str) -> None:
        assert row.texts is not None
        for column in table.columns:
            text = row.texts.get(column.name, "").strip()
            value = parse(column, text, self.zones, name.split(".")[0]) if text else None
            most = parse_decimal(row.texts.get(column.at_most, "").strip()) if column.at_most else None
            value = None if value is not None and most is not None and value > most else value
            if text and value is None:
                row.reasons.add(f"invalid_{column.name}")
            elif value is None and column.is_required:
                row.reasons.add(f"missing_{column.name}")
            row.values[column.name] = value

    @staticmethod
    def _key(row: LandedRow, table: Table) -> Key | None:
        """None where a line or a key's column cannot be read."""
        unread = {f"{why}_{name}" for name in table.key for why in ("invalid", "missing")}
        if row.texts is None or row.reasons & unread:
            return None
        return tuple(_plain(row.values[name]) for name in table.key)

    @staticmethod
    def _no_check(_: Values) -> set[str]:
        return set()

    @staticmethod
    def _check_response(row: Values) -> set[str]:
        """A survey that nobody answered has no time of the answer."""
        return {"missing_responded_at"} if row["score"] is not None and row["responded_at"] is None else set()

    def _without_rate(self, currency: str | None, day: date | Moment | None) -> set[str]:
        day = day.day if isinstance(day, Moment) else day
        # a row without a valid date lacks a rate only where there is none on any day
        return {"missing_fx_rate"} if self.rates.at(currency, day) is None else set()

    def _check_money(self, date_column: str) -> Callable[[Values], set[str]]:
        return lambda row: self._without_rate(row["currency"], row[date_column])

    def _check_stage(self, row: Values) -> set[str]:
        return {"unknown_stage"} if row["stage"] is not None and row["stage"] not in self.stages else set()

    def _check_deal(self, row: Values) -> set[str]:
        closing = deal_closing(row, self.stages, self._last_closed)
        if closing is None or closing.day > self.as_of:
            closing = row["created_at"]
        without = set() if row["amount"] is None else self._without_rate(row["currency"], closing)
        return self._check_stage(row) | without

    def _check_item(self, row: Values) -> set[str]:
        reasons = self._check_order(row)
        quantity, price, discount = row["quantity"], row["unit_price"], row["discount_amount"]
        if quantity is not None and price is not None:
            if quantity * price >= GREATEST_LINE:
                reasons |= {"invalid_quantity"}
            if discount is not None and discount > quantity * price:
                reasons |= {"invalid_discount_amount"}
        return reasons

    def _check_order(self, row: Values) -> set[str]:
        return {"unknown_order"} if row["order_id"] is not None and row["order_id"] not in self._orders else set()

    def _check_refund(self, row: Values) -> set[str]:
        if unknown := self._check_order(row):
            return unknown
        order = self._orders.get(row["order_id"])
        return self._without_rate(order["currency"], row["refunded_at"]) if order else set()

    def _check_subscription(self, row: Values) -> set[str]:
        return set() if row["unit_amount"] is None else self._without_rate(row["currency"], row["changed_at"])

    def _check_target(self, row: Values) -> set[str]:
        if row["scope"] == "company":
            row["scope_value"] = None
        return self._without_rate(row["currency"], row["target_month"])


def read_landing(
    folder: Path, settings: Settings, loads: Mapping[tuple[str, str], int] = MappingProxyType({})
) -> Landing:
    """`loads` numbers the loads that brought the files, by table and file; without it one load brought all of them."""
    return _Reader(folder, settings, loads).read()
