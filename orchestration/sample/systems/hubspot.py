"""The sample company as HubSpot has it: owners, companies, contacts, deals in two pipelines, activities and tickets.

What HubSpot has no field for stands in properties of the company's own. Beside the company's rows there are some that a
build must leave out: deleted and merged records, subscribers, colleagues, activities of nobody, and older versions.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.sample.systems.hubspot_engagements import engagements
from orchestration.sample.systems.hubspot_values import (
    Row,
    Rows,
    before,
    extra_id,
    instant,
    milliseconds,
    record_id,
    some,
)

FILLS = (
    "crm.accounts",
    "crm.leads",
    "crm.deals",
    "crm.deal_stage_changes",
    "crm.activities",
    "support.inquiries",
)
SALES, RENEWALS = "default", "renewals"
# label, probability, won, closed
STAGES = {
    "prospecting": ("Prospecting", "0.1", "false", "false"),
    "qualification": ("Qualification", "0.25", "false", "false"),
    "proposal": ("Proposal", "0.5", "false", "false"),
    "negotiation": ("Negotiation", "0.75", "false", "false"),
    "closed_won": ("Closed Won", "1.0", "true", "true"),
    "closed_lost": ("Closed Lost", "0.0", "false", "true"),
}
DEAL_TYPES = {
    "new_business": "newbusiness",
    "upsell": "existingbusiness",
    "cross_sell": "Cross-sell",
    "renewal": "Renewal",
}
TICKET_SOURCES = {"email": "EMAIL", "phone": "PHONE", "chat": "CHAT"}
OPEN_TICKET, CLOSED_TICKET = "1", "4"


def hubspot_objects(tables: Mapping[str, Rows]) -> dict[str, list[Row]]:
    """The rows of HubSpot's objects, by object, made of the clean rows of the contract's tables (by `system.table`)."""
    return {
        **_owners(tables["crm.sales_reps"]),
        **_companies(tables["crm.accounts"]),
        **_contacts(tables["crm.leads"], tables["crm.sales_reps"]),
        **_pipelines(),
        **_deals(tables["crm.deals"], tables["crm.deal_stage_changes"]),
        **engagements(tables["crm.activities"]),
        **_tickets(tables["support.inquiries"]),
    }


def key_of(table: str, contract_id: str) -> str:
    """The key that a row of the contract has once HubSpot brings it, such as hubspot:10010000001; '' for ''."""
    return f"hubspot:{record_id(table, contract_id)}" if contract_id else ""


def _owners(sales_reps: Rows) -> dict[str, list[Row]]:
    """A user for every rep, known by the e-mail address, and the teams."""
    teams = {team: str(700 + number) for number, team in enumerate(sorted({rep["team"] for rep in sales_reps}))}
    owners: list[Row] = []
    memberships: list[Row] = []
    for rep in sales_reps:
        owner_id = record_id("crm.sales_reps", rep["rep_id"])
        first_name, _, last_name = rep["rep_name"].partition(" ")
        owners.append(
            {
                "owner_id": owner_id,
                "email": rep["email"],
                "first_name": first_name,
                "last_name": last_name,
                "updated_at": instant(rep["updated_at"]),
            }
        )
        memberships.append({"owner_id": owner_id, "team_id": teams[rep["team"]], "is_team_primary": "true"})
        memberships.append({"owner_id": owner_id, "team_id": "799", "is_team_primary": "false"})
    named = [{"id": team_id, "name": team} for team, team_id in teams.items()]
    return {"owner": owners, "owner_team": memberships, "team": [*named, {"id": "799", "name": "Everybody"}]}


def _companies(accounts: Rows) -> dict[str, list[Row]]:
    def company(account: Mapping[str, str]) -> Row:
        return {
            "id": record_id("crm.accounts", account["account_id"]),
            "is_deleted": "false",
            "property_name": account["account_name"],
            "property_industry": account["industry"],
            "property_segment": account["segment"],
            "property_region": account["region"],
            "property_hubspot_owner_id": record_id("crm.sales_reps", account.get("owner_rep_id", "")),
            "property_createdate": instant(account["created_at"]),
            "property_hs_lastmodifieddate": instant(account["updated_at"]),
            "property_hs_merged_object_ids": "",
        }

    rows = [company(account) for account in accounts]
    by_id = {row["id"]: row for row in rows}
    for number, account in some(accounts):
        gone = extra_id("company", number)
        rows.append({**company(account), "id": extra_id("company", 100 + number), "is_deleted": "true"})
        rows.append({**company(account), "id": gone})
        by_id[record_id("crm.accounts", account["account_id"])]["property_hs_merged_object_ids"] = gone
    return {"company": rows}


def _contacts(leads: Rows, sales_reps: Rows) -> dict[str, list[Row]]:
    def contact(lead: Mapping[str, str]) -> Row:
        contact_id = record_id("crm.leads", lead["lead_id"])
        referrer_id = lead["referrer_id"]
        return {
            "id": contact_id,
            "_fivetran_deleted": "false",
            "property_email": f"contact.{contact_id}@example.net",
            "property_createdate": instant(lead["created_at"]),
            "property_lifecyclestage": "salesqualifiedlead" if lead["qualified_at"] else "lead",
            "property_hs_analytics_source": "OFFLINE",
            "property_lead_source": lead["lead_source"],
            "property_hubspot_owner_id": record_id("crm.sales_reps", lead["owner_rep_id"]),
            "property_associatedcompanyid": record_id("crm.accounts", lead["account_id"]),
            "property_hs_lifecyclestage_salesqualifiedlead_date": milliseconds(lead["qualified_at"]),
            "property_referrer_type": lead["referrer_type"],
            "property_referrer_id": record_id("crm.accounts", referrer_id)
            if lead["referrer_type"] == "customer"
            else referrer_id,
            "property_hs_merged_object_ids": "",
            "property_lastmodifieddate": instant(lead["updated_at"]),
        }

    rows = [contact(lead) for lead in leads]
    by_id = {row["id"]: row for row in rows}
    for (number, lead), rep in zip(some(leads), sales_reps, strict=False):
        gone = [extra_id("contact", 10 * number + copy) for copy in range(1 + number % 3)]
        rows += [{**contact(lead), "id": contact_id, "property_email": ""} for contact_id in gone]
        by_id[record_id("crm.leads", lead["lead_id"])]["property_hs_merged_object_ids"] = ";".join(gone)
        others: tuple[Row, ...] = (
            {"_fivetran_deleted": "true", "property_email": ""},
            {"property_lifecyclestage": "subscriber", "property_email": ""},
            {"property_email": rep["email"]},
        )
        for kind, other in enumerate(others, start=1):
            rows.append({**contact(lead), "id": extra_id("contact", 100 * kind + number), **other})
    # a lead without a source has what HubSpot found: nothing
    for row in rows:
        row["property_hs_analytics_source"] = row["property_hs_analytics_source"] if row["property_lead_source"] else ""
    return {"contact": rows}


def _pipelines() -> dict[str, list[Row]]:
    """Two pipelines whose stages have the same labels; one stage was deleted, with the deals still in it."""
    stages = [
        {
            "stage_id": _stage_id(pipeline, stage),
            "pipeline_id": pipeline,
            "label": label,
            "probability": probability,
            "closed_won": is_won,
            "is_closed": is_closed,
            "display_order": str(number),
            "_fivetran_deleted": "true" if (pipeline, stage) == (RENEWALS, "negotiation") else "false",
        }
        for pipeline in (SALES, RENEWALS)
        for number, (stage, (label, probability, is_won, is_closed)) in enumerate(STAGES.items())
    ]
    pipelines = [
        {"pipeline_id": SALES, "label": "Sales Pipeline", "display_order": "0"},
        {"pipeline_id": RENEWALS, "label": "Renewals", "display_order": "1"},
    ]
    return {"deal_pipeline": pipelines, "deal_pipeline_stage": stages}


def _stage_id(pipeline: str, stage: str) -> str:
    """HubSpot names the stages of the first pipeline, and numbers those of the others."""
    if pipeline == SALES:
        return stage.replace("_", "")
    return str(81_000_000 + list(STAGES).index(stage))


def _pipeline_of(deal: Mapping[str, str]) -> str:
    return RENEWALS if deal["deal_type"] == "renewal" else SALES


def _deal(deal: Mapping[str, str]) -> Row:
    pipeline = _pipeline_of(deal)
    # one date, which is the expected one until the deal is closed; the company keeps the expected one, too
    closes = instant(
        deal["closed_at"] or (f"{deal['expected_close_on']}T12:00:00" if deal["expected_close_on"] else "")
    )
    return {
        "deal_id": record_id("crm.deals", deal["deal_id"]),
        "is_deleted": "false",
        "deal_pipeline_id": pipeline,
        "deal_pipeline_stage_id": _stage_id(pipeline, deal["stage"]),
        "owner_id": record_id("crm.sales_reps", deal["owner_rep_id"]),
        "property_dealname": deal["deal_name"],
        "property_amount": deal["amount"],
        "property_deal_currency_code": deal["currency"],
        "property_closedate": closes,
        "property_expected_close_date": deal["expected_close_on"],
        "property_createdate": instant(deal["created_at"]),
        "property_dealtype": DEAL_TYPES[deal["deal_type"]],
        "property_hs_deal_stage_probability": deal["probability"],
        "property_closed_lost_reason": deal["lost_reason"],
        "property_hs_lastmodifieddate": instant(deal["updated_at"]),
    }


def _deals(deals: Rows, stage_changes: Rows) -> dict[str, list[Row]]:
    pipelines = {deal["deal_id"]: _pipeline_of(deal) for deal in deals}
    rows = [_deal(deal) for deal in deals]
    history = _stage_history(stage_changes, pipelines)
    companies = [_association(deal, "company_id", "crm.accounts", "account_id", "5") for deal in deals]
    contacts = [_association(deal, "contact_id", "crm.leads", "lead_id", "3") for deal in deals]
    merged: list[Row] = []
    for number, deal in some(deals):
        row = _deal(deal)
        # as it was an hour before, for other money
        older = {"property_hs_lastmodifieddate": instant(before(deal["updated_at"], 60))}
        rows.append({**row, **older, "property_amount": "999999.00"})
        for gone, values in (
            (extra_id("deal", number), {"is_deleted": "true"}),
            (extra_id("deal", 100 + number), {"is_deleted": "false"}),
        ):
            rows.append({**row, "deal_id": gone, **values})
            entered = {"value": row["deal_pipeline_stage_id"], "date_entered": row["property_createdate"]}
            history.append({**history[0], "deal_id": gone, **entered})
        merged.append({"deal_id": row["deal_id"], "merged_deal_id": extra_id("deal", 100 + number)})
    return {
        "deal": rows,
        "merged_deal": merged,
        "deal_stage": history,
        "deal_company": [row for row in companies if row["company_id"]],
        "deal_contact": [row for row in contacts if row["contact_id"]],
    }


def _stage_history(stage_changes: Rows, pipelines: Mapping[str, str]) -> list[Row]:
    """Every stage that a deal came into; the last one is active."""
    ordered = sorted(stage_changes, key=lambda change: (change["deal_id"], instant(change["changed_at"])))
    last = {change["deal_id"]: number for number, change in enumerate(ordered)}
    return [
        {
            "deal_id": record_id("crm.deals", change["deal_id"]),
            "value": _stage_id(pipelines.get(change["deal_id"], SALES), change["stage"]),
            "date_entered": instant(change["changed_at"]),
            "source": "CRM_UI",
            "_fivetran_active": "true" if last[change["deal_id"]] == number else "false",
        }
        for number, change in enumerate(ordered)
    ]


def _association(deal: Mapping[str, str], column: str, table: str, reference: str, type_id: str) -> Row:
    return {
        "deal_id": record_id("crm.deals", deal["deal_id"]),
        column: record_id(table, deal[reference]),
        "type_id": type_id,
        "category": "HUBSPOT_DEFINED",
    }


def _tickets(inquiries: Rows) -> dict[str, list[Row]]:
    def ticket(inquiry: Mapping[str, str]) -> Row:
        return {
            "id": record_id("support.inquiries", inquiry["inquiry_id"]),
            "is_deleted": "false",
            "property_createdate": instant(inquiry["received_at"]),
            "property_first_agent_reply_date": instant(inquiry["first_responded_at"]),
            "property_closed_date": instant(inquiry["resolved_at"]),
            "property_hubspot_owner_id": record_id("crm.sales_reps", inquiry["rep_id"]),
            "property_hs_pipeline_stage": CLOSED_TICKET if inquiry["resolved_at"] else OPEN_TICKET,
            "property_source_type": TICKET_SOURCES.get(inquiry["channel"], "FORM"),
            "property_hs_lastmodifieddate": instant(inquiry["updated_at"]),
        }

    rows = [ticket(inquiry) for inquiry in inquiries]
    rows += [
        {**ticket(inquiry), "id": extra_id("ticket", number), "is_deleted": "true"}
        for number, inquiry in some(inquiries)
    ]
    companies = [
        {
            "ticket_id": record_id("support.inquiries", inquiry["inquiry_id"]),
            "company_id": record_id("crm.accounts", inquiry["account_id"]),
            "type_id": "26",
        }
        for inquiry in inquiries
        if inquiry["account_id"]
    ]
    stages = [
        {"stage_id": OPEN_TICKET, "ticket_state": "OPEN"},
        {"stage_id": CLOSED_TICKET, "ticket_state": "CLOSED"},
    ]
    return {"ticket": rows, "ticket_company": companies, "ticket_pipeline_stage": stages}
