"""Years to date, what periods are called, which rows a cut has, and what a rep or an account was on a day."""

from __future__ import annotations

from datetime import date

import pytest

from tests.reference.rows import label_of, period_of
from tests.reference.small import Company, row


@pytest.mark.parametrize(
    ("grain", "fiscal_start", "day", "label"),
    [
        ("week", 1, "2024-12-30", "2025-W01"),
        ("week", 4, "2021-01-03", "2020-W53"),
        ("month", 4, "2025-09-30", "2025-09"),
        ("quarter", 1, "2025-09-30", "2025-Q3"),
        ("quarter", 4, "2025-09-30", "FY2026-Q2"),
        ("quarter", 4, "2026-03-31", "FY2026-Q4"),
        ("quarter", 12, "2025-11-30", "FY2025-Q4"),
        ("year", 1, "2025-09-30", "2025"),
        ("year", 4, "2026-03-31", "FY2026"),
        ("year_to_date", 4, "2026-02-10", "2026-02"),
    ],
)
def test_what_people_call_a_period(grain: str, fiscal_start: int, day: str, label: str) -> None:
    assert label_of(period_of(grain, date.fromisoformat(day), fiscal_start), fiscal_start) == label


def test_a_year_to_date_is_a_row_a_month(company: Company) -> None:
    sales = {"2024-02-10": 5, "2024-04-10": 10, "2025-02-10": 40, "2025-04-10": 80, "2025-06-15": 160}
    for day, amount in sales.items():
        company.add_order(day, day, str(amount))
    company.add("planning.sales_targets", "target_month,scope,amount,months", "2025-01-01,company,1200,12")
    result = company.compute("revenue", "average_order_value", "sales_growth", "sales_target_attainment")
    june = row(result, "revenue", "year_to_date", "2025-06-01")
    assert (june.metric_value, june.prior_period_value, june.prior_year_value) == (280, 120, 15)
    assert (june.period_end, june.is_complete, june.target_value) == (date(2025, 6, 30), False, 600)
    assert row(result, "average_order_value", "year_to_date", "2025-05-01").metric_value == 60
    growth = row(result, "sales_growth", "year_to_date", "2025-04-01")  # 120 against the same months' 15
    assert (growth.numerator, growth.denominator) == (105, 15)
    assert row(result, "sales_growth", "year_to_date", "2024-04-01").metric_value is None
    assert {key[0] for key in result.marts["sales_target_attainment"]} == {"month", "quarter", "year"}
    april = company.compute("revenue", fiscal_year_start_month=4)
    assert row(april, "revenue", "year_to_date", "2025-05-01").metric_value == 80
    assert row(april, "revenue", "year_to_date", "2025-03-01").metric_value == 50


def test_balances_of_a_year_to_date_stand_at_its_end(company: Company) -> None:
    company.add_accounts("A1").add("billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount",
        "C1,S1,A1,2024-10-10,active,10", "C2,S1,A1,2025-02-10,active,30", "C3,S1,A1,2025-04-10,active,20")  # fmt: skip
    april = row(company.compute("mrr"), "mrr", "year_to_date", "2025-04-01")
    assert (april.metric_value, april.extras["expansion_mrr"], april.extras["contraction_mrr"]) == (20, 10, 0)


def test_what_a_cut_had_before_adds_up(company: Company) -> None:
    company.add_accounts("A1").add_order("O1", "2025-01-05", "10", account="A1").add_order("O2", "2025-02-05", "20")
    result = company.compute("revenue", "average_order_value")
    february = ("month", date(2025, 2, 1), "region")
    regions = {key[3]: value for key, value in result.marts["revenue"].items() if key[:3] == february}
    assert {member: (r.metric_value, r.prior_period_value) for member, r in regions.items()} == {
        "North": (0, 10), "unknown": (20, None),
    }  # fmt: skip
    assert row(result, "average_order_value", "month", "2025-02-01", "region", "North").metric_value is None
    assert ("month", date(2025, 3, 1), "region", "North") not in result.marts["revenue"]


def test_a_year_later_a_cut_is_compared_too(company: Company) -> None:
    company.add_accounts("A1").add_order("O1", "2024-05-05", "10", account="A1").add_order("O2", "2025-06-05", "20")
    result = company.compute()
    may = row(result, "revenue", "month", "2025-05-01", "region", "North")
    assert (may.metric_value, may.prior_period_value, may.prior_year_value) == (0, None, 10)


def test_what_never_landed_is_not_known(company: Company) -> None:
    company.add_order("O1", "2025-01-05", "10").add_accounts("A1")
    result = company.compute("customer_acquisition_cost", "quota_attainment", "revenue")
    cost = row(result, "customer_acquisition_cost", "month", "2025-01-01")
    assert (cost.numerator, cost.denominator, cost.metric_value, cost.extras["ad_spend"]) == (0, 0, None, 0)
    assert row(result, "revenue", "month", "2025-02-01").metric_value == 0
    company.add("marketing.ad_spend", "spend_on,channel,campaign,amount", "someday,web,c,1")  # landed, if badly
    company.add_order("O2", "2025-01-05", "10", account="A1")
    known = company.compute("customer_acquisition_cost")
    assert row(known, "customer_acquisition_cost", "month", "2025-01-01").metric_value == 0


