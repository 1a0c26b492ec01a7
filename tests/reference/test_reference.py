"""The reference's own tests: small companies whose numbers are worked out by hand in the comments."""

from __future__ import annotations

import csv
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_type_hints

import duckdb
import pytest
import yaml

from orchestration.core.contract import PROJECT_ROOT
from tests.reference import LandingError, Result, Row, compare, compute
from tests.reference.context import METRICS
from tests.reference.landing import parse_date, parse_decimal, parse_timestamp
from tests.reference.model import Settings
from tests.reference.rows import one_year_before, percentile, period_of
from tests.support.identities import VARIANTS

AS_OF = date(2025, 6, 15)


class Company:
    """A landing folder: tables are written as one line of columns and one line per row, with commas."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, table: str, columns: str, *rows: str, file: str = "1.csv") -> Company:
        path = self.folder / table.replace(".", "/") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
        return self

    def add_order(self, order_id: str, day: str, amount: str, *, account: str = "", rep: str = "") -> Company:
        for table, columns, row in (
            (
                "billing.orders",
                "order_id,account_id,rep_id,ordered_at,status",
                f"{order_id},{account},{rep},{day},paid",
            ),
            (
                "billing.order_items",
                "order_item_id,order_id,product_id,quantity,unit_price",
                f"{order_id},{order_id},P1,1,{amount}",
            ),
        ):
            self.add(table, columns, row, file=f"{order_id}.csv")
        return self

    def add_accounts(self, *account_ids: str) -> Company:
        return self.add(
            "crm.accounts",
            "account_id,account_name,region,created_at",
            *(f"{account_id},{account_id},North,2024-01-01" for account_id in account_ids),
        )

    def compute(self, *metrics: str, **settings: Any) -> Result:
        return compute(self.folder, as_of=AS_OF, metrics=metrics or ["revenue"], **settings)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


def row(result: Result, metric: str, grain: str, start: str, dimension: str = "all", value: str = "all") -> Row:
    return result.marts[metric][grain, date.fromisoformat(start), dimension, value]


def reasons(result: Result, table: str) -> dict[int, set[str]]:
    return {bad.line: set(bad.reasons) for bad in result.quarantine if bad.table == table}


# ------------------------------------------------------------------------------------------------------------ periods


@pytest.mark.parametrize(
    ("grain", "fiscal_start", "day", "start", "end"),
    [
        ("week", 1, "2025-01-01", "2024-12-30", "2025-01-05"),
        ("week", 1, "2024-12-29", "2024-12-23", "2024-12-29"),
        ("month", 4, "2024-02-29", "2024-02-01", "2024-02-29"),
        ("quarter", 1, "2025-03-31", "2025-01-01", "2025-03-31"),
        ("quarter", 2, "2025-01-31", "2024-11-01", "2025-01-31"),
        ("quarter", 2, "2025-02-01", "2025-02-01", "2025-04-30"),
        ("quarter", 12, "2025-01-31", "2024-12-01", "2025-02-28"),
        ("year", 4, "2025-03-31", "2024-04-01", "2025-03-31"),
        ("year", 4, "2025-04-01", "2025-04-01", "2026-03-31"),
    ],
)
def test_periods(grain: str, fiscal_start: int, day: str, start: str, end: str) -> None:
    period = period_of(grain, date.fromisoformat(day), fiscal_start)
    assert (period.start.isoformat(), period.end.isoformat()) == (start, end)


def test_a_week_is_compared_with_the_one_52_weeks_before() -> None:
    assert one_year_before("week", date(2024, 12, 30)) == date(2024, 1, 1)


def test_spine_has_every_period_from_first_event_to_as_of_and_zero_rows_for_all(company: Company) -> None:
    company.add_order("O1", "2024-12-30", "10")
    mart = company.compute().marts["revenue"]
    months = [key[1] for key in mart if key[0] == "month" and key[2] == "all"]
    assert months == [date(2024, 12, 1), *(date(2025, month, 1) for month in range(1, 7))]
    assert mart["week", date(2024, 12, 30), "all", "all"].metric_value == 10
    assert mart["month", date(2025, 1, 1), "all", "all"].metric_value == 0
    assert mart["month", date(2025, 1, 1), "all", "all"].prior_period_value == 10
    assert mart["month", date(2025, 5, 1), "all", "all"].is_complete
    assert not mart["month", date(2025, 6, 1), "all", "all"].is_complete
    assert ("month", date(2025, 1, 1), "sales_rep", "unknown") not in mart


def test_a_timestamp_belongs_to_the_local_date(company: Company) -> None:
    company.add_order("O1", "2025-03-01T03:00:00Z", "10")
    result = company.compute(business_timezone="America/New_York")
    assert row(result, "revenue", "month", "2025-02-01").metric_value == 10


# ------------------------------------------------------------------------------------------------------------ landing


def test_parsing() -> None:
    assert parse_decimal("-1.5e2") == -150
    assert [parse_decimal(text) for text in ("1,000", "NaN", "inf", "", "1e12", "0x1", "1_0")] == [None] * 7
    assert parse_date("2025-02-28T00:00:00") == date(2025, 2, 28)
    assert [parse_date(text) for text in ("2025-02-29", "28.02.2025", "2025-02-28 10:00")] == [None] * 3
    assert parse_timestamp("2025-01-01") == datetime(2025, 1, 1)
    assert parse_timestamp("2025-01-01 01:30+02") == datetime(2024, 12, 31, 23, 30)
    assert parse_timestamp("2025-01-01T01:30:00.5-0530") == datetime(2025, 1, 1, 7, 0, 0, 500000)
    assert [parse_timestamp(text) for text in ("2025-01-01T25:00", "2025-13-01", "now")] == [None] * 3


def test_the_newest_valid_version_wins_and_every_row_is_accounted_for(company: Company) -> None:
    columns = "account_id,account_name,region,created_at,updated_at"
    company.add_order("O1", "2025-01-01", "10", account="A1").add(
        "crm.accounts",
        columns,
        "A1,one,Newest,2025-01-01,2025-03-01",
        "A1,two,Blank,2025-01-01,",
        "A1,,Invalid,2025-01-01,2025-05-01",
        "A2,tie,Earlier line,2025-01-01,2025-01-01",
        "A2,tie,Later line,2025-01-01,2025-01-01T00:00Z",
    )
    company.add("crm.accounts", columns, "A1,three,Older,2025-01-01,2025-02-01", file="2.csv")
    company.add("crm.accounts", columns, "A1,three,Older,2025-01-01,2025-02-01", file="3.csv")  # the same bytes
    result = company.compute()
    books = result.books["crm.accounts"]
    assert (books.read, books.current, books.superseded, books.quarantined) == (6, 2, 3, 1)
    assert reasons(result, "crm.accounts") == {4: {"missing_account_name"}}
    assert row(result, "revenue", "year", "2025-01-01", "region", "Newest").metric_value == 10


def test_lines_that_are_not_csv(company: Company) -> None:
    company.add(
        "crm.accounts",
        "account_id,account_name,created_at",
        'A1,"one, two ""and""\nthree",2025-01-01',  # lines 2 and 3
        "A2,too,many,2025-01-01",
        'A3,"open,2025-01-01',
        "A4,four,2025-01-01",
    )
    result = company.compute()
    assert reasons(result, "crm.accounts") == {4: {"malformed_line"}, 5: {"malformed_line"}}
    assert result.books["crm.accounts"].current == 2


def test_a_file_that_lacks_a_required_column_or_no_file_at_all(company: Company) -> None:
    with pytest.raises(LandingError, match="no landing file"):
        company.compute()
    company.add("crm.accounts", "account_id,created_at", "A1,2025-01-01")
    with pytest.raises(LandingError, match="account_name"):
        company.compute()


def test_an_order_without_a_rate_takes_its_items_and_refunds_with_it(company: Company) -> None:
    company.add(
        "planning.fx_rates", "rate_on,from_currency,to_currency,rate", "2025-01-10,EUR,USD,1.5", "2025-01-01,USD,GBP,2"
    )
    company.add(
        "billing.orders",
        "order_id,ordered_at,status,currency",
        "O1,2025-01-09,paid,EUR",  # before the first rate
        "O2,2025-01-10,paid, eur ",
        "O3,2025-02-01,canceled,GBP",  # no inverse rates
    )
    company.add(
        "billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price", "I1,O1,P,1,10", "I2,O2,P,2,10"
    )
    company.add("billing.refunds", "refund_id,order_id,amount,refunded_at", "F1,O1,10,2025-01-11")
    result = company.compute()
    assert reasons(result, "billing.orders") == {2: {"missing_fx_rate"}, 4: {"missing_fx_rate"}}
    assert reasons(result, "billing.order_items") == {2: {"unknown_order"}}
    assert reasons(result, "billing.refunds") == {2: {"unknown_order"}}
    assert row(result, "revenue", "month", "2025-01-01").metric_value == 30


# ------------------------------------------------------------------------------------------------------------ revenue


def test_a_refund_counts_in_its_own_month_and_is_spread_over_the_items(company: Company) -> None:
    company.add("billing.products", "product_id,product_name,category", "P1,one,Hardware", "P2,two,Software")
    company.add("billing.orders", "order_id,ordered_at,status", "O1,2025-01-31,refunded", "O2,2025-01-31,pending")
    company.add(
        "billing.order_items",
        "order_item_id,order_id,product_id,quantity,unit_price,discount_amount",
        "I1,O1,P1,2,35,10",  # 60
        "I2,O1,P2,1,40,",  # 40
        "I3,O2,P2,1,1000,",
    )
    company.add("billing.refunds", "refund_id,order_id,amount,refunded_at", "F1,O1,33.33,2025-02-01")
    company.add("planning.sales_targets", "target_month,scope,amount", "2025-01-01,company,80", "2025-03-01,company,20")
    result = company.compute("revenue", "average_order_value")
    january, february = (row(result, "revenue", "month", f"2025-0{month}-01") for month in (1, 2))
    assert (january.metric_value, january.target_value) == (100, 80)
    assert (february.metric_value, february.target_value) == (Decimal("-33.33"), None)
    assert february.extras == {"gross_revenue": 0, "refunds": Decimal("33.33")}
    quarter = row(result, "revenue", "quarter", "2025-01-01")
    assert (quarter.metric_value, quarter.target_value) == (Decimal("66.67"), 100)
    hardware = row(result, "revenue", "month", "2025-02-01", "product_category", "Hardware")
    assert hardware.metric_value == Decimal("-19.998")
    assert row(result, "average_order_value", "month", "2025-02-01").metric_value is None
    assert row(result, "average_order_value", "year", "2025-01-01").metric_value == 100


def test_bookings_are_won_deals(company: Company) -> None:
    company.add(
        "crm.deals",
        "deal_id,account_id,owner_rep_id,deal_type,stage,amount,created_at,closed_at",
        "D1,,R1,upsell,closed_won,70,2025-01-01,2025-02-03",
        "D2,,R1,upsell,closed_lost,30,2025-01-01,2025-02-03",
    )
    company.add("crm.sales_reps", "rep_id,rep_name,team", "R1,Ada,Blue")
    company.add_order("O1", "2025-02-03", "999")
    result = company.compute(revenue_basis="bookings")
    assert row(result, "revenue", "month", "2025-02-01", "team", "Blue").metric_value == 70
    assert row(result, "revenue", "month", "2025-02-01", "sales_rep", "R1").dimension_label == "Ada"


# ---------------------------------------------------------------------------------------------------------- customers


def test_a_customer_by_subscription_has_no_rep(company: Company) -> None:
    company.add_accounts("A1", "A2").add("crm.sales_reps", "rep_id,rep_name", "R1,Ada")
    company.add(
        "billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount",
        "C1,S1,A1,2025-01-05,trialing,10",
        "C2,S1,A1,2025-02-05,active,10",
        "C3,S2,A2,2025-03-05,active,10",
        "C4,S3,unknown,2025-03-05,active,10",
    )
    company.add_order("O1", "2025-03-01", "5", account="A1", rep="R1")
    company.add_order("O2", "2025-03-05", "5", account="A2", rep="R1")
    company.add_order("O3", "2025-03-05", "5", account="", rep="R1")
    result = company.compute("new_customers")
    assert row(result, "new_customers", "month", "2025-02-01", "sales_rep", "unknown").metric_value == 1
    assert row(result, "new_customers", "month", "2025-03-01", "sales_rep", "R1").metric_value == 1
    assert row(result, "new_customers", "year", "2025-01-01").metric_value == 2


def test_mrr_new_churned_reactivated_expanded_contracted(company: Company) -> None:
    company.add_accounts("A1")
    company.add(
        "billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,quantity,unit_amount,billing_interval,"
        "interval_count",
        "C1,S1,A1,2025-01-10,active,2,600,year,",  # 100 a month
        "C2,S1,A1,2025-02-10,canceled,,,,",
        "C3,S1,A1,2025-04-10,active,,360,quarter,1",  # 120
        "C4,S1,A1,2025-05-10,active,,900,month,6",  # 150
        "C5,S1,A1,2025-06-01,active,,30,week,1",  # tie: the greater id holds
        "C6,S1,A1,2025-06-01,active,,24,week,1",  # 104
        "C7,S2,A1,2025-06-16,active,,24,week,1",  # after as_of
    )
    mart = company.compute("mrr").marts["mrr"]
    months = [mart["month", date(2025, month, 1), "all", "all"] for month in range(1, 7)]
    assert [month.metric_value for month in months] == [100, 0, 0, 120, 150, 104]
    assert [month.extras["new_mrr"] for month in months] == [100, 0, 0, 0, 0, 0]
    assert [month.extras["churned_mrr"] for month in months] == [0, -100, 0, 0, 0, 0]
    assert [month.extras["reactivation_mrr"] for month in months] == [0, 0, 0, 120, 0, 0]
    assert [month.extras["expansion_mrr"] for month in months] == [0, 0, 0, 0, 30, 0]
    assert [month.extras["contraction_mrr"] for month in months] == [0, 0, 0, 0, 0, -46]
    assert [month.extras["net_revenue_retention"] for month in months] == [None, 0, None, None, 1.25, 104 / 150]
    # Over the quarter from the end of March (0) to June: once had MRR, so reactivation.
    assert mart["quarter", date(2025, 4, 1), "all", "all"].extras["reactivation_mrr"] == 104
    assert ("month", date(2025, 2, 1), "region", "North") not in mart
    assert mart["month", date(2025, 1, 1), "plan", "unknown"].metric_value == 100


def test_mrr_a_moving_rate_is_not_expansion(company: Company) -> None:
    company.add(
        "planning.fx_rates",
        "rate_on,from_currency,to_currency,rate",
        "2025-01-01,EUR,USD,1.1",
        "2025-02-01,EUR,USD,1.2",
    )
    company.add(
        "billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,plan,unit_amount,currency",
        "C1,S1,A1,2025-01-10,active,basic,100,EUR",  # 110
        "C2,S1,A1,2025-02-10,active,basic,90,EUR",  # 108: +10 by the rate, -12 by the price
        "C3,S1,A1,2025-03-10,active,pro,90,EUR",  # for the plans: churn and new
    )
    mart = company.compute("mrr").marts["mrr"]
    february = mart["month", date(2025, 2, 1), "all", "all"].extras
    assert (february["fx_mrr"], february["contraction_mrr"], february["expansion_mrr"]) == (10, -12, 0)
    march = mart["month", date(2025, 3, 1), "plan", "pro"]
    assert (march.metric_value, march.extras["new_mrr"]) == (108, 108)
    assert mart["month", date(2025, 3, 1), "all", "all"].extras["new_mrr"] == 0


# -------------------------------------------------------------------------------------------------- leads and activity


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
    mart = result.marts["csat"]
    members = {key[2:]: value.denominator for key, value in mart.items() if key[0] == "month" and key[2] != "all"}
    assert members == {
        ("sales_rep", "R1"): 1, ("sales_rep", "R2"): 1, ("sales_rep", "unknown"): 2, ("team", "unknown"): 4,
        ("channel", "chat"): 3, ("channel", "unknown"): 1, ("segment", "unknown"): 4,
    }  # fmt: skip
    assert reasons(result, "support.csat_responses") == {6: {"invalid_score"}}


# -------------------------------------------------------------------------------------------------------------- deals

DEALS = "deal_id,lead_id,owner_rep_id,deal_type,stage,amount,probability,created_at,closed_at,updated_at"


def test_win_rate_cycle_and_quota(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name,team", "R1,Ada,Blue", "R2,Bob,Blue")
    company.add("crm.leads", "lead_id,created_at", "L1,2025-01-01")
    company.add(
        "crm.deals",
        DEALS,
        "D1,L1,R1,upsell,closed_won,300,,2025-01-05,2025-01-11,",  # lead on the 1st: 10 days
        "D2,,R1,upsell,closed_won,100,,2025-01-10,,2025-01-31",  # touched at noon of the 11th: 15.5 to the change
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
    assert (cycle.numerator, cycle.denominator, cycle.metric_value) == (25.5, 2, 12.75)
    assert cycle.extras == {"median": 12.75, "p90": pytest.approx(14.95), "average_deal_age_days": 11.5}
    assert row(result, "sales_cycle_length", "month", "2025-02-01").metric_value == 4
    quota = row(result, "quota_attainment", "quarter", "2025-01-01")
    # R2's wins are in February, where it has no quota; R1 wins 400 of 500 over the quarter.
    assert (quota.numerator, quota.denominator, quota.target_value) == (400, 500, 1)
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


# ----------------------------------------------------------------------------------------- beyond the standard list


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
    mart = company.compute("sales_forecast").marts["sales_forecast"]
    of_all = {key[:2]: row for key, row in mart.items() if key[2] == "all"}
    assert [start for grain, start in of_all if grain == "quarter"] == [
        date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1), date(2026, 1, 1),
    ]  # fmt: skip
    june, july, august = (of_all["month", date(2025, month, 1)] for month in (6, 7, 8))
    assert june.extras == {"won_amount": 100, "open_amount": 200, "weighted_amount": 100, "overdue_amount": 200}
    assert (june.metric_value, july.metric_value, august.metric_value) == (200, 0, 200)
    assert (july.extras["open_amount"], july.prior_period_value, july.target_value) == (400, 200, 70)
    assert of_all["quarter", date(2025, 10, 1)].metric_value == 3200
    assert mart["month", date(2025, 8, 1), "deal_type", "renewal"].metric_value == 200
    assert not any(row.is_complete or row.prior_year_value is not None for row in mart.values())


def test_coverage_and_velocity(company: Company) -> None:
    company.add("crm.sales_reps", "rep_id,rep_name,team", "R1,Ada,Blue", "R2,Bob,Red")
    company.add(
        "crm.deals",
        "deal_id,owner_rep_id,deal_type,stage,amount,created_at,closed_at",
        "D1,R1,upsell,closed_won,300,2025-03-31,2025-04-10",  # 10 days
        "D2,R1,upsell,closed_won,100,2025-03-31,2025-04-20",  # 20 days
        "D3,R2,upsell,closed_lost,100,2025-03-31,2025-04-20",
        "D4,R1,upsell,proposal,500,2025-04-30,",
        "D5,,upsell,closed_won,900,2025-01-30,2025-01-30",  # on 30 April 90 days ago
    )
    company.add_order("O1", "2025-04-05", "40", rep="R1").add_order("O2", "2025-05-05", "60")
    company.add(
        "planning.sales_targets",
        "target_month,scope,scope_value,amount",
        "2025-04-01,company,,140",
        "2025-05-01,company,,60",
        "2025-04-01,team,Green,10",
    )
    result = company.compute("pipeline_coverage", "sales_velocity")
    april = row(result, "pipeline_coverage", "month", "2025-04-01")
    assert (april.numerator, april.denominator, april.metric_value) == (500, 100, 5)
    may = row(result, "pipeline_coverage", "month", "2025-05-01")  # the target is reached
    assert (may.numerator, may.denominator, may.metric_value) == (500, None, None)
    blue = row(result, "pipeline_coverage", "month", "2025-04-01", "team", "Blue")
    assert (blue.numerator, blue.denominator) == (500, None)
    green = row(result, "pipeline_coverage", "month", "2025-04-01", "team", "Green")
    assert (green.numerator, green.denominator) == (0, 10)
    velocity = row(result, "sales_velocity", "month", "2025-04-01")
    # 1 open x 2/3 won x 200 each, in 15 days
    assert velocity.numerator == pytest.approx(400 / 3) and velocity.denominator == 15
    assert velocity.extras == {
        "open_deals": 1, "trailing_win_rate": 2 / 3, "trailing_average_deal_size": 200,
    }  # fmt: skip
    assert ("month", date(2025, 4, 1), "team", "Red") not in result.marts["sales_velocity"]


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
    assert may.extras == {"realised_clv_to_cac": pytest.approx(400 / 3 / 340)}
    web = row(result, "clv_to_cac", "month", "2025-05-01", "lead_source", "web")
    assert (web.numerator, web.denominator, web.metric_value) == (None, None, None)
    payback = row(result, "cac_payback_months", "month", "2025-05-01")
    assert payback.metric_value == pytest.approx(340 / (80 / 12))
    first_year = row(result, "cac_payback_months", "month", "2024-05-01")
    assert (first_year.numerator, first_year.denominator) == (0, None)
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
    february = row(result, "gross_margin", "month", "2025-02-01")  # the goods do not come back
    assert (february.numerator, february.denominator, february.metric_value) == (-20, -20, None)
    assert february.extras == {"cost_amount": 0, "costed_revenue_share": None}
    quarter = row(result, "gross_margin", "quarter", "2025-01-01")
    assert quarter.metric_value == pytest.approx(60 / 180)
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
        "D1,proposal,2025-01-02",
        "D1,proposal,2025-01-05",  # saved, not moved
        "D1,negotiation,2025-01-12T12:00",
        "D1,closed_lost,2025-01-20",
        "D2,negotiation,2025-01-11",
        "D2,prospecting,2025-01-21",
    )
    result = company.compute("stage_duration", "lost_reasons")
    proposal = row(result, "stage_duration", "month", "2025-01-01", "stage", "proposal")
    assert (proposal.numerator, proposal.denominator) == (10.5, 1)
    negotiation = row(result, "stage_duration", "month", "2025-01-01", "stage", "negotiation")
    assert (negotiation.numerator, negotiation.denominator) == (17.5, 2)
    assert negotiation.extras == {"median": 8.75, "p90": pytest.approx(9.75)}
    assert ("month", date(2025, 1, 1), "stage", "prospecting") not in result.marts["stage_duration"]
    unknown = row(result, "lost_reasons", "month", "2025-01-01", "lost_reason", "unknown")
    assert (unknown.metric_value, unknown.extras) == (1, {"lost_share": 0.5, "amount_lost": 300})


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
    result = company.compute("revenue_per_selling_hour", "sales_efficiency")
    assert row(result, "revenue_per_selling_hour", "month", "2025-01-01", "sales_rep", "R1").metric_value == 60
    assert row(result, "revenue_per_selling_hour", "month", "2025-02-01").metric_value is None
    january = row(result, "sales_efficiency", "month", "2025-01-01")  # a business without subscriptions
    assert (january.metric_value, january.extras) == (2, {"net_new_mrr": 0, "new_customer_revenue": 90})
    company.add(
        "billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount",
        "C1,S1,A2,2025-01-05,active,15",
    )
    result = company.compute("sales_efficiency", "average_revenue_per_account")
    january = row(result, "sales_efficiency", "month", "2025-01-01")
    assert (january.numerator, january.metric_value) == (180, 4)
    account = row(result, "average_revenue_per_account", "month", "2025-01-01")
    assert (account.numerator, account.denominator) == (15, 1)


def test_cohorts(company: Company) -> None:
    company.add_accounts("A1", "A2").add_order("O1", "2025-02-10", "90", account="A1")
    company.add_order("O2", "2025-02-28", "90", account="A2").add_order("O3", "2025-04-20", "9", account="A1")
    mart = company.compute("cohort_retention", customer_active_days=45).marts["cohort_retention"]
    february = {key[3]: (row.numerator, row.denominator) for key, row in mart.items() if key[1] == date(2025, 2, 1)}
    # on 28 February, 31 March, 30 April (A1 came back) and 31 May; on 15 June
    assert february == {"000": (2, 2), "001": (1, 2), "002": (1, 2), "003": (1, 2), "all": (0, 2)}
    assert mart["month", date(2025, 3, 1), "all", "all"].metric_value is None


# ------------------------------------------------------------------------------------------------------------ policies


def test_churn_of_subscribers(company: Company) -> None:
    company.add_accounts("A1", "A2", "A3").add_order("O1", "2025-01-10", "90", account="A3")
    company.add(
        "billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount",
        "C1,S1,A1,2025-01-05,active,15",
        "C2,S1,A1,2025-02-05,paused,15",
        "C3,S2,A2,2025-02-05,active,15",
        "C4,S3,nobody,2025-01-05,active,15",
    )

    def february(**policies: Any) -> tuple[Any, Any]:
        churn = row(company.compute("customer_churn_rate", **policies), "customer_churn_rate", "month", "2025-02-01")
        return churn.numerator, churn.denominator

    assert february() == (1, 2)
    assert february(churn_formula="chartmogul") == (1, 1)
    assert february(churn_formula="stripe") == (1, 2)
    assert february(churn_formula="chartmogul", paused_subscriptions="included") == (0, 1)


def test_business_hours_are_the_wall_clocks(company: Company) -> None:
    company.add(
        "support.inquiries",
        "inquiry_id,channel,received_at,first_responded_at",
        "Q1,chat,2025-03-07T21:30:00Z,2025-03-10T13:10:00Z",  # Friday 16:30 to Monday 9:10, summer time in between
    )
    result = company.compute(
        "inquiry_response_time", response_time_clock="business_hours", business_timezone="America/New_York"
    )
    assert row(result, "inquiry_response_time", "month", "2025-03-01").metric_value == 40


def test_the_other_bases(company: Company) -> None:
    company.add_accounts("A1").add("crm.leads", "lead_id,created_at,account_id", "L1,2025-01-01,A1", "L2,2025-02-01,")
    company.add_order("O1", "2025-02-10", "90", account="A1")
    company.add(
        "crm.deals",
        "deal_id,lead_id,deal_type,stage,amount,created_at,closed_at",
        "D1,L1,upsell,closed_won,300,2025-02-01,2025-02-11",
        "D2,,upsell,closed_lost,100,2025-02-01,2025-02-11",
    )
    names = ("lead_conversion_rate", "win_rate", "sales_cycle_length")
    other = company.compute(
        *names, lead_conversion_basis="period", win_rate_basis="amount", sales_cycle_start="deal_created"
    )
    february = {name: row(other, name, "month", "2025-02-01").metric_value for name in names}
    assert february == {"lead_conversion_rate": 1, "win_rate": 0.75, "sales_cycle_length": 10}


def test_it_computes_every_metric_and_random_companies_try_every_setting() -> None:
    marts = (PROJECT_ROOT / "models" / "kpis").glob("*/kpi_*.sql")
    assert set(METRICS) == {mart.stem.removeprefix("kpi_") for mart in marts}
    variables = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    policies = {field.name: field for field in fields(Settings) if field.name != "as_of"}
    assert variables.keys() - policies.keys() == {"as_of_date", "company", "close_business_day", "quarantine_threshold"}
    types = get_type_hints(Settings)
    for name, policy in policies.items():
        tried = {variant.get(name, policy.default) for variant in VARIANTS.values()}
        assert variables[name] == policy.default and len(tried) > 1, name
        assert tried >= set(get_args(types[name])), name


# ------------------------------------------------------------------------------------------------------------ compare


def _publish(result: Result, path: Path, change: str = "") -> None:
    leading = [field.name for field in fields(Row) if field.name != "extras"]
    rows = [
        ["revenue", *key[:2], *key[2:], *(getattr(value, name) for name in leading), *value.extras.values()]
        for key, value in result.marts["revenue"].items()
    ]
    names = ["metric_id", "period_grain", "period_start", "dimension", "dimension_value", *leading]
    names += ["gross_revenue", "refunds"]
    csv_path = path.with_suffix(".csv")
    with csv_path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema kpi")
        connection.execute("create table kpi.kpi_revenue as select * from read_csv(?)", [str(csv_path)])
        if change:
            connection.execute(change)


def test_compare_names_each_difference(company: Company, tmp_path: Path) -> None:
    company.add_order("O1", "2025-05-05", "10").add_order("O2", "2025-06-05", "20")
    result = company.compute()
    _publish(result, tmp_path / "same.duckdb")
    assert compare(result, tmp_path / "same.duckdb") == []
    _publish(
        result,
        tmp_path / "other.duckdb",
        "update kpi.kpi_revenue set metric_value = 21 where period_start = '2025-06-01' and dimension = 'all';"
        "update kpi.kpi_revenue set dimension_value = 'x' where period_start = '2025-06-01' and dimension = 'team';",
    )
    assert compare(result, tmp_path / "other.duckdb", ["revenue", "mrr"])[:2] == [
        "revenue month 2025-06-01 all=all: metric_value is 21.0, expected 20.0000",
        "revenue month 2025-06-01 team=unknown: row missing, expected numerator 20.0000, denominator None, "
        "metric_value 20.0000",
    ]
    assert "mrr: no such mart" in compare(result, tmp_path / "other.duckdb", ["mrr"])[0]
