"""Leads, activities, answers, deals."""

from __future__ import annotations

from datetime import date

import pytest

from tests.reference.rows import percentile
from tests.reference.small import Company, reasons, row


def test_lead_conversion_is_a_cohort_rate(company: Company) -> None:
    company.add_accounts("A1", "A2").add(
        "crm.leads",
        "lead_id,created_at,lead_source,account_id,qualified_at",
        "L1,2025-01-10T18:00:00,web,A1,2025-01-11",  # its sale is on that very day
        "L2,2025-01-20,web,A2,",  # sale only before
        "L3,2025-01-20,,A9,2025-12-01",  # not an account; qualified after the books were closed
        "L4,2025-03-01,web,A1,",  # sale in April
    )
    for order_id, day, account in (("O1", "2025-01-10", "A1"), ("O2", "2025-01-19", "A2"), ("O3", "2025-04-01", "A1")):
        company.add_order(order_id, day, "5", account=account)
    company.add_order("O4", "2025-04-01", "5", account="A9")
    result = company.compute("lead_conversion_rate")
    january = row(result, "lead_conversion_rate", "month", "2025-01-01")
    assert (january.numerator, january.denominator) == (1, 3)
    assert january.extras == {
        "qualified_leads": 1,
        "conversions_in_period": 1,
        "converted_within_30_days_share": 1 / 3,
        "converted_within_60_days_share": 1 / 3,
        "converted_within_90_days_share": 1 / 3,
    }
    march = row(result, "lead_conversion_rate", "month", "2025-03-01").extras
    # by 31 March even its last lead had 60 days until 15 June, but not 90; the sale came after 31
    assert [march[f"converted_within_{days}_days_share"] for days in (30, 60, 90)] == [0, 1, None]
    assert row(result, "lead_conversion_rate", "month", "2025-03-01").metric_value == 1
    april = row(result, "lead_conversion_rate", "month", "2025-04-01")
    assert (april.metric_value, april.extras["conversions_in_period"]) == (None, 1)
    assert row(result, "lead_conversion_rate", "month", "2025-01-01", "lead_source", "unknown").metric_value == 0


def test_calls_and_emails(company: Company) -> None:
    company.add(
        "crm.activities",
        "activity_id,activity_type,rep_id,occurred_at,direction,status",
        "T1,call,R1,2025-01-01,outbound,completed",
        "T2,email,R1,2025-01-01,,completed",
        "T3,call,R1,2025-01-01,inbound,completed",
        "T4,call,R1,2025-01-01,outbound,scheduled",
        "T5,meeting,R1,2025-01-01,outbound,completed",
        "T6,call,R1,2025-06-16,outbound,completed",
    )
    result = company.compute("calls_and_emails")
    assert row(result, "calls_and_emails", "year", "2025-01-01").metric_value == 2
    assert row(result, "calls_and_emails", "year", "2025-01-01", "activity_type", "email").metric_value == 1
    assert row(result, "calls_and_emails", "year", "2025-01-01", "sales_rep", "unknown").metric_value == 2


