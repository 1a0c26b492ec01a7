"""Raw rows are typed once: what a warehouse built in steps has typed is what typing all of it at once gives."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.transform import DbtProject
from orchestration.core.contract import PROJECT_ROOT, landed_tables, source_tables
from orchestration.load import loader
from tests.support.builds import open_build, rows_of, settings_for
from tests.support.landing import Landing

STAGING = ("path:seeds", "path:models/sources", "path:models/staging")
DEALS = "typed_crm__deals"


class Company:
    """A landing folder and a warehouse that is staged from it step by step."""

    def __init__(self, folder: Path) -> None:
        self.landing = Landing(folder / "landing")
        self.landing.folder.mkdir(exist_ok=True)
        self.warehouse = folder / "warehouse"
        self.warehouse.mkdir(exist_ok=True)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A connection that may write."""
        connection = duckdb.connect(str(self.warehouse / "build.duckdb"))
        connection.execute("set TimeZone = 'UTC'")
        return connection

    def load(self, load_id: str) -> None:
        with self.connect() as connection:
            loader.load(connection, self.landing.folder, load_id, tables=landed_tables())

    def stage(self, *models: str, full_refresh: bool = False, **settings: Any) -> None:
        """Build models (all of staging where none is named) of what is loaded."""
        given = settings_for(self.landing.folder, self.warehouse, quarantine_threshold=1, **settings)
        DbtProject(given).build(models or STAGING, full_refresh)

    def copied(self, folder: Path) -> Company:
        """The same landing folder with a copy of the warehouse."""
        shutil.copytree(self.warehouse, folder / "warehouse")
        copy = Company(folder)
        copy.landing = self.landing
        return copy

    def mark(self, model: str = DEALS) -> None:
        """Mark all rows that are typed by now, so that it shows which are typed anew."""
        with self.connect() as connection:
            connection.execute(f"update staging.{model} set _content = '0'")

    def marked(self, model: str = DEALS) -> tuple[int, int]:
        """How many typed rows are marked, and not."""
        counts = "count(*) filter (where _content = '0'), count(*) filter (where _content <> '0')"
        [row] = rows_of(self.warehouse, f"select {counts} from staging.{model}")
        return row[0], row[1]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def differences(one: Company, other: Company, tables: Iterable[str]) -> list[str]:
    """The tables of staging of which one warehouse has rows that the other lacks, with how many."""
    wrong = []
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one.warehouse / 'build.duckdb'}' as one (read_only)")
        connection.execute(f"attach '{other.warehouse / 'build.duckdb'}' as other (read_only)")
        for table in tables:
            for these, those in (("one", "other"), ("other", "one")):
                query = f"select count(*) from (from {these}.staging.{table} except all from {those}.staging.{table})"
                [(rows,)] = connection.execute(query).fetchall()
                wrong += [f"{table}: {rows} of {these}"] if rows else []
    return wrong


def staged_tables(company: Company) -> list[str]:
    query = "select table_name from duckdb_tables() where schema_name = 'staging' order by table_name"
    return [name for (name,) in rows_of(company.warehouse, query)]


def same_as_typed_at_once(company: Company, folder: Path, *models: str, **settings: Any) -> None:
    """A copy of the warehouse in which everything is made anew has the same rows."""
    fresh = company.copied(folder)
    fresh.stage(*models, full_refresh=True, **settings)
    assert differences(company, fresh, models or staged_tables(company)) == []


def first_deals(company: Company) -> None:
    """Two deals, loaded and typed."""
    company.landing.add("crm.deals", {"deal_id": "D1"}, {"deal_id": "D2", "created_at": "2026-01-01 23:30:00"})
    company.load("load-1")
    company.stage(DEALS)


