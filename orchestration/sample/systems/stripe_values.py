"""Ids, times and money of the sample company as Stripe has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

Row = dict[str, str]
Rows = Sequence[Mapping[str, str]]

# What Stripe's ids begin with, by the table of the contract whose row they are.
PREFIXES = {
    "crm.accounts": "cus_",
    "billing.products": "prod_",
    "billing.orders": "in_",
    "billing.order_items": "il_",
    "billing.refunds": "re_",
    "billing.subscription_changes": "sub_",
}
# Of these currencies Stripe counts whole units.
WHOLE_CURRENCIES = frozenset(("JPY", "KRW"))
# Records that are none of the company's; of each kind some.
EXTRAS = 5


def stripe_id(table: str, contract_id: str) -> str:
    """The id of the record that a row of the contract is, such as cus_A1x00007 for A1-00007; '' for ''."""
    return PREFIXES[table] + contract_id.replace("-", "x") if contract_id else ""


def moment_of(text: str) -> datetime:
    """A timestamp of the contract; without an offset it is in UTC. Raises ValueError for another text."""
    moment = datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def instant(text: str, minutes: float = 0) -> str:
    """A timestamp of the contract as replications have it, in UTC, so many minutes later; '' for ''."""
    return (moment_of(text) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ") if text else ""


def epoch(text: str) -> str:
    """A timestamp of the contract in seconds since 1970."""
    return str(int(moment_of(text).timestamp()))


def minor(amount: str, currency: str) -> int:
    """An amount of the contract in the currency's minor unit; '' is nothing."""
    return int(Decimal(amount or "0") * (1 if currency in WHOLE_CURRENCIES else 100))


def gross_of(net: int, tax: int, total: int) -> int:
    """What is given back, tax with it, of an order of `total` with so much `tax` in it, for `net` without tax.

    All in minor units. The share of tax is rounded half up, as the models do.
    """
    if tax <= 0:
        return net
    gross = net * total // (total - tax)
    while gross - _share(gross, tax, total) < net:
        gross += 1
    return gross


def _share(amount: int, part: int, whole: int) -> int:
    return (2 * amount * part + whole) // (2 * whole)


def some(rows: Rows) -> Iterable[tuple[int, Mapping[str, str]]]:
    """A few rows, evenly spread, each with a number."""
    step = max(len(rows) // EXTRAS, 1)
    return enumerate(rows[::step][:EXTRAS])
