"""The companies in a unit's CRM, and which of them are customers."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.books import Books
from orchestration.sample.clock import MINUTES_A_DAY


class Account:
    """A company in the CRM, as the simulation knows it."""

    __slots__ = ("account_id", "created", "currency", "customer_since", "region", "rep", "segment")

    def __init__(self, account_id: str, segment: str, region: str, rep: int, created: int) -> None:
        self.account_id = account_id
        self.segment = segment
        self.region = region
        self.currency = "EUR" if region == "EMEA" else "USD"
        self.rep = rep
        self.created = created
        self.customer_since: int | None = None


class Accounts:
    """Makes accounts. ``customers`` are those that have bought, each with the moment of its first purchase."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.customers: list[tuple[int, Account]] = []

    def new(self, moment: int, rep: int) -> Account:
        """A new account; some change their segment a while later."""
        books = self.books
        u = books.u
        region = catalog.SLOTS[rep].region if u() < 0.8 else books.pick(catalog.REGIONS)
        account_id = books.new_id("A")
        if int(account_id.rpartition("-")[2]) % catalog.RARE_REGION_EVERY == 0:
            region = catalog.RARE_REGION
        account = Account(account_id, books.pick(catalog.SEGMENT_MIX), region, rep, moment)
        name = self._name()
        industry = books.pick(catalog.INDUSTRIES) if u() < 0.9 else ""
        states = [(moment, account.segment if u() < 0.8 else "")]
        if u() < 0.3:
            later = moment + MINUTES_A_DAY * (20 + int(u() * 400))
            if later < books.clock.end:
                states.append((later, account.segment))
        for file, changed, segment in books.accounts.seen(states):
            books.accounts.put(
                file,
                {
                    "account_id": account.account_id,
                    "account_name": name,
                    "segment": segment,
                    "industry": industry,
                    "region": region,
                    "created_at": books.clock.text(moment),
                    "updated_at": books.clock.text(changed),
                },
            )
        return account

    def _name(self) -> str:
        books = self.books
        if books.u() < 0.03:
            return books.pick(catalog.ODD_NAMES)
        front, middle = books.pick(catalog.NAME_FRONT), books.pick(catalog.NAME_MIDDLE)
        return f"{front} {middle}{books.pick(catalog.NAME_BACK)}"
