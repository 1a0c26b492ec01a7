"""The activities of the sample company as HubSpot has them: calls, e-mails and meetings, and what each is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestration.sample.systems.hubspot_values import Row, Rows, before, extra_id, instant, record_id, some

# Calls and meetings of the company's own kinds.
CALL_KINDS = {"call": "", "proposal": "Proposal", "admin": "Admin", "other": "Other"}
MEETING_KINDS = {
    "meeting": "",
    "demo": "Product demo",
    "presentation": "Presentation",
    "networking_event": "Networking event",
}
OUTCOMES = {"completed": "COMPLETED", "scheduled": "SCHEDULED", "canceled": "CANCELED", "no_show": "NO_SHOW"}
EMAIL_DIRECTIONS = {"outbound": "EMAIL", "inbound": "INCOMING_EMAIL"}


def engagements(activities: Rows) -> dict[str, list[Row]]:
    """Calls, e-mails and meetings, and what each is about."""
    made: dict[str, tuple[str, Callable[[Mapping[str, str]], Row]]] = {
        "email": ("engagement_email", _email),
        **dict.fromkeys(CALL_KINDS, ("engagement_call", _call)),
        **dict.fromkeys(MEETING_KINDS, ("engagement_meeting", _meeting)),
    }
    objects: dict[str, list[Row]] = {
        name: []
        for name in ("engagement", "engagement_call", "engagement_email", "engagement_meeting", "engagement_note")
    }
    about: dict[str, list[Row]] = {"engagement_deal": [], "engagement_company": [], "engagement_contact": []}
    for activity in activities:
        name, make = made[activity["activity_type"]]
        row = {**_common(activity), **make(activity)}
        objects[name].append(row)
        kind = name.removeprefix("engagement_").upper()
        objects["engagement"].append({"id": row["engagement_id"], "type": kind})
        for other, column, table, reference in (
            ("engagement_deal", "deal_id", "crm.deals", "deal_id"),
            ("engagement_company", "company_id", "crm.accounts", "account_id"),
            ("engagement_contact", "contact_id", "crm.leads", "lead_id"),
        ):
            if activity[reference]:
                about[other].append(
                    {"engagement_id": row["engagement_id"], column: record_id(table, activity[reference])}
                )
    for number, activity in some(activities):
        call = {**_common(activity), **_call(activity)}
        deleted = {"engagement_id": extra_id("engagement", number), "_fivetran_deleted": "true"}
        of_nobody = {"engagement_id": extra_id("engagement", 100 + number), "property_hubspot_owner_id": ""}
        objects["engagement_call"] += [{**call, **deleted}, {**call, **of_nobody}]
        objects["engagement_note"].append(
            {**_common(activity), **of_nobody, "engagement_id": extra_id("engagement", 200 + number)}
        )
    return {**objects, **about}


def _common(activity: Mapping[str, str]) -> Row:
    return {
        "engagement_id": record_id("crm.activities", activity["activity_id"]),
        "property_hs_timestamp": instant(activity["occurred_at"]),
        "property_hs_createdate": instant(activity["booked_at"] or activity["occurred_at"]),
        "property_hubspot_owner_id": record_id("crm.sales_reps", activity["rep_id"]),
        "property_hs_lastmodifieddate": instant(activity["updated_at"]),
        "_fivetran_deleted": "false",
    }


def _call(activity: Mapping[str, str]) -> Row:
    minutes = activity["duration_minutes"]
    return {
        "property_hs_activity_type": CALL_KINDS.get(activity["activity_type"], ""),
        "property_hs_call_direction": activity["direction"].upper(),
        "property_hs_call_status": OUTCOMES[activity["status"]],
        "property_hs_call_duration": str(round(float(minutes) * 60_000)) if minutes else "",
    }


def _email(activity: Mapping[str, str]) -> Row:
    return {
        "property_hs_email_direction": EMAIL_DIRECTIONS.get(activity["direction"], ""),
        "property_hs_email_status": "SENT",
        # HubSpot does not know how long one takes
        "property_duration_minutes": activity["duration_minutes"],
    }


def _meeting(activity: Mapping[str, str]) -> Row:
    minutes = activity["duration_minutes"]
    return {
        "property_hs_activity_type": MEETING_KINDS[activity["activity_type"]],
        "start_time": instant(activity["occurred_at"]),
        "end_time": instant(before(activity["occurred_at"], -float(minutes))) if minutes else "",
        "meeting_outcome": OUTCOMES[activity["status"]],
    }
