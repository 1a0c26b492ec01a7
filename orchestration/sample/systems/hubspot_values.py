"""Ids and times of the sample company as HubSpot has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from orchestration.sample.systems import hubspot_id

Row = dict[str, str]
Rows = Sequence[Mapping[str, str]]

# What HubSpot calls the records that become rows of these tables.
KINDS = {
    "crm.sales_reps": "owner",
    "crm.accounts": "company",
    "crm.leads": "contact",
    "crm.deals": "deal",
    "crm.activities": "engagement",
    "support.inquiries": "ticket",
}
# Records that are none of the company's; of each kind some.
EXTRAS = 5


def record_id(table: str, contract_id: str) -> str:
    """The number of the record that a row of the contract is; '' for ''."""
    return hubspot_id(KINDS[table], contract_id) if contract_id else ""


def extra_id(kind: str, number: int) -> str:
    """The number of a record that is none of the company's: smaller than those that are."""
    return str(900_000 + 1000 * sorted(KINDS.values()).index(kind) + number)


def moment_of(text: str) -> datetime | None:
    """A timestamp of the contract; without an offset it is in UTC."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def instant(text: str) -> str:
    """A timestamp of the contract as replications have it, in UTC with milliseconds."""
    moment = moment_of(text)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z") if moment else ""


def milliseconds(text: str) -> str:
    """A timestamp of the contract as milliseconds since 1970."""
    moment = moment_of(text)
    return str(int(moment.timestamp()) * 1000) if moment else ""


def before(text: str, minutes: float) -> str:
    """A timestamp so many minutes before one of the contract."""
    moment = moment_of(text)
    return (moment - timedelta(minutes=minutes)).isoformat() if moment else ""


def some(rows: Rows) -> Iterable[tuple[int, Mapping[str, str]]]:
    """A few rows, evenly spread, each with a number."""
    step = max(len(rows) // EXTRAS, 1)
    return enumerate(rows[::step][:EXTRAS])