def test_with_bookings_deals_are_what_revenue_needs(company: Company) -> None:
    company.add("crm.deals", "deal_id,account_id,deal_type,stage,amount,created_at,closed_at",
        "D1,A1,upsell,closed_won,70,2025-01-01,2025-02-03")  # fmt: skip
    result = company.compute(revenue_basis="bookings")
    assert row(result, "revenue", "month", "2025-02-01").metric_value == 70
    assert row(company.compute(), "revenue", "month", "2025-02-01").metric_value is None


def test_a_sale_without_a_rep_is_the_account_owners(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name", "R1,Ada", "R2,Bob", "R3,Cy")
    company.add("crm.accounts", "account_id,account_name,owner_rep_id,created_at", "A1,one,R3,2025-01-01")
    company.add("crm.deals", "deal_id,account_id,owner_rep_id,deal_type,stage,amount,created_at,closed_at",
        "D1,A1,R2,upsell,closed_won,1,2025-01-01,2025-01-02",
        "D2,A1,,upsell,closed_won,10,2025-01-01,2025-01-02")  # fmt: skip
    for number, (rep, deal) in enumerate((("R1", "D1"), ("", "D1"), ("", "D2"), ("", ""), ("nobody", "D1"))):
        company.add("billing.orders", "order_id,account_id,deal_id,rep_id,ordered_at,status",
            f"O{number},A1,{deal},{rep},2025-01-05,paid", file=f"{number}.csv")  # fmt: skip
        company.add("billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price",
            f"I{number},O{number},P,1,{2**number}", file=f"{number}.csv")  # fmt: skip

    def by_rep(**policies: str) -> dict[str, object]:
        mart = company.compute(**policies).marts["revenue"]
        return {key[3]: r.metric_value for key, r in mart.items() if key[:3] == ("year", date(2025, 1, 1), "sales_rep")}

    assert by_rep() == {"R1": 1, "R2": 2, "R3": 12, "unknown": 16}
    assert by_rep(revenue_basis="bookings") == {"R2": 1, "R3": 10}


@pytest.fixture
def moving(company: Company) -> Company:
    """R1 is in Red, from March in Blue; the account's region is not known at first, East from February."""
    company.add("crm.sales_reps", "rep_id,rep_name,team,updated_at", "R1,Ada,Red,2025-02-01", file="2.csv")
    company.add("crm.sales_reps", "rep_id,rep_name,team,updated_at", "R1,Ada,Blue,2025-03-01", file="1.csv")
    company.add("crm.accounts", "account_id,account_name,region,created_at,updated_at",
        "A1,one,,2025-01-01,", "A1,one,East,2025-01-01,2025-02-01", "A1,one,West,2025-01-01,2025-06-16")  # fmt: skip
    for month in (1, 2, 3):
        company.add_order(f"O{month}", f"2025-0{month}-10", "10", account="A1", rep="R1")
    return company.add("billing.refunds", "refund_id,order_id,amount,refunded_at", "F1,O1,1,2025-03-20")


def test_attributes_are_the_current_ones(moving: Company) -> None:
    result = moving.compute()
    assert row(result, "revenue", "year", "2025-01-01", "team", "Blue").metric_value == 29
    assert row(result, "revenue", "year", "2025-01-01", "region", "West").metric_value == 29


def test_attributes_may_be_those_of_the_event(moving: Company) -> None:
    result = moving.compute("revenue", "revenue_per_rep", attributes_as_of="event")
    assert row(result, "revenue", "year", "2025-01-01", "team", "Red").metric_value == 20
    assert row(result, "revenue", "year", "2025-01-01", "team", "Blue").metric_value == 9
    assert row(result, "revenue", "year", "2025-01-01", "region", "unknown").metric_value == 10
    assert row(result, "revenue", "year", "2025-01-01", "region", "East").metric_value == 19  # West is not known yet
    assert row(result, "revenue_per_rep", "month", "2025-02-01", "team", "Red").denominator == 1
    assert row(result, "revenue_per_rep", "quarter", "2025-01-01", "team", "Red").denominator == 0


def test_a_version_without_a_time_is_in_force_once_it_was_loaded(company: Company) -> None:
    company.add_order("O1", "2025-01-10", "10", rep="R1").add_order("O2", "2025-03-10", "20", rep="R1")
    for number, team in enumerate(("Red", "Blue")):
        company.add("crm.sales_reps", "rep_id,rep_name,team", f"R1,Ada,{team}", file=f"{number}.csv")
    teams = company.compute(attributes_as_of="event", loaded_on=date(2025, 2, 1)).marts["revenue"]
    assert teams["month", date(2025, 1, 1), "team", "Red"].metric_value == 10
    assert teams["month", date(2025, 3, 1), "team", "Blue"].metric_value == 20
