"""HubSpot: every trap of its tables and exports, as rows of the source contract, with books and reasons.

Three landing folders are staged once each: tables as the commonest replication names them beside exports, tables as two
other replications name them, and exports alone. Each test looks at the rows of its own case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.transform import DbtProject
from orchestration.sample.as_systems import with_own_addresses
from orchestration.sample.systems.hubspot import hubspot_objects, key_of
from tests.support.builds import load, open_build, rows_of, settings_for
from tests.support.landing import Landing, Row

STAGES: tuple[Row, ...] = (
    {"stage_id": "s1", "pipeline_id": "p1", "label": "Discovery", "probability": "0.2", "display_order": "0"},
    {"stage_id": "s2", "pipeline_id": "p1", "label": "Proposal", "probability": "0.6", "display_order": "1"},
    {"stage_id": "s3", "pipeline_id": "p1", "label": "Verbal Yes", "probability": "0.9", "display_order": "2",
     "_fivetran_deleted": "true"},
    {"stage_id": "s4", "pipeline_id": "p1", "label": "Closed Won", "probability": "1.0", "closed_won": "true",
     "display_order": "3"},
    {"stage_id": "s5", "pipeline_id": "p1", "label": "Closed Lost", "probability": "0.0", "is_closed": "true",
     "display_order": "4"},
    {"stage_id": "t1", "pipeline_id": "p2", "label": "discovery", "probability": "0.3", "display_order": "0"},
    {"stage_id": "t2", "pipeline_id": "p2", "label": "Signed", "probability": "1", "display_order": "1"},
    # called as a listed stage, but lost where that one is open
    {"stage_id": "t3", "pipeline_id": "p2", "label": "Negotiation", "probability": "0", "display_order": "2"},
)  # fmt: skip
DAY = "2025-03-01T10:00:00Z"


class Lander:
    """Puts HubSpot's tables into a landing folder."""

    def __init__(self, folder: Path) -> None:
        self.landing = Landing(folder)

    def put(self, folder: str, *rows: Row, file: str = "rows.csv") -> None:
        """A file of an object, named by its folder."""
        self.landing.add_records(f"hubspot.{folder}", list(rows), file)

    def deal(self, deal_id: str, **values: str) -> Row:
        """A deal in the first pipeline's first stage."""
        return {
            "deal_id": deal_id, "deal_pipeline_id": "p1", "deal_pipeline_stage_id": "s1", "property_amount": "100",
            "property_createdate": DAY, "property_hs_lastmodifieddate": DAY, **values,
        }  # fmt: skip


