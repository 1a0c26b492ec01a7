"""The metrics beyond the standard list."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.reference.small import Company, row


def test_the_forecast_takes_what_is_won_and_what_is_expected(company: Company) -> None:
    company.add(
        "crm.deals",
        "deal_id,deal_type,stage,amount,probability,created_at,closed_at,expected_close_on",
        "D1,upsell,closed_won,100,,2025-01-01,2025-06-02,",
        "D2,upsell,proposal,200,,2025-01-01,,2025-05-01",  # overdue: it counts today, at the stage's 50 %
        "D3,upsell,proposal,400,0,2025-01-01,,2025-07-01",
        "D4,renewal,proposal,800,0.25,2025-01-01,,2025-08-31",
        "D5,upsell,proposal,1600,,2025-01-01,,",  # nobody says when
        "D6,upsell,proposal,3200,1,2025-01-01,,2025-10-01",  # beyond three months, within three quarters
    )
    company.add("planning.sales_targets", "target_month,scope,amount", "2025-07-01,company,70")
    company.add("planning.sales_quotas", "quota_month,rep_id,amount,months", "2025-06-01,R1,100,3")
    bookings = company.compute("sales_forecast", revenue_basis="bookings")
    assert row(bookings, "sales_forecast", "month", "2025-07-01").target_value == 70
    mart = company.compute("sales_forecast").marts["sales_forecast"]
    of_all = {key[:2]: row for key, row in mart.items() if key[2] == "all"}
    assert [start for grain, start in of_all if grain == "quarter"] == [
        date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1),
    ]  # fmt: skip
    june, july, august = (of_all["month", date(2025, month, 1)] for month in (6, 7, 8))
    assert june.extras == {"won_amount": 100, "open_amount": 200, "weighted_open_amount": 100, "overdue_amount": 200}
    assert (june.metric_value, july.metric_value, august.metric_value) == (200, 0, 200)
    assert (july.extras["open_amount"], july.prior_period_value, july.target_value) == (400, 200, Decimal("33.3333"))
    assert of_all["quarter", date(2025, 10, 1)].metric_value == 3200
    assert mart["month", date(2025, 8, 1), "sales_rep", "unknown"].metric_value == 200
    assert not any(row.is_complete or row.prior_year_value is not None for row in mart.values())


def test_coverage_and_velocity(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name,team", "R1,Ada,Blue", "R2,Bob,Red")
    company.add(
        "crm.deals",
        "deal_id,owner_rep_id,deal_type,stage,amount,created_at,closed_at,expected_close_on",
        "D1,R1,upsell,closed_won,300,2025-03-31,2025-04-10,",  # 10 days
        "D2,R1,upsell,closed_won,100,2025-03-31,2025-04-20,",  # 20 days
        "D3,R2,upsell,closed_lost,100,2025-03-31,2025-04-20,",
        "D4,R1,upsell,proposal,500,2025-04-30,,2025-06-30",
        "D5,,upsell,closed_won,900,2025-01-30,2025-01-30,",  # on 30 April 90 days ago
    )
    company.add_order("O1", "2025-04-05", "40", rep="R1").add_order("O2", "2025-05-05", "60")
    company.add(
        "planning.sales_targets",
        "target_month,scope,scope_value,amount",
        "2025-04-01,company,,140",
        "2025-05-01,company,,60",
        "2025-06-01,company,,1000",
        "2025-04-01,team,Green,10",
    )
    result = company.compute("pipeline_coverage", "sales_velocity")
    april = row(result, "pipeline_coverage", "month", "2025-04-01")  # open at the end of March: D1 to D3
    assert (april.numerator, april.denominator, april.extras["remaining_target"]) == (500, 140, 100)
    # D4 is not expected in April; 1,400 were closed in a year, 1,300 of it won
    assert april.extras["coverage_of_remaining"] == 0
    assert april.extras["needed_coverage"] == pytest.approx(14 / 13)
    may = row(result, "pipeline_coverage", "month", "2025-05-01")  # the target is reached
    assert (may.numerator, may.denominator, may.extras["remaining_target"]) == (500, 60, 0)
    assert may.extras["coverage_of_remaining"] is None
    june = row(result, "pipeline_coverage", "month", "2025-06-01").extras
    assert (june["remaining_target"], june["coverage_of_remaining"]) == (1000, 0.5)
    blue = row(result, "pipeline_coverage", "month", "2025-04-01", "team", "Blue")
    assert (blue.numerator, blue.denominator, blue.extras["remaining_target"]) == (400, None, None)
    green = row(result, "pipeline_coverage", "month", "2025-04-01", "team", "Green")
    assert (green.numerator, green.denominator) == (0, 10)
    velocity = row(result, "sales_velocity", "month", "2025-04-01")
    # 1 open x 2/3 won x 200 each, in 15 days
    assert velocity.numerator == pytest.approx(400 / 3) and velocity.denominator == 15
    assert velocity.extras == {
        "open_deals": 1, "win_rate": 2 / 3, "average_deal_size": 200, "sales_cycle_length": 15,
    }  # fmt: skip
    # Red had an open deal at the end of March, so there is something to compare April with, but not May
    assert row(result, "sales_velocity", "month", "2025-04-01", "team", "Red").numerator is None
    assert ("month", date(2025, 5, 1), "team", "Red") not in result.marts["sales_velocity"]
    longer = company.compute("sales_velocity", velocity_days=91)
    assert row(longer, "sales_velocity", "month", "2025-04-01").extras["average_deal_size"] == pytest.approx(
        Decimal(1300) / 3
    )


def test_what_customers_are_worth_and_cost(company: Company) -> None:
    company.add_accounts("A1", "A2", "A3")
    company.add("billing.products", "product_id,product_name,unit_cost", "P1,one,20")
    for order_id, day, account in (
        ("O1", "2024-05-20", "A1"),
        ("O2", "2024-05-21", "A2"),  # not active a year after
        ("O3", "2025-05-20", "A1"),
        ("O4", "2025-05-21", "A3"),
    ):
        company.add_order(order_id, day, "100", account=account)
    company.add("marketing.ad_spend", "spend_on,channel,campaign,amount", "2025-05-01,web,c,30")
    company.add("planning.sales_costs", "cost_month,cost_type,amount", "2025-05-01,salaries,310", "2025-06-01,rent,300")
    result = company.compute("clv_to_cac", "cac_payback_months", "repeat_purchase_rate", "refund_rate", "gross_margin")
    # 200 of the last twelve months by 2 active customers at 80 %, of 2 customers a year before 1 is gone; 340 for A3
    may = row(result, "clv_to_cac", "month", "2025-05-01")
    assert (may.numerator, may.denominator) == (160, 340)
    assert may.extras == {"predicted_lifetime_value": 160, "customer_acquisition_cost": 340}
    web = row(result, "clv_to_cac", "month", "2025-05-01", "lead_source", "web")
    assert (web.numerator, web.denominator, web.metric_value) == (None, None, None)
    payback = row(result, "cac_payback_months", "month", "2025-05-01")
    # A3 brought 100 at 80 % in 11 days
    assert payback.denominator == pytest.approx(80 / (11 / (365 / 12)))
    assert payback.metric_value == pytest.approx(340 * 11 / (365 / 12) / 80)
    repeat = row(result, "repeat_purchase_rate", "month", "2025-05-01")
    assert (repeat.numerator, repeat.denominator) == (1, 2)
    paid_only = company.compute("clv_to_cac", cac_costs="paid_only", cac_lag_days=30)
    assert row(paid_only, "clv_to_cac", "month", "2025-05-01").denominator == 30  # of 1 May, counted on the 31st


def test_margin_and_refunds(company: Company) -> None:
    company.add("billing.products", "product_id,product_name,unit_cost", "P1,one,60", "P2,two,")
    company.add("billing.orders", "order_id,ordered_at,status", "O1,2025-01-31,refunded")
    company.add(
        "billing.order_items",
        "order_item_id,order_id,product_id,quantity,unit_price",
        "I1,O1,P1,2,100",
        "I2,O1,P2,1,50",
    )
    company.add("billing.refunds", "refund_id,order_id,amount,refunded_at", "F1,O1,25,2025-02-01")
    result = company.compute("gross_margin", "refund_rate")
    january = row(result, "gross_margin", "month", "2025-01-01")
    assert (january.numerator, january.denominator) == (80, 200)
    assert january.extras == {"cost_amount": 120, "costed_revenue_share": 0.8}
    february = row(result, "gross_margin", "month", "2025-02-01")  # a tenth comes back, with its cost
    assert (february.numerator, february.denominator, february.metric_value) == (-8, -20, None)
    assert february.extras == {"cost_amount": -12, "costed_revenue_share": None}
    quarter = row(result, "gross_margin", "quarter", "2025-01-01")
    assert quarter.metric_value == pytest.approx(72 / 180)
    assert row(result, "refund_rate", "month", "2025-02-01").metric_value is None
    assert row(result, "refund_rate", "quarter", "2025-01-01").metric_value == 0.1


def test_stages_and_lost_reasons(company: Company) -> None:
    company.add(
        "crm.deals",
        "deal_id,deal_type,stage,amount,created_at,closed_at,lost_reason",
        "D1,upsell,closed_lost,100,2025-01-01,2025-01-20,price",
        "D2,upsell,closed_lost,300,2025-01-01,2025-01-21,",
    )
    company.add(
        "crm.deal_stage_changes",
        "deal_id,stage,changed_at",
        "D1,proposal,2025-01-02T00:00",
        "D1,proposal,2025-01-05",  # saved, not moved
        "D1,negotiation,2025-01-12T12:00",  # 10.5 days later; from here to a day it is 8
        "D1,closed_lost,2025-01-20",
        "D2,negotiation,2025-01-11",
        "D2,prospecting,2025-01-21",
    )
    result = company.compute("stage_duration", "lost_reasons")
    proposal = row(result, "stage_duration", "month", "2025-01-01", "stage", "proposal")
    assert (proposal.numerator, proposal.denominator) == (10.5, 1)
    negotiation = row(result, "stage_duration", "month", "2025-01-01", "stage", "negotiation")
    assert (negotiation.numerator, negotiation.denominator) == (18, 2)
    assert negotiation.extras == {"median": 9, "p90": pytest.approx(9.8)}
    assert ("month", date(2025, 1, 1), "stage", "prospecting") not in result.marts["stage_duration"]
    unknown = row(result, "lost_reasons", "month", "2025-01-01", "lost_reason", "unknown")
    assert (unknown.metric_value, unknown.extras) == (1, {"share": 0.5, "amount_lost": 300})


def test_effort_and_what_it_brings(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name", "R1,Ada")
    company.add_accounts("A1", "A2").add_order("O1", "2025-01-10", "90", account="A1", rep="R1")
    company.add_order("O2", "2025-02-10", "10", account="A1")
    company.add(
        "crm.activities",
        "activity_id,activity_type,rep_id,occurred_at,duration_minutes,status",
        "T1,call,R1,2025-01-05,90,completed",
        "T2,admin,R1,2025-01-05,600,completed",
        "T3,call,R1,2025-01-05,600,canceled",
    )
    company.add("planning.sales_costs", "cost_month,cost_type,amount", "2025-01-01,salaries,45")
    company.add("marketing.ad_spend", "spend_on,channel,campaign,amount", "2025-01-05,web,c,0")
    company.add("crm.activities", "activity_id,activity_type,rep_id,occurred_at,duration_minutes,status",
        "T4,call,nobody,2025-01-05,900,completed", file="2.csv")  # fmt: skip
    result = company.compute("revenue_per_selling_hour", "sales_efficiency")
    hour = row(result, "revenue_per_selling_hour", "month", "2025-01-01")
    assert (hour.metric_value, hour.extras) == (60, {"revenue": 90, "selling_hours": 1.5})
    assert row(result, "revenue_per_selling_hour", "month", "2025-01-01", "sales_rep", "R1").metric_value == 60
    assert row(result, "revenue_per_selling_hour", "month", "2025-02-01").metric_value is None  # of nobody known
    assert ("month", date(2025, 2, 1), "sales_rep", "unknown") not in result.marts["revenue_per_selling_hour"]
    company.add_order("O3", "2025-02-10", "90", account="A2")
    february = row(company.compute("sales_efficiency"), "sales_efficiency", "month", "2025-02-01")
    assert february.metric_value is None  # without subscriptions
    assert february.extras == {"new_customer_revenue": 90, "new_customer_revenue_ratio": 2}
    company.add(
        "billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount",
        "C1,S1,A2,2025-02-12,active,15",
    )
    result = company.compute("sales_efficiency", "average_revenue_per_account")
    february = row(result, "sales_efficiency", "month", "2025-02-01")  # against January's cost
    assert (february.numerator, february.denominator, february.metric_value) == (180, 45, 4)
    january = row(result, "sales_efficiency", "month", "2025-01-01")  # nothing is known of the month before
    assert (january.denominator, january.metric_value) == (None, None)
    account = row(result, "average_revenue_per_account", "month", "2025-02-01")
    assert (account.numerator, account.denominator) == (15, 1)


def test_cohorts(company: Company) -> None:
    company.add_accounts("A1", "A2").add_order("O1", "2025-02-10", "90", account="A1")
    company.add_order("O2", "2025-02-28", "90", account="A2").add_order("O3", "2025-04-20", "9", account="A1")
    mart = company.compute("cohort_retention", customer_active_days=45).marts["cohort_retention"]
    february = {key[3]: (row.numerator, row.denominator) for key, row in mart.items() if key[1] == date(2025, 2, 1)}
    # A1 buys in April again; June is not over
    assert february == {"000": (2, 2), "001": (0, 2), "002": (1, 2), "003": (0, 2), "all": (0, 2)}
    april = mart["month", date(2025, 2, 1), "months_since", "002"]
    assert april.extras == {"cohort_customers": 2, "still_active": 0.5, "revenue_per_customer": 94.5}
    assert mart["month", date(2025, 3, 1), "all", "all"].metric_value is None
    assert not any(key[1] == date(2025, 3, 1) and key[2] == "months_since" for key in mart)
