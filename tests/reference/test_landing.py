"""Periods, and what becomes of landed rows."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from tests.reference import LandingError
from tests.reference.rows import one_year_before, period_of
from tests.reference.small import Company, reasons, row
from tests.reference.values import Zones, parse_date, parse_decimal


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
    # what sold in December is compared with in January, not in February
    assert mart["month", date(2025, 1, 1), "sales_rep", "unknown"].prior_period_value == 10
    assert ("month", date(2025, 2, 1), "sales_rep", "unknown") not in mart


def test_a_timestamp_belongs_to_the_local_date(company: Company) -> None:
    company.add_order("O1", "2025-03-01T03:00:00Z", "10")
    result = company.compute(business_timezone="America/New_York")
    assert row(result, "revenue", "month", "2025-02-01").metric_value == 10


def test_parsing() -> None:
    assert parse_decimal("-1.5e2") == -150
    assert [parse_decimal(text) for text in ("1,000", "NaN", "inf", "", "1e14", "0x1", "1_0")] == [None] * 7
    assert parse_date("2025-02-28T00:00:00") == date(2025, 2, 28)
    assert [parse_date(text) for text in ("2025-02-29", "28.02.2025", "2025-02-28 10:00")] == [None] * 3


@pytest.mark.parametrize(
    ("text", "at", "day"),
    [
        ("2025-01-01", "2025-01-01 05:00", "2025-01-01"),  # a day is that day wherever the business is
        ("2025-01-01 01:30+02", "2024-12-31 23:30", "2024-12-31"),
        ("2025-01-01T01:30:00.5-0530", "2025-01-01 07:00:00.500", "2025-01-01"),
        ("2025-01-01 04:59:59 UTC", "2025-01-01 04:59:59", "2024-12-31"),
        ("2025-01-01T05:00 utc", "2025-01-01 05:00", "2025-01-01"),
        ("2025-01-01 08:30", "2024-12-31 23:30", "2024-12-31"),  # without an offset it is Seoul's
    ],
)
def test_moments(text: str, at: str, day: str) -> None:
    zones = Zones(business="America/New_York", naive="crm=Asia/Seoul, billing=UTC")
    moment = zones.moment(text, "crm")
    assert moment is not None
    assert (moment.at, moment.day) == (datetime.fromisoformat(at), date.fromisoformat(day))
    assert moment.is_day == (len(text) == 10)


def test_what_is_no_moment() -> None:
    texts = ("2025-01-01T25:00", "2025-13-01", "now", "2025-01-01 UTC", "2025-01-01 10:00 CET", "3/5/2025")
    assert [Zones().moment(text, "crm") for text in texts] == [None] * len(texts)


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
    company.add("crm.accounts", columns, "A1,three,Older,2025-01-01,2025-02-01", file="3.csv")  # the same again
    result = company.compute()
    books = result.books["crm.accounts"]
    assert (books.read, books.current, books.superseded, books.quarantined) == (7, 2, 4, 1)
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