@pytest.mark.slow
def test_in_steps_as_at_once(company: Company, tmp_path: Path) -> None:
    """New files, corrected ones, malformed lines, another setting, other names of reps, rows of a source system."""
    land = company.landing
    land.add(
        "crm.sales_reps", {"rep_id": "R1", "email": "ann@example.com"}, {"rep_id": "R2", "email": "bo@example.com"}
    )
    land.add("crm.accounts", {"account_id": "A1"}, {"account_id": "A2", "created_at": "soon"})
    deal = {"account_id": "A1", "updated_at": "2026-02-01T00:00:00Z", "created_at": "2026-01-01 23:30:00"}
    land.add(
        "crm.deals",
        # one rep, by two names: both rows say the same
        {**deal, "deal_id": "D1", "owner_rep_id": "R1"}, {**deal, "deal_id": "D1", "owner_rep_id": "ann@example.com"},
        {**deal, "deal_id": "D2", "owner_rep_id": "R1"}, {**deal, "deal_id": "D2", "owner_rep_id": "bo@example.com"},
        file="1.csv",
    )  # fmt: skip
    land.add_file("crm.leads", 'lead_id,created_at\nL1,2026-01-01\n"L2"x,2026-01-01\nL3,never\n', "1.csv")
    land.add_records("hubspot.company", [{"id": "11", "property_name": "Acme", "property_createdate": "2026-01-05"}])
    owner = {"owner_id": "1", "email": "ann@example.com", "first_name": "Ann"}
    land.add_records("hubspot.owner", [owner])
    company.load("load-1")
    company.stage()
    land.add_file("crm.leads", 'lead_id,created_at\nL1,2026-01-01\n"L2",2026-01-01\nL3,2026-01-02\n', "1.csv")
    land.add("crm.deals", {**deal, "deal_id": "D3", "amount": "1e3"}, {**deal, "deal_id": "D4", "amount": "ten"},
             file="2.csv")  # fmt: skip
    land.add_records(
        "hubspot.company", [{"id": "12", "property_name": "B", "property_createdate": "2026-01-06"}], "2.csv"
    )
    company.load("load-2")
    company.mark()
    company.stage()
    assert company.marked() == (4, 2)
    land.add("crm.deals", {"deal_id": "D5", "owner_rep_id": "BO@example.com"}, file="3.csv")
    company.load("load-3")
    company.stage(business_timezone="Asia/Seoul", naive_timestamps_in="crm=Asia/Seoul")
    assert company.marked() == (0, 7)
    same_as_typed_at_once(
        company, tmp_path / "fresh", business_timezone="Asia/Seoul", naive_timestamps_in="crm=Asia/Seoul"
    )
    with open_build(company.warehouse) as build:
        conflicts = "select deal_id from staging.base_crm__deals where _is_conflict"
        assert rows_of(build, conflicts) == [("D2",)]
        owners = "select deal_id, owner_rep_id from staging.stg_crm__deals where deal_id < 'D6' order by 1"
        assert rows_of(build, owners) == [("D1", "R1"), ("D2", "R2"), ("D3", None), ("D5", "R2")]


def test_a_build_types_what_landed_since(company: Company) -> None:
    first_deals(company)
    company.mark()
    company.stage(DEALS, as_of_date="2026-07-01", revenue_basis="bookings")
    assert company.marked() == (2, 0)
    company.landing.add("crm.deals", {"deal_id": "D2"}, {"deal_id": "D3"}, {"deal_id": "D4"}, file="2.csv")
    company.load("load-2")
    company.stage(DEALS)
    assert company.marked() == (2, 3)
    company.stage(DEALS, full_refresh=True)
    assert company.marked() == (0, 5)


def _another_zone(company: Company) -> dict[str, Any]:
    return {"naive_timestamps_in": "Asia/Seoul"}


def _by_hand(statement: str) -> Callable[[Company], dict[str, Any]]:
    def change(company: Company) -> dict[str, Any]:
        with company.connect() as connection:
            connection.execute(statement)
        return {}

    change.__name__ = statement
    return change


def _the_loader_starts_over(company: Company) -> dict[str, Any]:
    """As many rows of as many files, by the same numbers."""
    with company.connect() as connection:
        connection.execute("delete from raw.crm__deals")
        connection.execute("delete from raw.load_files")
    company.landing.add("crm.deals", {"deal_id": "D7"}, {"deal_id": "D8"})
    company.load("load-1")
    return {}


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (_another_zone, 2),
        (_the_loader_starts_over, 2),
        (_by_hand("delete from raw.crm__deals where deal_id = 'D1'"), 1),
        (_by_hand("delete from staging.typed_crm__deals where deal_id = 'D1'"), 2),
        (_by_hand("comment on table staging.typed_crm__deals is null"), 2),
        (_by_hand("update raw.load_files set sha256 = 'other'"), 2),
        (_by_hand("drop table staging.typed_crm__deals"), 2),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_may_not_be_what_typing_all_gives_is_typed_anew(
    company: Company, change: Callable[[Company], dict[str, Any]], rows: int
) -> None:
    first_deals(company)
    company.mark()
    company.stage(DEALS, **change(company))
    assert company.marked() == (0, rows)


def test_values_that_the_loader_fills_in_later_are_typed(company: Company, tmp_path: Path) -> None:
    """The contract has the column already: the query is the same, and so are the rows' number and file."""
    older = PROJECT_ROOT / "tests" / "upgrade"
    with company.connect() as connection:
        connection.execute((older / "first_version.sql").read_text(encoding="utf-8"))
    # the file with the column is not there any more
    shutil.copytree(older / "landing" / "crm", company.landing.folder / "crm")
    company.load("load-2")
    company.stage("typed_billing__refunds")
    taxes = "select refund_id, cast(tax_amount as double) from staging.typed_billing__refunds"
    assert rows_of(company.warehouse, taxes) == [("F1", None)]
    shutil.copytree(older / "landing", company.landing.folder, dirs_exist_ok=True)
    company.load("load-3")
    company.stage("typed_billing__refunds")
    [(_, tax)] = rows_of(company.warehouse, taxes)
    assert tax is not None
    same_as_typed_at_once(company, tmp_path / "fresh", "typed_billing__refunds")


def test_names_that_links_resolve_are_plain_texts() -> None:
    """So that resolving them when the row is typed already changes neither a type, a range nor a reason."""
    for table in source_tables():
        for column in table.columns:
            if column.parent in ("crm.accounts", "crm.sales_reps"):
                assert (column.type, tuple(column.accepted)) == ("text", ()), f"{table.label}.{column.name}"
