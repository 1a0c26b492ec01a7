"""What source systems share: one account in two systems, one rep, wide plans, and what the contract's own files say."""

from __future__ import annotations

import csv
from collections.abc import Mapping

import duckdb
import pytest

from orchestration.build.transform import DbtProject
from orchestration.core.contract import landed_tables
from orchestration.load import loader
from tests.support.builds import open_build, rows_of, settings_for
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

DAY = "2026-01-05T10:00:00Z"


def put(landing: Landing, place: str, *rows: Mapping[str, str]) -> None:
    """Write rows into a file of landing/<place>/."""
    folder = landing.folder / place
    folder.mkdir(parents=True, exist_ok=True)
    names = dict.fromkeys(name for row in rows for name in row)
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A company with HubSpot, Stripe, a list of reps, a link file and wide plans, staged."""
    folder = tmp_path_factory.mktemp("links")
    landing, warehouse = Landing(folder / "landing"), folder / "warehouse"
    landing.add(
        "crm.sales_reps",
        {"rep_id": "R1", "email": "Ann@example.com"},
        {"rep_id": "R2", "email": "bob@example.com"},
        {"rep_id": "R3", "email": "bob@example.com"},
    )
    landing.add("crm.accounts", {"account_id": "A1"})
    put(
        landing, "hubspot/owner",
        {"owner_id": "1", "email": "ann@example.com", "first_name": "Ann"},
        {"owner_id": "2", "email": "bob@example.com", "first_name": "Bob"},
        {"owner_id": "3", "email": "cy@example.com", "first_name": "Cy"},
    )  # fmt: skip
    companies = [
        {"id": number, "property_name": name, "property_createdate": DAY, "property_hubspot_owner_id": owner}
        for number, name, owner in (("11", "Acme", "1"), ("12", "Beta", "3"), ("13", "Gamma", ""), ("14", "Delta", ""))
    ]
    put(landing, "hubspot/company", *companies)
    put(
        landing, "hubspot/contact",
        *(
            {"id": number, "property_email": email, "property_createdate": DAY, "property_associatedcompanyid": company}
            for number, email, company in (
                ("21", "buyer@acme.example", "11"), ("22", "both@example.com", "12"), ("23", "both@example.com", "13"),
                ("24", "pay@delta.example", "14"), ("25", "alone@example.com", ""),
            )
        ),
    )  # fmt: skip
    customers = [
        {"id": "cus_mail", "email": "BUYER@acme.example"},
        {"id": "cus_both", "email": "both@example.com"},
        {"id": "cus_id", "email": "both@example.com", "metadata": '{"hubspot_company_id": "12"}'},
        {"id": "cus_file", "email": "pay@delta.example"},
        {"id": "cus_alone", "email": "alone@example.com"},
    ]
    put(landing, "stripe/customer", *({"created": DAY, "livemode": "true", **customer} for customer in customers))
    put(landing, "identities/account_links", {"source_system": "stripe", "source_id": "cus_file", "account_id": "A1"})
    landing.add("billing.orders", {"order_id": "O1", "account_id": "stripe:cus_mail", "rep_id": "hubspot:1"})
    put(
        landing, "planning/sales_quotas",
        {"Sales rep": "ann@example.com", "Jan 2026": "1000", "2026-02": "1,234", "2026년 3월": "1,234.50", "Note": "x"},
        {"Sales rep": "cy@example.com", "Jan 2026": "", "2026-02": "", "2026년 3월": "", "Note": "new"},
        {"Sales rep": "bob@example.com", "Jan 2026": "5", "2026-02": "", "2026년 3월": "", "Note": ""},
    )  # fmt: skip
    landing.add_file("planning.sales_costs", "cost_month;cost_type;amount\n2026-01-01;rent;1.234,50\n", "costs.csv")
    settings = settings_for(
        landing.folder, warehouse, quarantine_threshold=1, decimal_comma_in="planning.sales_costs"
    )  # fmt: skip
    warehouse.mkdir()
    with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        loader.load(connection, landing.folder, "load-1", tables=landed_tables())
    DbtProject(settings).build(["path:seeds", "path:models/sources", "path:models/staging"])
    return open_build(warehouse)


def test_an_account_is_another_by_file_then_by_id_then_by_address(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(staged, "select account_id, linked_account_id, rule from sources.account_links order by 1") == [
        ("stripe:cus_both", None, "email"),
        ("stripe:cus_file", "A1", "link_file"),
        ("stripe:cus_id", "hubspot:12", "stored_id"),
        ("stripe:cus_mail", "hubspot:11", "email"),
    ]
    [(candidates,)] = rows_of(staged, "select candidates from sources.account_links where is_conflict")
    assert candidates == "hubspot:12, hubspot:13"


def test_of_two_accounts_that_are_one_the_crm_stands(staged: duckdb.DuckDBPyConnection) -> None:
    accounts = {account for (account,) in rows_of(staged, "select account_id from staging.stg_crm__accounts")}
    assert accounts == {
        "A1", "hubspot:11", "hubspot:12", "hubspot:13", "hubspot:14", "stripe:cus_both", "stripe:cus_alone",
    }  # fmt: skip
    assert rows_of(
        staged,
        "select count(*) from staging.left_out_rows where source_table = 'stripe.customer' "
        "and reason = 'same_account_elsewhere'",
    ) == [(3,)]
    # a contact without a company is a lead of the customer who has its address
    assert rows_of(staged, "select account_id from staging.stg_crm__leads where lead_id = 'hubspot:25'") == [
        ("stripe:cus_alone",)
    ]


def test_a_rep_is_one_by_address_unless_two_have_it(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(staged, "select rep_id, linked_rep_id from sources.rep_links") == [("hubspot:1", "R1")]
    reps = {rep for (rep,) in rows_of(staged, "select rep_id from staging.stg_crm__sales_reps")}
    assert reps == {"R1", "R2", "R3", "hubspot:2", "hubspot:3"}
    assert rows_of(
        staged,
        "select account_id, owner_rep_id from staging.stg_crm__accounts where owner_rep_id <> '' order by 1",
    ) == [("hubspot:11", "R1"), ("hubspot:12", "hubspot:3")]


def test_the_contracts_own_files_may_use_other_names(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(staged, "select account_id, rep_id from staging.stg_billing__orders") == [("hubspot:11", "R1")]


def test_a_wide_plan_is_a_row_a_month_and_says_what_it_cannot_read(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(
        staged,
        "select quota_month::varchar, rep_id, amount::double from staging.stg_planning__sales_quotas order by 1, 2",
    ) == [("2026-01-01", "R1", 1000.0), ("2026-01-01", "bob@example.com", 5.0), ("2026-03-01", "R1", 1234.5)]
    [(reasons, line, text)] = rows_of(
        staged,
        "select reasons, line, read_as ->> 'amount' from staging.quarantined_rows "
        "where system_table = 'planning.sales_quotas'",
    )
    assert (reasons, line) == ("invalid_amount", 2)
    assert text == "1,234 (thousands or decimals? set decimal_comma_in)"
    assert rows_of(
        staged, "select line, reason from staging.left_out_rows where system_table = 'planning.sales_quotas'"
    ) == [(3, "no_month_filled")]
    assert rows_of(
        staged,
        "select rows_read, rows_current, rows_quarantined, rows_left_out from staging.load_books "
        "where system_table = 'planning.sales_quotas'",
    ) == [(5, 3, 1, 1)]


def test_a_decimal_comma_is_read_where_it_is_declared(staged: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(staged, "select amount::double from staging.stg_planning__sales_costs") == [(1234.5,)]