@contextmanager
def staged(landing: Landing, folder: Path, **settings: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """The folder's tables and contract rows, built with all their data tests."""
    warehouse = folder / "warehouse"
    load(landing, warehouse)
    project = DbtProject(settings_for(landing.folder, warehouse, quarantine_threshold=1, **settings))
    project.build(["path:seeds", "path:models/sources", "path:models/staging"])
    with open_build(warehouse) as connection:
        yield connection


def contract_row(build: duckdb.DuckDBPyConnection, table: str, key: str, *columns: str) -> tuple[Any, ...] | None:
    """The current row of a key in a contract table, as text; None where there is none."""
    shown = ", ".join(f"cast({column} as varchar)" for column in columns) or "1"
    schema, name = table.split(".")
    key_column = {
        "sales_reps": "rep_id", "activities": "activity_id", "inquiries": "inquiry_id",
    }.get(name, f"{name.removesuffix('s')}_id")  # fmt: skip
    rows = rows_of(build, f"select {shown} from staging.stg_{schema}__{name} where {key_column} = ?", key)
    assert len(rows) <= 1
    return rows[0] if rows else None


def left_out(build: duckdb.DuckDBPyConnection, table: str, source: str) -> dict[int, str]:
    """Why lines of an object are left out of a table."""
    return dict(
        rows_of(
            build,
            "select line, reason from staging.left_out_rows where system_table = ? and source_table = ?",
            table,
            f"hubspot.{source}",
        )
    )


def books(build: duckdb.DuckDBPyConnection, table: str) -> tuple[int, ...]:
    """Rows read, current, superseded, deleted, quarantined, left out."""
    (row,) = rows_of(
        build,
        "select rows_read, rows_current, rows_superseded, rows_deleted, rows_quarantined, rows_left_out "
        "from staging.load_books where system_table = ?",
        table,
    )
    return row


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("replicated")
    hub = Lander(folder / "landing")
    hub.landing.add_records(
        "crm.sales_reps",
        [
            {"rep_id": "R1", "rep_name": "Ana Alvarez", "email": "Ana@Example.com"},
            {"rep_id": "R2", "rep_name": "Sam Lee", "email": "sam.lee@example.com"},
        ],
    )
    hub.put(
        "owner",
        {"owner_id": "11", "email": "ana@example.com", "first_name": "Ana", "last_name": "Alvarez"},
        {"owner_id": "12", "email": "ben@example.com", "first_name": "Ben", "last_name": "Becker",
         "updated_at": "2025-01-01T00:00:00Z"},
        {"owner_id": "13", "email": "gone@example.com", "first_name": "Gone", "last_name": "Girl",
         "updated_at": "2025-02-01T12:00:00Z", "is_deleted": "true"},
        {"owner_id": "14", "email": "sam2@example.com", "first_name": "Sam", "last_name": "Lee"},
    )  # fmt: skip
    hub.put("team", {"id": "7", "name": "Harbor"}, {"id": "8", "name": "Summit"})
    hub.put(
        "owner_team",
        {"owner_id": "12", "team_id": "7", "is_team_primary": "false"},
        {"owner_id": "12", "team_id": "8", "is_team_primary": "true"},
    )
    _companies(hub)
    _contacts(hub)
    hub.put("deal_pipeline", {"pipeline_id": "p1", "label": "Sales", "display_order": "0"},
            {"pipeline_id": "p2", "label": "Partners", "display_order": "1"})  # fmt: skip
    hub.put("deal_pipeline_stage", *STAGES)
    _deals(hub)
    _activities(hub)
    _tickets(hub)
    with staged(
        hub.landing, folder, business_timezone="America/Phoenix", naive_timestamps_in="hubspot=America/Phoenix"
    ) as connection:
        yield connection


def _companies(hub: Lander) -> None:
    company = {"property_createdate": DAY, "property_hs_lastmodifieddate": DAY}
    hub.put(
        "company",
        {"id": "101", "property_name": "Blue Lantern", "property_industry": "Retail", "property_country": "Spain",
         "property_hubspot_owner_id": "11", **company},
        {"id": "101", "property_name": "Blue Lantern SA", "property_region": "EMEA", "property_country": "Spain",
         "property_createdate": DAY, "property_hs_lastmodifieddate": "2025-03-02T10:00:00Z"},
        {"id": "102", "property_domain": "deleted.example.com", "is_deleted": "true", **company},
        {"id": "103", "property_name": "Swallowed", **company},
        {"id": "104", "property_name": "Swallower", "property_hs_merged_object_ids": "103", **company},
        {"id": "105", "property_name": "Stripe's own", "property_stripe_customer_id": "cus_1", **company},
        # history mode: two versions over, none in force
        {"id": "106", "property_name": "Was there", "_fivetran_active": "false",
         "_fivetran_start": "2025-01-01T00:00:00Z", "property_createdate": DAY},
        {"id": "106", "property_name": "Was there, too", "_fivetran_active": "false",
         "_fivetran_start": "2025-02-01T00:00:00Z", "property_createdate": DAY},
        {"id": "107", "property_name": "Old name", "_fivetran_active": "false",
         "_fivetran_start": "2025-01-01T00:00:00Z", "property_createdate": DAY},
        {"id": "107", "property_name": "New name", "_fivetran_active": "true",
         "_fivetran_start": "2025-02-01T00:00:00Z", "property_createdate": DAY},
    )  # fmt: skip
    hub.put(
        "all_companies",
        {"Record ID": "191", "Company name": "Exported Ltd", "Company owner": "Ana Alvarez",
         "Create Date": "2025-03-31 23:30", "Industry": "Retail", "Country/Region": "France"},
        {"Record ID": "192", "Company name": "Of somebody", "Company owner": "Sam Lee",
         "Create Date": "2025-03-31 23:30", "Industry": "", "Country/Region": ""},
    )  # fmt: skip


def _contacts(hub: Lander) -> None:
    contact = {"property_createdate": DAY, "property_lastmodifieddate": DAY, "property_lifecyclestage": "lead"}
    hub.put(
        "contact",
        {**contact, "id": "201", "property_email": "buyer@blue.example.com", "property_associatedcompanyid": "101",
         "property_hs_analytics_source": "ORGANIC_SEARCH", "property_hubspot_owner_id": "12",
         "property_hs_lifecyclestage_salesqualifiedlead_date": "2025-03-05T08:00:00Z"},
        {**contact, "id": "202", "_fivetran_deleted": "true"},
        {**contact, "id": "203"},
        {**contact, "id": "204", "property_hs_merged_object_ids": "203;205"},
        {**contact, "id": "205"},
        {**contact, "id": "206", "property_hs_merged_object_ids": "207"},
        {**contact, "id": "207"},
        {**contact, "id": "208", "property_hs_calculated_merged_vids": "209:1700000000000;210:1700000000001"},
        {**contact, "id": "209"},
        {**contact, "id": "211", "property_email": "ana@example.com"},
        {**contact, "id": "212", "property_lifecyclestage": "subscriber"},
        {**contact, "id": "213", "property_lifecyclestage": "other"},
        # the address of a contact of company 101, but no company
        {**contact, "id": "214", "property_email": "Buyer@blue.example.com"},
        {**contact, "id": "215", "property_lifecyclestage": "customer",
         "property_hs_lifecyclestage_customer_date": "1741161600000"},
        {**contact, "id": "216", "property_lead_source": "google_ads", "property_hs_analytics_source": "PAID_SEARCH",
         "property_referrer_type": "Customer", "property_referrer_id": "103"},
    )  # fmt: skip
    hub.put(
        "all_contacts",
        {"Record ID": "291", "First Name": "Exp", "Last Name": "Orted", "Email": "exp@exported.example.com",
         "Contact owner": "ana@example.com", "Create Date": "2025-03-31 23:30", "Lifecycle Stage": "Lead",
         "Original Source": "Organic Search", "Associated Company IDs": "191;101"},
        {"Record ID": "292", "Email": "s@exported.example.com", "Create Date": "2025-03-31 23:30",
         "Lifecycle Stage": "Subscriber"},
    )  # fmt: skip


def _deals(hub: Lander) -> None:
    won = {"deal_pipeline_stage_id": "s4", "property_closedate": "2025-04-01T03:30:00Z"}
    lost = {"deal_pipeline_stage_id": "s5", "property_closedate": "2025-03-20T18:00:00Z"}
    hub.put(
        "deal",
        hub.deal("301", **won, property_dealtype="newbusiness", owner_id="11", property_deal_currency_code="usd"),
        hub.deal("302", property_closedate="2025-02-01T05:00:00Z", property_dealtype="existingbusiness"),
        hub.deal("303", deal_pipeline_stage_id="s3", property_hs_deal_stage_probability="0.65"),
        hub.deal("304", deal_pipeline_stage_id="t1", deal_pipeline_id="p2", property_amount=""),
        hub.deal("305", deal_pipeline_stage_id="t2", property_closedate="2025-03-31T00:00:00.000Z"),
        hub.deal("306", **lost, property_closed_lost_reason="price"),
        hub.deal("307", is_deleted="true"),
        hub.deal("308", **won),
        hub.deal("309", **won),
        hub.deal("310", **won, property_hs_merged_object_ids="309"),
        hub.deal("311", deal_pipeline_stage_id="unheard"),
        hub.deal("312", property_createdate="2025-04-02T00:00:00Z"),
        hub.deal("313", property_createdate="2025-04-01T00:00:00Z"),
        hub.deal("314", property_dealtype="Renewal", property_closed_lost_reason="none yet"),
        hub.deal("315", property_dealtype="barter"),
        hub.deal("316", deal_pipeline_stage_id="t3", deal_pipeline_id="p2"),
        hub.deal("317", deal_pipeline_stage_id="s2"),
        hub.deal("318", property_dealtype="Cross-sell", property_expected_close_date="2025-06-30"),
        hub.deal("319", property_dealtype="Up sell"),
        hub.deal("", property_dealname="no id"),
    )
    hub.put("deal", hub.deal("301", property_amount="90", property_hs_lastmodifieddate="2025-01-01T00:00:00Z"),
            file="later.csv")  # fmt: skip
    hub.put("merged_deal", {"deal_id": "301", "merged_deal_id": "308"})
    hub.put(
        "deal_company",
        {"deal_id": "301", "company_id": "104", "type_id": "341", "category": "HUBSPOT_DEFINED"},
        {"deal_id": "301", "company_id": "101", "type_id": "341"},
        {"deal_id": "301", "company_id": "107", "type_id": "5"},
        {"deal_id": "302", "company_id": "103", "type_id": "5"},
        {"deal_id": "312", "company_id": "107", "type_id": "5"},
        {"deal_id": "313", "company_id": "107", "type_id": "5"},
    )
    hub.put("deal_contact", {"deal_id": "301", "contact_id": "216"}, {"deal_id": "301", "contact_id": "201"},
            {"deal_id": "302", "contact_id": "203"})  # fmt: skip
    entered = {"source": "CRM_UI", "_fivetran_active": "false"}
    hub.put(
        "deal_stage",
        {"deal_id": "301", "value": "s1", "date_entered": "2025-03-01T10:00:00Z", **entered},
        {"deal_id": "301", "value": "s3", "date_entered": "2025-03-05T10:00:00Z", **entered},
        {"deal_id": "301", "value": "s1", "date_entered": "2025-03-06T10:00:00Z", **entered},
        {"deal_id": "301", "value": "s4", "date_entered": "1743478200000", "_fivetran_active": "true"},
        {"deal_id": "308", "value": "s4", "date_entered": DAY},
        {"deal_id": "307", "value": "s1", "date_entered": DAY},
        {"deal_id": "301", "value": "s1", "date_entered": "2025-03-01T10:00:00Z", **entered},
    )
    export = {"Deal Name": "Exported", "Pipeline": "Sales", "Amount": "50.5", "Close Date": "2025-03-31 23:30",
              "Create Date": "2025-03-01 09:00", "Deal owner": "Ana Alvarez", "Associated Company": "Exported Ltd",
              "Associated Company IDs": "191;101"}  # fmt: skip
    hub.put(
        "all_deals",
        {"Record ID": "391", "Deal Stage": "Closed Won", **export},
        {"Record ID": "392", "Deal Stage": "Discovery (Sales)", **export},
        {"Record ID": "393", "Deal Stage": "Discovery", **export, "Pipeline": "Partners", "Deal owner": "Sam Lee"},
        {"Record ID": "394", "Deal Stage": "Discovery", **export, "Pipeline": "", "Deal owner": "Nobody Known"},
        {"Record ID": "395", "Deal Stage": "Verbal Yes", **export, "Deal probability": "65%"},
    )


def _activities(hub: Lander) -> None:
    common = {"property_hs_timestamp": DAY, "property_hubspot_owner_id": "12", "property_hs_lastmodifieddate": DAY}
    hub.put(
        "engagement_call",
        {"engagement_id": "401", "property_hs_call_duration": "90000", "property_hs_call_direction": "INBOUND",
         "property_hs_call_status": "COMPLETED", **common},
        {"engagement_id": "402", "property_hs_call_status": "NO_ANSWER", "property_hs_call_direction": "OUTBOUND",
         "property_hs_activity_type": "Product demo", **common},
        {"engagement_id": "403", "_fivetran_deleted": "true", **common},
        {"engagement_id": "404", "property_hs_timestamp": DAY},
        {"engagement_id": "405", "property_hs_call_duration": "2000"},
    )  # fmt: skip
    own_kinds = ("Presentation", "Proposal review", "Networking event", "Internal meeting", "Other", "First chat")
    hub.put(
        "engagement_call",
        *(
            {"engagement_id": str(461 + number), "property_hs_activity_type": own_kind, **common}
            for number, own_kind in enumerate(own_kinds)
        ),
        *(
            {"engagement_id": str(471 + number), "property_hs_call_status": status, **common}
            for number, status in enumerate(("BUSY", "MISSED", "FAILED", "CANCELED", "QUEUED"))
        ),
        file="kinds.csv",
    )
    hub.put(
        "engagement_email",
        {"engagement_id": "411", "property_hs_email_direction": "INCOMING_EMAIL", **common},
        {
            "engagement_id": "412",
            "property_hs_email_direction": "EMAIL",
            "property_hs_email_status": "BOUNCED",
            **common,
        },
    )
    meeting = {**common, "property_hs_createdate": "2025-02-20T09:00:00Z", "start_time": "2025-03-03T10:00:00Z",
               "end_time": "2025-03-03T10:45:00Z"}  # fmt: skip
    hub.put(
        "engagement_meeting",
        *(
            {"engagement_id": str(421 + number), "meeting_outcome": outcome, **meeting}
            for number, outcome in enumerate(("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED", ""))
        ),
        {"engagement_id": "427", **meeting, "start_time": "2026-12-01T10:00:00Z", "end_time": ""},
        {"engagement_id": "428", **meeting, "property_hs_createdate": "2025-03-04T10:00:00Z"},
    )
    hub.put("engagement_note", {"engagement_id": "431", **common})
    hub.put(
        "engagement_task",
        {"engagement_id": "441", "property_hs_task_status": "COMPLETED",
         "property_hs_task_completion_date": "2025-03-09T10:00:00Z", **common},
        {"engagement_id": "442", "property_hs_task_status": "NOT_STARTED", **common},
    )  # fmt: skip
    hub.put(
        "engagement",
        {"id": "401", "type": "CALL"},
        {"id": "405", "type": "CALL", "timestamp": "1740823200000", "owner_id": "11"},
        {"id": "451", "type": "INCOMING_EMAIL", "timestamp": DAY, "owner_id": "11"},
        {"id": "452", "type": "CALL", "timestamp": DAY, "owner_id": "11", "active": "false"},
        {"id": "453", "type": "TASK", "timestamp": DAY, "owner_id": "11"},
        {"id": "454", "type": "SMS", "timestamp": DAY, "owner_id": "11"},
    )
    hub.put("engagement_deal", {"engagement_id": "401", "deal_id": "302"}, {"engagement_id": "401", "deal_id": "301"},
            {"engagement_id": "402", "deal_id": "308"})  # fmt: skip
    hub.put("engagement_company", {"engagement_id": "401", "company_id": "103"})
    hub.put("engagement_contact", {"engagement_id": "401", "contact_id": "201"})


def _tickets(hub: Lander) -> None:
    ticket = {"property_createdate": DAY, "property_hs_lastmodifieddate": DAY, "property_hs_pipeline_stage": "2",
              "property_first_agent_reply_date": "2025-03-01T10:20:00Z"}  # fmt: skip
    closed = {"property_closed_date": "2025-03-02T10:00:00Z"}
    hub.put(
        "ticket",
        {"id": "501", "property_source_type": "EMAIL", "property_hubspot_owner_id": "12", **ticket, **closed},
        {"id": "502", "property_source_type": "FORM", **ticket, **closed, "property_hs_pipeline_stage": "1"},
        {"id": "503", "property_source_type": "CHAT", **ticket, "is_deleted": "true"},
        {"id": "504", **ticket},
        {"id": "505", "property_source_type": "PHONE", "property_hs_merged_object_ids": "504", **ticket},
        {"id": "506", "property_source_type": "CHAT", **ticket},
        {"id": "507", **ticket},
    )
    hub.put(
        "ticket_pipeline_stage", {"stage_id": "1", "ticket_state": "OPEN"}, {"stage_id": "2", "ticket_state": "CLOSED"}
    )
    hub.put("ticket_company", {"ticket_id": "501", "company_id": "101", "type_id": "339"},
            {"ticket_id": "501", "company_id": "107", "type_id": "26"})  # fmt: skip


def test_owners_are_reps_by_email_with_their_main_team(replicated: duckdb.DuckDBPyConnection) -> None:
    assert left_out(replicated, "crm.sales_reps", "owner") == {2: "same_rep_elsewhere"}
    assert contract_row(replicated, "crm.sales_reps", "hubspot:12", "rep_name", "team", "left_on") == (
        "Ben Becker", "Summit", None,
    )  # fmt: skip


def test_an_archived_owner_is_a_rep_who_left(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.sales_reps", "hubspot:13", "left_on") == ("2025-02-01",)


def test_the_newest_version_of_a_company_counts(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.accounts", "hubspot:101", "account_name", "region", "industry") == (
        "Blue Lantern SA", "EMEA", None,
    )  # fmt: skip
    assert contract_row(replicated, "crm.accounts", "hubspot:107", "account_name") == ("New name",)


def test_deleted_and_merged_companies_are_left_out(replicated: duckdb.DuckDBPyConnection) -> None:
    assert left_out(replicated, "crm.accounts", "company") == {4: "deleted", 5: "merged", 9: "deleted"}
    # read, current, superseded (one version each of 101, 106 and 107), deleted, quarantined, left out
    assert books(replicated, "crm.accounts") == (12, 6, 3, 0, 0, 3)


def test_an_exported_company_has_its_owner_by_name_and_local_times(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.accounts", "hubspot:191", "owner_rep_id", "region", "created_at") == (
        "R1", "France", "2025-04-01 06:30:00",
    )  # fmt: skip


def test_a_name_of_two_reps_is_of_none_and_counted(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.accounts", "hubspot:192", "owner_rep_id") == ("hubspot:Sam Lee",)
    assert rows_of(
        replicated,
        "select row_count from staging.data_findings "
        "where system_table = 'crm.accounts' and finding = 'unknown_owner_rep_id'",
    ) == [(1,)]


def test_contacts_are_leads_but_for_those_who_are_none(replicated: duckdb.DuckDBPyConnection) -> None:
    assert left_out(replicated, "crm.leads", "contact") == {
        3: "deleted", 4: "merged", 6: "merged", 8: "merged", 10: "merged", 11: "employee", 12: "not_a_lead",
        13: "not_a_lead",
    }  # fmt: skip
    assert left_out(replicated, "crm.leads", "all_contacts") == {3: "not_a_lead"}


@pytest.mark.parametrize("swallowed", ["203", "205", "207", "209"])
def test_merged_contacts_are_left_out_whichever_way_it_is_said(
    replicated: duckdb.DuckDBPyConnection, swallowed: str
) -> None:
    """a;b;c, one integer, or id:time."""
    assert contract_row(replicated, "crm.leads", f"hubspot:{swallowed}") is None


def test_a_lead_has_its_source_owner_account_and_qualification(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("lead_source", "owner_rep_id", "account_id", "qualified_at")
    assert contract_row(replicated, "crm.leads", "hubspot:201", *columns) == (
        "organic_search", "hubspot:12", "hubspot:101", "2025-03-05 08:00:00",
    )  # fmt: skip
    # one that skipped the stage counts from when it became a customer
    assert contract_row(replicated, "crm.leads", "hubspot:215", "qualified_at") == ("2025-03-05 08:00:00",)
    assert contract_row(replicated, "crm.leads", "hubspot:291", "lead_source", "owner_rep_id", "account_id") == (
        "organic_search", "R1", "hubspot:191",
    )  # fmt: skip


def test_a_lead_without_a_company_is_of_the_account_of_its_address(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.leads", "hubspot:214", "account_id") == ("hubspot:101",)


def test_properties_of_the_company_s_own_come_first(replicated: duckdb.DuckDBPyConnection) -> None:
    # the referrer was merged into 104
    assert contract_row(replicated, "crm.leads", "hubspot:216", "lead_source", "referrer_type", "referrer_id") == (
        "google_ads", "customer", "hubspot:104",
    )  # fmt: skip


def test_deleted_and_merged_deals_are_left_out(replicated: duckdb.DuckDBPyConnection) -> None:
    rows = left_out(replicated, "crm.deals", "deal")
    assert rows == {8: "deleted", 9: "merged", 10: "merged"}


def test_a_close_date_picked_in_arizona_stays_in_its_month(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.deals", "hubspot:301", "expected_close_on", "closed_at") == (
        "2025-03-31", "2025-04-01 03:30:00",
    )  # fmt: skip
    # picked at 10 in the evening of January 31
    assert contract_row(replicated, "crm.deals", "hubspot:302", "expected_close_on") == ("2025-01-31",)
    # an import sent the day alone: midnight UTC is no instant of the day before
    assert contract_row(replicated, "crm.deals", "hubspot:305", "expected_close_on", "closed_at_is_day") == (
        "2025-03-31", "true",
    )  # fmt: skip


def test_an_expected_date_of_the_company_s_own_outlives_the_closing(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.deals", "hubspot:318", "expected_close_on") == ("2025-06-30",)


def test_only_deals_in_closed_stages_are_closed(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.deals", "hubspot:302", "closed_at") == (None,)
    assert contract_row(replicated, "crm.deals", "hubspot:306", "stage", "closed_at", "lost_reason") == (
        "closed_lost", "2025-03-20 18:00:00", "price",
    )  # fmt: skip
    assert contract_row(replicated, "crm.deals", "hubspot:314", "lost_reason") == (None,)


@pytest.mark.parametrize(
    ("deal_id", "stage"),
    [
        ("301", "closed_won"),  # by its label
        ("303", "Verbal Yes"),  # deleted since
        ("302", "Discovery (Sales)"),  # two pipelines have this label
        ("304", "discovery (Partners)"),
        ("305", "Signed"),
        ("316", "Negotiation"),  # a lost stage, which the listed `negotiation` is not
        ("391", "closed_won"),  # exports: by label
        ("392", "Discovery (Sales)"),
        ("393", "discovery (Partners)"),
        ("395", "Verbal Yes"),
    ],
)
def test_a_stage_is_the_listed_one_of_its_label_or_one_of_its_own(
    replicated: duckdb.DuckDBPyConnection, deal_id: str, stage: str
) -> None:
    assert contract_row(replicated, "crm.deals", f"hubspot:{deal_id}", "stage") == (stage,)


def test_stages_that_the_list_lacks_are_brought_along(replicated: duckdb.DuckDBPyConnection) -> None:
    brought = rows_of(
        replicated,
        "select stage, cast(default_probability as varchar), is_won, is_lost from staging.deal_stages_in_force "
        "where stage_order > 6 order by stage_order",
    )
    assert brought == [
        ("Discovery (Sales)", "0.200000", False, False),
        ("Verbal Yes", "0.900000", False, False),
        ("discovery (Partners)", "0.300000", False, False),
        ("Signed", "1.000000", True, False),
        ("Negotiation", "0.000000", False, True),
    ]


def test_a_stage_or_type_that_nobody_knows_sets_the_deal_aside(replicated: duckdb.DuckDBPyConnection) -> None:
    assert set(
        rows_of(
            replicated,
            "select line, reasons from staging.quarantined_rows "
            "where system_table = 'crm.deals' and source_table = 'hubspot.deal'",
        )
    ) == {(12, "unknown_stage"), (16, "invalid_deal_type"), (21, "missing_deal_id")}
    # a label that two pipelines have, without a pipeline
    assert contract_row(replicated, "crm.deals", "hubspot:394") is None


def test_a_probability_is_a_fraction_and_else_its_stage_s(replicated: duckdb.DuckDBPyConnection) -> None:
    shown = {
        key: (contract_row(replicated, "crm.deals", f"hubspot:{key}", "round(probability, 2)") or ("",))[0]
        for key in ("303", "302", "395", "317")
    }
    # 302 is in a stage that HubSpot brings along; 317 in a listed one, to which HubSpot gives another chance
    assert shown == {"303": "0.65", "302": None, "395": "0.65", "317": "0.60"}


def test_a_deal_s_account_is_its_primary_company(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.deals", "hubspot:301", "account_id", "lead_id", "owner_rep_id") == (
        "hubspot:107", "hubspot:201", "R1",
    )  # fmt: skip
    # company 103 and contact 203 were merged
    assert contract_row(replicated, "crm.deals", "hubspot:302", "account_id", "lead_id") == (
        "hubspot:104",
        "hubspot:204",
    )
    assert contract_row(replicated, "crm.deals", "hubspot:391", "account_id") == ("hubspot:191",)


def test_types_of_deals(replicated: duckdb.DuckDBPyConnection) -> None:
    types = {
        key: (contract_row(replicated, "crm.deals", f"hubspot:{key}", "deal_type") or ("",))[0]
        for key in ("301", "302", "312", "313", "314", "318", "319")
    }
    # 312 was made after the first deal of its account was won, 313 before
    assert types == {
        "301": "new_business", "302": "upsell", "312": "upsell", "313": "new_business", "314": "renewal",
        "318": "cross_sell", "319": "upsell",
    }  # fmt: skip


def test_a_deal_without_an_amount_is_one(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.deals", "hubspot:304", "amount") == (None,)


def test_the_history_of_stages_counts_each_change_once(replicated: duckdb.DuckDBPyConnection) -> None:
    changes = rows_of(
        replicated,
        "select stage, cast(changed_at as varchar) from staging.stg_crm__deal_stage_changes order by changed_at",
    )
    assert changes == [
        ("Discovery (Sales)", "2025-03-01 10:00:00"),
        ("Verbal Yes", "2025-03-05 10:00:00"),
        ("Discovery (Sales)", "2025-03-06 10:00:00"),
        ("closed_won", "2025-04-01 03:30:00"),
    ]
    assert left_out(replicated, "crm.deal_stage_changes", "deal_stage") == {6: "deal_merged", 7: "deal_deleted"}
    assert books(replicated, "crm.deal_stage_changes") == (7, 4, 1, 0, 0, 2)


def test_a_call_has_minutes_a_direction_and_what_it_is_about(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("activity_type", "cast(duration_minutes as double)", "direction", "status", "booked_at")
    assert contract_row(replicated, "crm.activities", "hubspot:401", *columns) == (
        "call", "1.5", "inbound", "completed", None,
    )  # fmt: skip
    about = ("deal_id", "account_id", "lead_id", "rep_id")
    assert contract_row(replicated, "crm.activities", "hubspot:401", *about) == (
        "hubspot:301", "hubspot:104", "hubspot:201", "hubspot:12",
    )  # fmt: skip
    # a kind of the company's own; the deal was merged into 301
    assert contract_row(replicated, "crm.activities", "hubspot:402", "activity_type", "status", "deal_id") == (
        "demo", "no_show", "hubspot:301",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("activity_id", "activity_type"),
    [
        ("461", "presentation"), ("462", "proposal"), ("463", "networking_event"), ("464", "admin"), ("465", "other"),
        ("466", "call"), ("453", "admin"), ("454", "other"),
    ],
)  # fmt: skip
def test_kinds_of_activities(replicated: duckdb.DuckDBPyConnection, activity_id: str, activity_type: str) -> None:
    assert contract_row(replicated, "crm.activities", f"hubspot:{activity_id}", "activity_type") == (activity_type,)


@pytest.mark.parametrize(
    ("activity_id", "status"),
    [("471", "no_show"), ("472", "no_show"), ("473", "canceled"), ("474", "canceled"), ("475", "scheduled")],
)
def test_what_became_of_a_call(replicated: duckdb.DuckDBPyConnection, activity_id: str, status: str) -> None:
    assert contract_row(replicated, "crm.activities", f"hubspot:{activity_id}", "status") == (status,)


def test_emails_notes_and_tasks(replicated: duckdb.DuckDBPyConnection) -> None:
    shown = {
        key: contract_row(replicated, "crm.activities", f"hubspot:{key}", "activity_type", "direction", "status")
        for key in ("411", "412", "431", "441", "442")
    }
    assert shown == {
        "411": ("email", "inbound", "completed"), "412": ("email", "outbound", "canceled"),
        "431": ("other", None, "completed"), "441": ("admin", None, "completed"), "442": ("admin", None, "scheduled"),
    }  # fmt: skip
    assert contract_row(replicated, "crm.activities", "hubspot:441", "occurred_at") == ("2025-03-09 10:00:00",)


@pytest.mark.parametrize(
    ("activity_id", "status"),
    [
        ("421", "scheduled"), ("422", "completed"), ("423", "canceled"), ("424", "no_show"), ("425", "canceled"),
        ("426", "completed"), ("427", "scheduled"),
    ],
)  # fmt: skip
def test_what_became_of_a_meeting(replicated: duckdb.DuckDBPyConnection, activity_id: str, status: str) -> None:
    """426 and 427 say nothing: one is over, one is to come."""
    assert contract_row(replicated, "crm.activities", f"hubspot:{activity_id}", "status") == (status,)


def test_a_meeting_is_booked_when_it_was_entered_before_it_began(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("booked_at", "cast(duration_minutes as integer)", "occurred_at")
    assert contract_row(replicated, "crm.activities", "hubspot:421", *columns) == (
        "2025-02-20 09:00:00", "45", "2025-03-03 10:00:00",
    )  # fmt: skip
    assert contract_row(replicated, "crm.activities", "hubspot:428", "booked_at") == (None,)


def test_activities_of_nobody_or_told_twice_are_left_out(replicated: duckdb.DuckDBPyConnection) -> None:
    assert left_out(replicated, "crm.activities", "engagement_call") == {4: "deleted", 5: "without_owner"}
    assert left_out(replicated, "crm.activities", "engagement") == {
        2: "told_by_its_details", 3: "told_by_its_details", 5: "deleted",
    }  # fmt: skip


def test_an_older_replication_keeps_when_and_whose_apart(replicated: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(replicated, "crm.activities", "hubspot:405", "occurred_at", "rep_id") == (
        "2025-03-01 10:00:00", "R1",
    )  # fmt: skip
    assert contract_row(replicated, "crm.activities", "hubspot:451", "activity_type", "direction") == (
        "email",
        "inbound",
    )


def test_tickets_are_inquiries(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("channel", "account_id", "rep_id", "first_responded_at", "resolved_at")
    assert contract_row(replicated, "support.inquiries", "hubspot:501", *columns) == (
        "email", "hubspot:107", "hubspot:12", "2025-03-01 10:20:00", "2025-03-02 10:00:00",
    )  # fmt: skip
    # open again: the date of its first end is no end
    assert contract_row(replicated, "support.inquiries", "hubspot:502", "channel", "resolved_at") == ("other", None)
    assert left_out(replicated, "support.inquiries", "ticket") == {4: "deleted", 5: "merged"}


def test_companies_are_known_by_stored_ids_and_addresses(replicated: duckdb.DuckDBPyConnection) -> None:
    found = rows_of(replicated, "select account_id, same_as_account_id, email from sources.hubspot__identities")
    assert ("hubspot:105", "stripe:cus_1", None) in found
    assert ("hubspot:101", None, "buyer@blue.example.com") in found
    assert len(found) == 3  # with the exported contact's


@pytest.mark.parametrize(("ticket_id", "channel"), [("505", "phone"), ("506", "chat"), ("507", "other")])
def test_channels_of_tickets(replicated: duckdb.DuckDBPyConnection, ticket_id: str, channel: str) -> None:
    assert contract_row(replicated, "support.inquiries", f"hubspot:{ticket_id}", "channel") == (channel,)


def test_all_rows_are_in_the_books(replicated: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(
        replicated,
        "select system_table from staging.load_books where rows_read <> rows_current + rows_superseded + rows_deleted "
        "+ rows_quarantined + rows_left_out",
    ) == []  # fmt: skip


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Tables as two other replications name them: plural folders, no prefix, JSON and numbers as doubles."""
    folder = tmp_path_factory.mktemp("renamed")
    hub = Lander(folder / "landing")
    stages = [
        {"stageId": "appointmentscheduled", "label": "Appointment Scheduled", "displayOrder": 0,
         "metadata": {"isClosed": "false", "probability": "0.2"}},
        {"id": "closedwon", "label": "Closed Won", "displayOrder": 1,
         "metadata": {"isClosed": "true", "probability": "1.0"}},
        {"id": "baedc188-ba76", "label": "Demo", "displayOrder": 2,
         "metadata": {"isClosed": "false", "probability": "0.5"}},
    ]  # fmt: skip
    hub.put(
        "owners", {"id": "11", "email": "ana@example.com", "firstName": "Ana", "lastName": "A", "archived": "false"}
    )
    hub.put("deal_pipelines", {"id": "default", "label": "Sales", "displayOrder": "0", "stages": json.dumps(stages)})
    hub.put(
        "deal_pipeline_stages",
        {"id": "w1", "pipeline_id": "twins", "label": "Twin", "probability": "1.0"},
        {"id": "w2", "pipeline_id": "twins", "label": "Twin", "probability": "0.5"},
        {"id": "w3", "pipeline_id": "twins", "label": "negotiation", "probability": "0.0"},
    )
    hub.put("companies", {"id": "101", "properties_name": "One", "properties_createdate": DAY, "archived": "false"})
    hub.put(
        "contacts",
        {"id": "201", "email": "a@one.example.com", "createdate": DAY, "lifecyclestage": "lead",
         "associatedcompanyid": "101.0", "hs_object_id": "201", "lastmodifieddate": DAY},
    )  # fmt: skip
    deal = {"dealstage": "closedwon", "pipeline": "default", "amount": "1500.0", "createdate": DAY,
            "closedate": "2025-03-10T12:00:00Z", "hs_lastmodifieddate": DAY, "hubspot_owner_id": "11.0"}  # fmt: skip
    hub.put(
        "deals",
        {"id": "301", **deal, "companies": '["101", "102"]', "contacts": '["202","201"]'},
        {"id": "302", **deal},
        {"id": "303", **deal, "dealstage": "baedc188-ba76", "hs_v2_date_entered_appointmentscheduled": DAY,
         "hs_v2_date_entered_baedc188_ba76": "2025-03-04T12:00:00Z", "hs_date_entered_closedwon": ""},
    )  # fmt: skip
    hub.put("deals_archived", {"id": "304", **deal, "archived": "true"}, file="archived.csv")
    hub.put("companies__deals", {"value": "101", "deals_id": "302"})
    hub.put(
        "deals_property_history",
        {"dealId": "301", "property": "dealstage", "value": "appointmentscheduled", "timestamp": "1740823200000"},
        {"dealId": "301", "property": "dealstage", "value": "closedwon", "timestamp": "1741608000000"},
        {"dealId": "301", "property": "amount", "value": "1500", "timestamp": "1741608000000"},
    )
    hub.put(
        "engagements_calls",
        {"id": "401", "hs_timestamp": DAY, "hubspot_owner_id": "11", "hs_call_duration": "60000",
         "companies": "[101]", "deals": "[301]", "contacts": "[]"},
    )  # fmt: skip
    with staged(hub.landing, folder) as connection:
        yield connection


def test_names_without_prefix_are_read(renamed: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(renamed, "crm.sales_reps", "hubspot:11", "rep_name") == ("Ana A",)
    assert contract_row(renamed, "crm.accounts", "hubspot:101", "account_name") == ("One",)
    assert contract_row(renamed, "crm.leads", "hubspot:201", "account_id") == ("hubspot:101",)


def test_pipelines_with_their_stages_in_one_column(renamed: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(
        renamed,
        "select stage_id, stage, is_won from sources.hubspot__stages "
        "where pipeline_id = 'default' order by stage_order",
    ) == [
        ("appointmentscheduled", "Appointment Scheduled", False), ("closedwon", "closed_won", True),
        ("baedc188-ba76", "Demo", False),
    ]  # fmt: skip


def test_associations_in_a_column_or_from_the_company_s_side(renamed: duckdb.DuckDBPyConnection) -> None:
    columns = ("account_id", "lead_id", "owner_rep_id", "stage", "cast(amount as integer)")
    assert contract_row(renamed, "crm.deals", "hubspot:301", *columns) == (
        "hubspot:101", "hubspot:201", "hubspot:11", "closed_won", "1500",
    )  # fmt: skip
    assert contract_row(renamed, "crm.deals", "hubspot:302", "account_id") == ("hubspot:101",)
    assert contract_row(renamed, "crm.activities", "hubspot:401", "account_id", "deal_id", "lead_id") == (
        "hubspot:101", "hubspot:301", None,
    )  # fmt: skip


def test_archived_deals_are_deleted_ones(renamed: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(renamed, "crm.deals", "hubspot:304") is None
    assert left_out(renamed, "crm.deals", "deal") == {2: "deleted"}


def test_stages_from_the_history_of_properties_or_a_column_each(renamed: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(
        renamed,
        "select deal_id, stage, cast(changed_at as varchar) from staging.stg_crm__deal_stage_changes "
        "order by deal_id, changed_at",
    ) == [
        ("hubspot:301", "Appointment Scheduled", "2025-03-01 10:00:00"),
        ("hubspot:301", "closed_won", "2025-03-10 12:00:00"),
        ("hubspot:303", "Appointment Scheduled", "2025-03-01 10:00:00"),
        ("hubspot:303", "Demo", "2025-03-04 12:00:00"),
    ]
    assert left_out(renamed, "crm.deal_stage_changes", "deal_property_history") == {4: "other_property"}


def test_stages_of_one_label_are_told_apart_where_they_end_otherwise(renamed: duckdb.DuckDBPyConnection) -> None:
    """Of pipeline `twins` one `Twin` is won and one open; its `negotiation` is lost, which the listed one is not."""
    query = "select stage, is_won, is_lost from sources.hubspot__stages where pipeline_id = 'twins'"
    assert set(rows_of(renamed, query)) == {
        ("Twin [w1]", True, False), ("Twin [w2]", False, False), ("negotiation [w3]", False, True),
    }  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Exports alone, one with a header in another language, in the folders of the tables."""
    folder = tmp_path_factory.mktemp("exported")
    hub = Lander(folder / "landing")
    hub.put(
        "deals",
        {"Record ID": "1", "Deal Name": "A", "Deal Stage": "Closed Won", "Pipeline": "Sales", "Amount": "10",
         "Close Date": "2025-03-31 23:30", "Create Date": "2025-03-01 09:00", "Deal owner": "Ana Alvarez"},
        {"Record ID": "2", "Deal Name": "B", "Deal Stage": "Contract Sent", "Pipeline": "Sales", "Amount": "10",
         "Close Date": "", "Create Date": "2025-03-01 09:00", "Deal owner": ""},
    )  # fmt: skip
    hub.put(
        "all_deals",
        {"Datensatz-ID": "3", "Deal-Name": "C", "Deal-Phase": "Closed Lost", "Pipeline": "Sales", "Betrag": "7",
         "Abschlussdatum": "2025-03-31 23:30", "Erstelldatum": "2025-03-01 09:00"},
        file="german.csv",
    )  # fmt: skip
    with staged(hub.landing, folder, naive_timestamps_in="hubspot=Asia/Seoul", business_timezone="Asia/Seoul") as build:
        yield build


def test_exports_alone_are_read_by_labels(exported: duckdb.DuckDBPyConnection) -> None:
    shown = {
        key: contract_row(exported, "crm.deals", f"hubspot:{key}", "stage", "closed_at", "expected_close_on")
        for key in ("1", "2", "3")
    }
    assert shown == {
        "1": ("closed_won", "2025-03-31 14:30:00", "2025-03-31"),
        "2": ("Contract Sent", None, None),
        "3": ("closed_lost", "2025-03-31 14:30:00", "2025-03-31"),
    }


def test_exports_have_no_history(exported: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(exported, "select count(*) from staging.stg_crm__deal_stage_changes") == [(0,)]


def test_the_sample_company_s_records_are_its_rows_and_some_that_are_none() -> None:
    account = {"account_id": "A2-00017", "account_name": "One", "industry": "", "segment": "SMB", "region": "EMEA",
               "created_at": "2025-03-01T10:00:00+01:00", "updated_at": "2025-03-02"}  # fmt: skip
    empty: dict[str, list[Row]] = {
        table: [] for table in ("crm.sales_reps", "crm.leads", "crm.deals", "crm.deal_stage_changes", "crm.activities",
                                "support.inquiries")
    }  # fmt: skip
    objects = hubspot_objects({**empty, "crm.accounts": [account]})
    assert hubspot_objects({**empty, "crm.accounts": [account]}) == objects
    assert key_of("crm.accounts", "A2-00017") == "hubspot:10020000017" and key_of("crm.accounts", "") == ""
    kept, deleted, merged = objects["company"]
    assert (kept["id"], kept["property_createdate"]) == ("10020000017", "2025-03-01T09:00:00.000Z")
    assert kept["property_hs_merged_object_ids"] == merged["id"] and deleted["is_deleted"] == "true"
    with pytest.raises(ValueError, match="the sample company's keys"):
        key_of("crm.accounts", "hubspot:1")


def test_namesakes_of_the_sample_company_have_addresses_of_their_own() -> None:
    reps = [{"rep_id": f"R1-0{number}", "email": "ana.lee.1@example.com"} for number in (1, 2)]
    assert [rep["email"] for rep in with_own_addresses(reps)] == [
        "ana.lee.1@example.com", "r1-02.ana.lee.1@example.com",
    ]  # fmt: skip