def test_csat_takes_what_it_lacks_from_its_inquiry(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name", "R1,Ada", "R2,Bob")
    company.add("support.inquiries", "inquiry_id,channel,rep_id,received_at", "Q1,chat,R1,2025-01-01")
    company.add(
        "support.csat_responses",
        "response_id,inquiry_id,rep_id,score,responded_at",
        "V1,Q1,,5,2025-01-02",
        "V2,Q1,R2,4,2025-01-02",
        "V3,,,3.0,2025-01-02",
        "V4,Q1,nobody,1,2025-01-02",
        "V5,Q1,,4.5,2025-01-02",
    )
    result = company.compute("csat")
    total = row(result, "csat", "month", "2025-01-01")
    assert (total.numerator, total.denominator, total.extras["average_score"]) == (2, 4, 3.25)
    mart, january = result.marts["csat"], ("month", date(2025, 1, 1))
    members = {key[2:]: value.denominator for key, value in mart.items() if key[:2] == january and key[2] != "all"}
    assert members == {
        ("sales_rep", "R1"): 1, ("sales_rep", "R2"): 1, ("sales_rep", "unknown"): 2, ("team", "unknown"): 4,
        ("channel", "chat"): 3, ("channel", "unknown"): 1, ("segment", "unknown"): 4,
    }  # fmt: skip
    assert reasons(result, "support.csat_responses") == {6: {"invalid_score"}}


DEALS = "deal_id,lead_id,owner_rep_id,deal_type,stage,amount,probability,created_at,closed_at,updated_at"


def test_win_rate_cycle_and_quota(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name,team", "R1,Ada,Blue", "R2,Bob,Blue")
    company.add("crm.leads", "lead_id,created_at", "L1,2025-01-01")
    company.add(
        "crm.deals",
        DEALS,
        "D1,L1,R1,upsell,closed_won,300,,2025-01-05,2025-01-11,",  # lead on the 1st: 10 days
        "D2,,R1,upsell,closed_won,100,,2025-01-10,,2025-01-31",  # touched on the 11th: 16 days to the change
        "D3,,R1,upsell,closed_lost,50,,2025-01-10,2025-01-12,",
        "D4,,R2,upsell,closed_won,200,,2025-02-02,2025-02-01,",  # closed before it was created
        "D5,,R2,upsell,closed_won,900,,2025-02-02,2025-07-01,",  # not yet
        "D6,,R2,upsell,closed_won,60,,2025-02-02,2025-02-06,",  # 4 days
    )
    company.add("crm.deal_stage_changes", "deal_id,stage,changed_at", "D2,closed_won,2025-01-27")
    company.add(
        "crm.activities",
        "activity_id,activity_type,rep_id,deal_id,occurred_at,status",
        "T1,call,R1,D2,2025-01-11T12:00,completed",
        "T2,call,R1,D2,2025-01-02T12:00,no_show",
    )
    company.add(
        "planning.sales_quotas",
        "quota_month,rep_id,amount",
        "2025-01-01,R1,400",
        "2025-02-01,R1,100",
        "2025-01-01,R2,0",
        "2025-02-02,R2,70",  # not the first of a month
    )
    result = company.compute("win_rate", "sales_cycle_length", "quota_attainment")
    january = row(result, "win_rate", "month", "2025-01-01")
    assert (january.numerator, january.denominator) == (2, 3)
    assert january.extras["win_rate_by_amount"] == pytest.approx(400 / 450)
    cycle = row(result, "sales_cycle_length", "month", "2025-01-01")
    assert (cycle.numerator, cycle.denominator, cycle.metric_value) == (26, 2, 13)
    assert cycle.extras == {"median": 13, "p90": pytest.approx(15.4), "average_deal_age_days": 11.5}
    assert row(result, "sales_cycle_length", "month", "2025-02-01").metric_value == 4
    quota = row(result, "quota_attainment", "quarter", "2025-01-01")
    # R1 wins 400 of 500 over the quarter, R2 260 in a month of it for which it has no quota.
    assert (quota.numerator, quota.denominator, quota.target_value) == (660, 500, 1)
    assert row(result, "quota_attainment", "month", "2025-02-01").numerator == 0
    assert quota.extras == {"reps_with_quota": 2, "reps_attained": 0}
    assert row(result, "quota_attainment", "month", "2025-01-01", "team", "Blue").extras["reps_attained"] == 1
    assert row(result, "quota_attainment", "month", "2025-01-01", "sales_rep", "R2").metric_value is None
    assert reasons(result, "planning.sales_quotas") == {5: {"invalid_quota_month"}}


def test_pipeline_at_the_end_of_a_period(company: Company) -> None:
    company.add(
        "crm.deals",
        DEALS,
        "D1,,,upsell,closed_lost,100,0.1,2025-01-10,2025-03-15,",
        "D2,,,upsell,negotiation,200,,2025-01-20,,",  # lost in February, reopened in April
        "D3,,,upsell,closed_won,400,,2025-02-10,2025-06-30,",  # closes after as_of: open, of no known stage
    )
    company.add(
        "crm.deal_stage_changes",
        "deal_id,stage,changed_at",
        "D2,proposal,2025-01-20",
        "D2,closed_lost,2025-02-20",
        "D2,negotiation,2025-04-20",
    )
    result = company.compute("pipeline_value")
    mart = result.marts["pipeline_value"]
    months = [mart["month", date(2025, month, 1), "all", "all"] for month in range(1, 7)]
    assert [month.metric_value for month in months] == [300, 500, 400, 600, 600, 600]
    # D1 at its own 10 %; D2 at the default of the stage then: proposal 50 %, negotiation 75 %; D3's stage has none.
    assert [month.extras["weighted_value"] for month in months] == [110, 10, 0, 150, 150, 150]
    stages = {key[3]: value for key, value in mart.items() if key[:3] == ("month", date(2025, 1, 1), "stage")}
    assert {stage: value.metric_value for stage, value in stages.items()} == {"unknown": 100, "proposal": 200}
    assert row(result, "pipeline_value", "month", "2025-04-01", "stage", "negotiation").metric_value == 200
    assert row(result, "pipeline_value", "month", "2025-04-01", "stage", "unknown").metric_value == 400


def test_percentiles_are_continuous() -> None:
    assert percentile([4.0, 1.0, 2.0], 0.5) == 2
    assert percentile([0.0, 10.0], 0.9) == 9
    assert percentile([], 0.5) is None
