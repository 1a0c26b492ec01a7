"""Days among instants, zones, and exchange rates."""

from __future__ import annotations

import pytest

from tests.reference.small import Company, reasons, row

DEALS = "deal_id,deal_type,stage,amount,created_at,closed_at"


def test_a_day_is_that_day_wherever_the_business_is(company: Company) -> None:
    company.add("crm.deals", DEALS, "D1,upsell,closed_won,1000,2025-04-01,2025-04-01")
    for zone in ("America/Los_Angeles", "Asia/Seoul", "Pacific/Kiritimati"):
        result = company.compute("win_rate", business_timezone=zone)
        assert row(result, "win_rate", "month", "2025-04-01").metric_value == 1
        assert row(result, "win_rate", "quarter", "2025-04-01").period_label == "2025-Q2"


def test_local_timestamps_say_so_by_setting(company: Company) -> None:
    company.add("crm.deals", DEALS, "D1,upsell,closed_won,100,2025-03-01,2025-03-31 23:30")
    for naive in ("Asia/Seoul", "crm=Asia/Seoul,billing=UTC"):
        result = company.compute("win_rate", business_timezone="Asia/Seoul", naive_timestamps_in=naive)
        assert row(result, "win_rate", "month", "2025-03-01").metric_value == 1
    utc = company.compute("win_rate", business_timezone="Asia/Seoul", naive_timestamps_in="billing=Asia/Seoul")
    assert row(utc, "win_rate", "month", "2025-04-01").metric_value == 1


@pytest.mark.parametrize(
    ("created", "closed", "days"),
    [
        ("2025-01-01T18:00", "2025-01-01", 0),  # won on the day it was created
        ("2025-01-01", "2025-01-01T09:00", 0),
        ("2025-01-01T18:00", "2025-01-03", 2),
        ("2025-01-01T18:00", "2025-01-03T06:00", 1.5),
        ("2025-01-01T18:00", "2025-01-01T06:00", None),  # before it was created
        ("2025-01-02T00:30", "2025-01-01", None),
    ],
)
def test_a_duration_with_a_day_in_it_is_a_difference_of_dates(
    company: Company, created: str, closed: str, days: float | None
) -> None:
    company.add("crm.deals", DEALS, f"D1,upsell,closed_won,100,{created},{closed}")
    cycle = row(company.compute("sales_cycle_length"), "sales_cycle_length", "month", "2025-01-01")
    assert cycle.metric_value == days


@pytest.mark.parametrize(
    ("created", "touches", "minutes"),
    [
        ("2025-01-06T18:00", ["2025-01-06"], 0),  # of that day, whenever it was
        ("2025-01-06", ["2025-01-06T10:00"], 0),
        ("2025-01-06T18:00", ["2025-01-06T10:00", "2025-01-08"], 2880),
        ("2025-01-06T18:00", ["2025-01-06T18:03", "2025-01-08"], 3),
        ("2025-01-06T18:00", ["2025-01-05"], None),
    ],
)
def test_answers_on_days(company: Company, created: str, touches: list[str], minutes: int | None) -> None:
    company.add("crm.leads", "lead_id,created_at", f"L1,{created}")
    company.add("crm.activities", "activity_id,activity_type,rep_id,lead_id,occurred_at,status",
        *(f"T{n},call,R1,L1,{at},completed" for n, at in enumerate(touches)))  # fmt: skip
    answer = row(company.compute("lead_response_time"), "lead_response_time", "month", "2025-01-01")
    assert answer.metric_value == minutes


def test_business_hours_between_days_are_those_between_their_midnights(company: Company) -> None:
    company.add("support.inquiries", "inquiry_id,channel,received_at,first_responded_at",
        "Q1,chat,2025-01-10T15:00,2025-01-13")  # Friday to Monday: Friday's eight hours  # fmt: skip
    result = company.compute("inquiry_response_time", response_time_clock="business_hours")
    assert row(result, "inquiry_response_time", "month", "2025-01-01").metric_value == 480


def rate_of(company: Company, **policies: object) -> object:
    """What ten of XTS are worth on 31 January."""
    company.add("billing.orders", "order_id,ordered_at,status,currency", "O1,2025-01-31,paid,XTS")
    company.add("billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price", "I1,O1,P,1,10")
    result = company.compute(**policies)
    told = reasons(result, "billing.orders")
    return row(result, "revenue", "month", "2025-01-01").metric_value if not told else told[2]


RATES = "rate_on,from_currency,to_currency,rate"


def test_a_rate_grows_old(company: Company) -> None:
    company.add("planning.fx_rates", RATES, "2024-12-17,XTS,USD,2")
    assert rate_of(company) == 20  # 45 days
    assert rate_of(company, fx_rate_max_age_days=44) == {"missing_fx_rate"}


def test_a_plan_of_months_to_come_takes_the_rate_of_now(company: Company) -> None:
    company.add("planning.fx_rates", RATES, "2025-06-01,XTS,USD,2", "2025-01-01,GBP,USD,2")
    company.add("planning.sales_quotas", "quota_month,rep_id,amount,currency",
        "2025-12-01,R1,10,XTS", "2025-12-01,R2,10,GBP")  # fmt: skip
    company.add("crm.deals", DEALS, "D1,upsell,proposal,1,2025-01-01,")
    result = company.compute("quota_attainment")
    assert row(result, "quota_attainment", "year", "2025-01-01").denominator == 20
    assert reasons(result, "planning.sales_quotas") == {3: {"missing_fx_rate"}}


def test_inverse_and_cross_rates_are_a_policy(company: Company) -> None:
    company.add("planning.fx_rates", RATES, "2025-01-30,USD,XTS,4")
    assert rate_of(company) == {"missing_fx_rate"}
    assert rate_of(company, fx_inference="inverse") == 2.5
    company.add("planning.fx_rates", RATES, "2025-01-01,XTS,USD,2", file="direct.csv")
    assert rate_of(company, fx_inference="cross") == 20  # as quoted, though older


def test_of_crosses_the_freshest(company: Company) -> None:
    company.add("planning.fx_rates", RATES,
        "2025-01-10,XTS,EUR,2", "2025-01-30,EUR,USD,2",  # as old as its older leg
        "2025-01-12,XTS,CHF,1", "2025-01-11,USD,CHF,0.3",  # an inverse leg: 3.3333333333
        "2025-01-11,XTS,GBP,9", "2025-01-11,GBP,USD,1")  # fmt: skip
    assert rate_of(company, fx_inference="inverse") == {"missing_fx_rate"}
    assert float(str(rate_of(company, fx_inference="cross"))) == 33.3333


def test_the_rate_of_a_day_that_nobody_can_read(company: Company) -> None:
    company.add("planning.fx_rates", RATES, "2020-01-01,XTS,USD,2")
    company.add("billing.orders", "order_id,ordered_at,status,currency", "O1,someday,paid,XTS", "O2,someday,paid,GBP")
    assert reasons(company.compute(), "billing.orders") == {
        2: {"invalid_ordered_at"},
        3: {"invalid_ordered_at", "missing_fx_rate"},
    }
