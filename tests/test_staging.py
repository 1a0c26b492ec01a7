"""Staging: what a value must look like, what a bad row gets, which version of a row counts, and that the books balance.

All cases lie in one landing folder that is staged once; each test looks at the rows of its own case.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.build.transform import DbtProject
from orchestration.core.contract import source_tables
from tests.support.builds import load, open_build, rows_of, settings_for, stage
from tests.support.landing import Landing, Row, csv_text

# The starred columns of the source contract, written down a second time on purpose.
STARRED = {
    "crm.sales_reps": "rep_id rep_name",
    "crm.accounts": "account_id account_name created_at",
    "crm.leads": "lead_id created_at",
    "crm.deals": "deal_id deal_type stage amount created_at",
    "crm.deal_stage_changes": "deal_id stage changed_at",
    "crm.activities": "activity_id activity_type rep_id occurred_at status",
    "billing.orders": "order_id ordered_at status",
    "billing.order_items": "order_item_id order_id product_id quantity unit_price",
    "billing.refunds": "refund_id order_id amount refunded_at",
    "billing.products": "product_id product_name",
    "billing.subscription_changes": "subscription_change_id subscription_id account_id changed_at status",
    "marketing.ad_spend": "spend_on channel campaign amount",
    "marketing.social_engagements": "engaged_on platform",
    "support.inquiries": "inquiry_id channel received_at",
    "support.csat_responses": "response_id responded_at",
    "planning.sales_targets": "target_month scope amount",
    "planning.sales_quotas": "quota_month rep_id amount",
    "planning.sales_costs": "cost_month cost_type amount",
    "planning.fx_rates": "rate_on from_currency to_currency rate",
}
EMOJI_AND_HANGUL = "한글 \U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467"
TEN_THOUSAND = "x" * 10_000
NO_BREAK_SPACE, IDEOGRAPHIC_SPACE = "\u00a0", "\u3000"


@dataclass(frozen=True)
class Case:
    """One row, valid but for `values`, and what becomes of it.

    `reasons`: why it is quarantined, as published; None: it is not. `gives`: what staging says of the columns named.
    `findings`: what is counted of it.
    """

    table: str
    values: Row
    reasons: str | None = None
    gives: dict[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = ",".join(f"{name}={value[:24]!r}" for name, value in self.values.items())
        return f"{self.table}:{told}" + (f":{self.reasons}" if self.reasons else "")


def bad(table: str, reasons: str, **values: str) -> Case:
    return Case(table, values, reasons)


def kept(table: str, column: str, text: str, value: Any, *findings: str, **others: str) -> Case:
    return Case(table, {column: text, **others}, None, {column: value}, findings)


def refused(table: str, column: str, text: str) -> Case:
    """A filled value of an optional column that cannot be read: blank is an answer, unreadable is none."""
    return bad(table, f"invalid_{column}", **{column: text})


# Columns that every file has and a row may leave blank.
MAY_BE_BLANK = [("crm.deals", "amount")]
MISSING = [
    bad(table, f"missing_{column}", **{column: ""})
    for table in STARRED
    for column in STARRED[table].split()
    if (table, column) not in MAY_BE_BLANK
]

BLANK = [
    bad("billing.products", "missing_product_name", product_name=text)
    for text in ("  ", "\t", "\n\n", NO_BREAK_SPACE, f" {NO_BREAK_SPACE}{IDEOGRAPHIC_SPACE} ", "\u2003\u2009")
] + [
    kept("billing.products", "category", " \t ", None),
    kept("billing.products", "category", NO_BREAK_SPACE, None),
]

TEXTS = [
    kept("billing.products", "product_name", text, value)
    for text, value in (
        ("  a  b ", "a  b"),
        (f"{NO_BREAK_SPACE}a{NO_BREAK_SPACE}b{NO_BREAK_SPACE}", f"a{NO_BREAK_SPACE}b"),
        ("two\nlines\n\nand more", "two\nlines\n\nand more"),
        ('say "hi", you', 'say "hi", you'),
        (TEN_THOUSAND, TEN_THOUSAND),
        (EMOJI_AND_HANGUL, EMOJI_AND_HANGUL),
        ("NULL", "NULL"),
        ("O'Brien; drop table x", "O'Brien; drop table x"),
        ("a\\n", "a\\n"),
    )
]

DECIMALS = [
    kept("crm.deals", "amount", text, Decimal(value))
    for text, value in (
        (" 12.5 ", "12.5"),
        ("-0", "0"),
        ("0", "0"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("007", "7"),
        ("1e3", "1000"),
        ("1.5E-2", "0.015"),
        ("0.000001", "0.000001"),
        ("999999999999.999999", "999999999999.999999"),
    )
] + [
    bad("crm.deals", "invalid_amount", amount=text)
    for text in (
        "1,234.50", "1.234,50", "1 000", "NaN", "nan", "1e400", "Infinity", "-inf", "1_000", "0x1F", "\u0661\u0662",
        "\uff11\uff12", "$5",
        "5 USD", "-1", "-0.01", "true", "1e", "--1", ".", "10000000000001", "1.2.3", "12%", "(5)",
    )
]  # fmt: skip

DATES = [
    kept("crm.sales_reps", "hired_on", "2024-02-29", date(2024, 2, 29)),
    kept("crm.sales_reps", "hired_on", " 2025-12-31 ", date(2025, 12, 31)),
    kept("crm.sales_reps", "hired_on", "2025-12-31 00:00:00", date(2025, 12, 31)),
    kept("crm.sales_reps", "hired_on", "2025-12-31T00:00:00Z", date(2025, 12, 31)),
    *(
        refused("crm.sales_reps", "hired_on", text)
        for text in (
            "31/12/2025", "2025-02-29", "2025-13-01", "2025-1-1", "20250101", "2025-W01-1", "infinity", "today",
            "2025-01-01 10:00", "45678", "\u0662\u0660\u0662\u0665-\u0660\u0661-\u0660\u0661",
        )
    ),
    bad("marketing.ad_spend", "invalid_spend_on", spend_on="31/12/2025"),
    bad("marketing.ad_spend", "invalid_spend_on", spend_on="2025-02-29"),
    kept("planning.sales_costs", "cost_month", "2026-03-01", date(2026, 3, 1)),
    bad("planning.sales_costs", "invalid_cost_month", cost_month="2026-03-02"),
    bad("planning.sales_costs", "invalid_cost_month", cost_month="2026-03"),
    bad("planning.sales_quotas", "invalid_quota_month", quota_month="2026-03-31"),
    bad("planning.sales_targets", "invalid_target_month", target_month="2026-03-15"),
]  # fmt: skip

TIMESTAMPS = [
    kept("crm.accounts", "created_at", text, datetime.fromisoformat(utc))
    for text, utc in (
        ("2026-01-02", "2026-01-02T00:00:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05"),
        ("2026-01-02T03:04", "2026-01-02T03:04:00"),
        ("2026-01-02T03:04:05.5", "2026-01-02T03:04:05.500000"),
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05"),
        ("2026-01-02T03:04:05z", "2026-01-02T03:04:05"),
        ("2026-01-02T03:04Z", "2026-01-02T03:04:00"),
        ("2026-01-02 03:04:05 Z", "2026-01-02T03:04:05"),
        ("2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05"),
        ("2026-01-02T03:04 utc", "2026-01-02T03:04:00"),
        ("2026-01-02 03:04:05.25 UTC", "2026-01-02T03:04:05.250000"),
        ("2026-01-02T03:04:05+05:45", "2026-01-01T21:19:05"),
        ("2026-01-02T03:04:05+0900", "2026-01-01T18:04:05"),
        ("2026-01-02T03:04+0900", "2026-01-01T18:04:00"),
        ("2026-01-02T03:04:05+09", "2026-01-01T18:04:05"),
        ("2026-01-02T03:04:05-03:30", "2026-01-02T06:34:05"),
        ("2026-01-02 03:04:05 -0330", "2026-01-02T06:34:05"),
        ("2026-01-02 03:04:05.25 +01:00", "2026-01-02T02:04:05.250000"),
        (" 2024-02-29T23:59:59-14:00 ", "2024-03-01T13:59:59"),
    )
] + [
    bad("crm.accounts", "invalid_created_at", created_at=text)
    for text in (
        "2026-01-02T03:04:05+25:00", "2026-01-02T24:00:00", "2026-01-02T03:60:00", "2026-01-02T03:04:60", "infinity",
        "-infinity", "epoch", "now", "2025-W01-1", "2025-02-29T00:00:00Z", "31/12/2025 10:00", "2026-01-02T3:04:05",
        "2026-01-02T03", "2026-01-02Z", "1767322800", "2026-01-02T03:04:05 Europe/Berlin", "2026-01-02T03:04:05+",
        "2026-01-02T03:04:05+1:00", "2026-01-02x03:04:05", "2026-01-02 UTC", "2026-01-02 03:04:05 KST",
    )
]  # fmt: skip

WHOLE_NUMBERS = [
    *(
        kept("support.csat_responses", "score", text, value)
        for text, value in (("4", 4), ("4.0", 4), ("1", 1), ("+5", 5))
    ),
    *(
        bad("support.csat_responses", "invalid_score", score=text)
        for text in ("4.5", "4.0000001", "0", "6", "-1", "four", "4,0", "\u0664", "99999999999999999999")
    ),
]  # fmt: skip

RANGES = [
    bad("crm.deals", "invalid_deal_type", deal_type="New_Business"),
    bad("crm.activities", "invalid_activity_type", activity_type="fax"),
    bad("crm.activities", "invalid_status", status="done"),
    bad("billing.orders", "invalid_status", status="PAID"),
    bad("billing.order_items", "invalid_quantity", quantity="0"),
    bad("billing.order_items", "invalid_quantity", quantity="-1"),
    bad("billing.order_items", "invalid_unit_price", unit_price="-0.01"),
    kept("billing.order_items", "quantity", "0.5", Decimal("0.5")),
    kept("billing.order_items", "unit_price", "0", Decimal(0)),
    kept("billing.order_items", "discount_amount", "5", Decimal(5), quantity="2", unit_price="2.5"),
    bad("billing.order_items", "invalid_discount_amount", discount_amount="5.01", quantity="2", unit_price="2.5"),
    bad("billing.order_items", "invalid_discount_amount", discount_amount="-0.01"),
    bad("billing.order_items", "invalid_discount_amount", discount_amount="1,000.00"),
    kept("billing.refunds", "tax_amount", "10", Decimal(10), amount="10"),
    bad("billing.refunds", "invalid_tax_amount", tax_amount="10.01", amount="10"),
    bad("billing.refunds", "invalid_tax_amount", tax_amount="-1"),
    kept("billing.subscription_changes", "billing_interval", "day", "day"),
    kept("planning.sales_quotas", "months", "120", 120, rep_id="R1"),
    *(refused("planning.sales_targets", "months", text) for text in ("0", "121", "1.5", "three")),
    bad("billing.refunds", "invalid_amount", amount="0"),
    bad("billing.subscription_changes", "invalid_status", status="trial"),
    bad("marketing.ad_spend", "invalid_amount", amount="-1"),
    kept("marketing.ad_spend", "amount", "0", Decimal(0)),
    bad("support.inquiries", "invalid_channel", channel="fax"),
    bad("planning.sales_targets", "invalid_scope", scope="planet"),
    kept("planning.sales_targets", "amount", "-5", Decimal(-5)),
    bad("planning.sales_quotas", "invalid_amount", amount="-1"),
    bad("planning.sales_costs", "invalid_amount", amount="-1"),
    bad("planning.fx_rates", "invalid_rate", rate="0"),
    bad("planning.fx_rates", "invalid_rate", rate="-1"),
    refused("crm.deals", "probability", "1.01"),
    refused("crm.deals", "probability", "-0.01"),
    refused("crm.deals", "probability", "50%"),
    kept("crm.deals", "probability", "1", Decimal(1)),
    kept("crm.deals", "amount", "", None, "deals_without_amount"),
    # no money, so no rate
    kept("crm.deals", "currency", "GBP", "GBP", "deals_without_amount", amount=""),
    kept("support.csat_responses", "score", "", None, "unanswered_surveys"),
    kept("support.csat_responses", "score", "", None, "unanswered_surveys", responded_at=""),
    refused("support.csat_responses", "responded_at", "soon"),
    refused("crm.deals", "closed_at", "soon"),
    refused("crm.deals", "closed_at", "3/5/2025"),
    refused("crm.sales_reps", "left_on", "6/30/2025"),
    refused("billing.products", "unit_cost", "$12.50"),
    refused("crm.leads", "qualified_at", "45720.5"),
    refused("crm.activities", "duration_minutes", "1:30"),
    refused("crm.sales_reps", "deleted_at", "yes"),
    refused("billing.subscription_changes", "billing_interval", "annual"),
    refused("crm.deals", "updated_at", "yesterday"),
    refused("crm.leads", "referrer_type", "friend"),
    refused("crm.activities", "duration_minutes", "-5"),
    refused("crm.activities", "direction", "sideways"),
    refused("billing.order_items", "discount_amount", "ten"),
    refused("billing.subscription_changes", "billing_interval", "fortnight"),
    refused("billing.subscription_changes", "interval_count", "0"),
    refused("marketing.ad_spend", "clicks", "many"),
    refused("marketing.social_engagements", "likes", "NaN"),
    refused("support.inquiries", "resolved_at", "2026-02-30"),
]

CURRENCIES = [
    kept("crm.deals", "currency", "usd", "USD"),
    kept("crm.deals", "currency", " eur ", "EUR"),
    kept("crm.deals", "currency", "", None),
    bad("crm.deals", "missing_fx_rate", currency="GBP"),
    bad("crm.deals", "missing_fx_rate", currency="dollars"),
    # The first euro rate is of 2026-01-01.
    kept("crm.deals", "currency", "EUR", "EUR", created_at="2026-01-01"),
    bad("crm.deals", "missing_fx_rate", currency="EUR", created_at="2025-12-31T23:59:59"),
    # A closed deal's money is dated by its closing.
    kept(
        "crm.deals", "currency", "EUR", "EUR", stage="closed_won", created_at="2025-06-01", closed_at="2026-02-01",
    ),
    bad("billing.orders", "missing_fx_rate", currency="EUR", ordered_at="2025-12-31"),
    kept("billing.orders", "currency", "EUR", "EUR"),
    bad("billing.subscription_changes", "missing_fx_rate", currency="GBP", unit_amount="5"),
    kept("billing.subscription_changes", "currency", "GBP", "GBP", status="canceled"),
    bad("marketing.ad_spend", "missing_fx_rate", currency="GBP"),
    bad("planning.sales_targets", "missing_fx_rate", currency="GBP", target_month="2026-01-01"),
    bad("planning.sales_quotas", "missing_fx_rate", currency="EUR", quota_month="2025-12-01"),
    bad("planning.sales_costs", "missing_fx_rate", currency="GBP"),
    bad("billing.refunds", "missing_fx_rate", order_id="O-EUR", refunded_at="2025-12-31"),
    # The yen has a rate, but not into the reporting currency.
    bad("crm.deals", "missing_fx_rate", currency="JPY"),
    # A rate may be 45 days old.
    kept("crm.deals", "currency", "EUR", "EUR", created_at="2026-02-15"),
    bad("crm.deals", "missing_fx_rate", currency="EUR", created_at="2026-02-16"),
]  # fmt: skip

REFERENCES = [
    bad("crm.deals", "unknown_stage", stage="Closed Won"),
    bad("crm.deal_stage_changes", "unknown_stage", stage="won", changed_at="2026-05-01"),
    bad("billing.refunds", "unknown_order", order_id="O-nowhere"),
    bad("billing.order_items", "unknown_order", order_id="O-nowhere"),
    # An order that is quarantined itself is not known either.
    bad("billing.refunds", "unknown_order", order_id="O-bad"),
    bad("billing.order_items", "unknown_order", order_id="O-bad"),
    *(
        kept(table, column, "nobody", "nobody", f"unknown_{column}")
        for table, columns in {
            "crm.leads": "owner_rep_id account_id",
            "crm.deals": "account_id lead_id owner_rep_id",
            "crm.deal_stage_changes": "deal_id",
            "crm.activities": "rep_id lead_id deal_id account_id",
            "billing.orders": "account_id deal_id rep_id",
            "billing.order_items": "product_id",
            "billing.subscription_changes": "account_id",
            "marketing.social_engagements": "rep_id",
            "support.inquiries": "account_id rep_id",
            "support.csat_responses": "inquiry_id account_id rep_id",
            "planning.sales_quotas": "rep_id",
        }.items()
        for column in columns.split()
    ),
    Case("crm.deals", {"account_id": "A1", "lead_id": "L1", "owner_rep_id": "R1"}, None, {"account_id": "A1"}),
]

CONTRADICTIONS = [
    Case(
        "crm.deals", {"created_at": "2026-02-01", "closed_at": "2026-01-01", "stage": "closed_lost"}, None,
        {"closed_at": datetime(2026, 1, 1)}, ("closed_before_created",),
    ),
    # Between a day and an instant only dates are compared.
    kept("crm.deals", "created_at", "2026-02-01T10:00", datetime(2026, 2, 1, 10), closed_at="2026-02-01"),
    kept("support.inquiries", "first_responded_at", "2026-02-01", datetime(2026, 2, 1), received_at="2026-02-01T09:00"),
    Case(
        "support.inquiries", {"received_at": "2026-02-01", "first_responded_at": "2026-01-31T23:59"}, None,
        {"first_responded_at": datetime(2026, 1, 31, 23, 59)}, ("answered_before_received",),
    ),
]  # fmt: skip

SEVERAL = [
    bad("crm.deals", "missing_deal_type,invalid_amount,unknown_stage", deal_type="", stage="lost", amount="x"),
    bad("crm.deals", "invalid_created_at,missing_fx_rate", created_at="x", closed_at="2026-01-01", currency="GBP"),
    bad("billing.order_items", "invalid_quantity,unknown_order", quantity="x", order_id="O-nowhere"),
    bad("crm.deals", "invalid_probability,invalid_closed_at", probability="2", closed_at="x"),
]  # fmt: skip

CASES = [
    *MISSING, *BLANK, *TEXTS, *DECIMALS, *DATES, *TIMESTAMPS, *WHOLE_NUMBERS, *RANGES, *CURRENCIES, *REFERENCES,
    *CONTRADICTIONS, *SEVERAL,
]  # fmt: skip
CASES_FILE = "cases.csv"
CLEAN_TABLES_FILE = "parents.csv"


@dataclass(frozen=True)
class Staged:
    """A staged build file, and the line in its table's file that each case stands on."""

    build: duckdb.DuckDBPyConnection
    lines: dict[int, int]
    rows_landed: Counter[str]

    def line(self, case: Case) -> int:
        return self.lines[id(case)]

    def status(self, case: Case) -> str:
        system, table = case.table.split(".")
        [(status,)] = rows_of(
            self.build,
            f"select _row_status from staging.base_{system}__{table} where _file_name = ? and _line = ?",
            CASES_FILE,
            self.line(case),
        )
        return str(status)


def add_cases(landing: Landing) -> dict[int, int]:
    """Write the cases, a file for each table; returns the line of each by its identity."""
    lines: dict[int, int] = {}
    for table in STARRED:
        cases = [case for case in CASES if case.table == table]
        rows = [landing.row(table, **case.values) for case in cases]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        text = csv_text([columns])
        for case, row in zip(cases, rows, strict=True):
            lines[id(case)] = text.count("\n") + 1
            text += csv_text([[row.get(column, "") for column in columns]])
        landing.add_file(table, text, CASES_FILE)
        landing.row_counts[table] += len(rows)
    return lines


def add_rates(landing: Landing) -> None:
    landing.add(
        "planning.fx_rates",
        {"rate_on": "2026-01-01", "from_currency": "eur", "to_currency": "Usd", "rate": "1.1"},
        {"rate_on": "2020-01-01", "from_currency": "JPY", "to_currency": "EUR", "rate": "0.006"},
        file=CLEAN_TABLES_FILE,
    )


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    folder = tmp_path_factory.mktemp("staging")
    landing, warehouse = Landing(folder / "landing"), folder / "warehouse"
    landing.add_parents()
    add_rates(landing)
    landing.add("billing.orders", {"order_id": "O-EUR", "currency": "EUR"}, file="euro.csv")
    landing.add("billing.orders", {"order_id": "O-bad", "status": "lost"}, file="bad.csv")
    lines = add_cases(landing)
    landing.add_file(
        "support.csat_responses",
        'response_id,score,responded_at\nok-1,5,2026-01-01\n\ntoo,few\n"open,5,2026-01-01\na,b,c,d\nok-2,5,2026-01-01\n',
        "malformed.csv",
    )
    landing.row_counts["support.csat_responses"] += 5
    load(landing, warehouse)
    stage(DbtProject(settings_for(landing.folder, warehouse)))
    return Staged(open_build(warehouse), lines, landing.row_counts)


def test_the_contract_stars_the_columns_that_the_tests_expect() -> None:
    assert {table.label: " ".join(table.required_columns) for table in source_tables()} == STARRED


@pytest.mark.parametrize("case", [case for case in CASES if case.reasons], ids=str)
def test_a_bad_row_is_quarantined_with_all_its_reasons_its_file_and_its_line(staged: Staged, case: Case) -> None:
    assert staged.status(case) == "quarantined"
    assert rows_of(
        staged.build,
        "select reasons, load_id from staging.quarantined_rows where system_table = ? and file_name = ? and line = ?",
        case.table,
        CASES_FILE,
        staged.line(case),
    ) == [(case.reasons, "load-1")]


@pytest.mark.parametrize("case", [case for case in CASES if not case.reasons], ids=str)
def test_a_value_is_read_and_its_row_is_kept(staged: Staged, case: Case) -> None:
    assert staged.status(case) in ("current", "superseded")
    system, table = case.table.split(".")
    [values] = rows_of(
        staged.build,
        f"select {', '.join(case.gives)} from staging.base_{system}__{table} where _file_name = ? and _line = ?",
        CASES_FILE,
        staged.line(case),
    )
    assert dict(zip(case.gives, values, strict=True)) == case.gives


def test_what_was_kept_but_deserves_a_look_is_counted_by_table_and_finding(staged: Staged) -> None:
    expected = Counter((case.table, finding) for case in CASES for finding in case.findings)
    found = rows_of(
        staged.build,
        "select system_table, finding, row_count from staging.data_findings "
        "where finding not in ('conflicting_key', 'two_changes_at_one_moment')",
    )
    assert {(table, finding): count for table, finding, count in found} == dict(expected)


def test_malformed_lines_are_quarantined_with_their_text_and_line(staged: Staged) -> None:
    assert rows_of(
        staged.build,
        "select system_table, file_name, line, row_text from staging.quarantined_rows "
        "where reasons = 'malformed_line' order by line",
    ) == [
        ("support.csat_responses", "malformed.csv", 4, "too,few"),
        ("support.csat_responses", "malformed.csv", 5, '"open,5,2026-01-01'),
        ("support.csat_responses", "malformed.csv", 6, "a,b,c,d"),
    ]


def test_a_quarantined_row_keeps_its_text_as_it_came(staged: Staged) -> None:
    [case] = [case for case in CASES if case.values.get("amount") == "1,234.50"]
    [(text,)] = rows_of(
        staged.build,
        "select row_text from staging.quarantined_rows where system_table = 'crm.deals' and line = ? and file_name = ?",
        staged.line(case),
        CASES_FILE,
    )
    assert '"amount":"1,234.50"' in text
    assert '"deal_type":"new_business"' in text


@pytest.mark.parametrize("table", STARRED)
def test_the_books_balance_rows_in_files_are_current_superseded_deleted_or_quarantined(
    staged: Staged, table: str
) -> None:
    [(read, current, superseded, deleted, quarantined)] = rows_of(
        staged.build,
        "select rows_read, rows_current, rows_superseded, rows_deleted, rows_quarantined from staging.load_books "
        "where system_table = ?",
        table,
    )
    assert read == staged.rows_landed[table]
    assert read == current + superseded + deleted + quarantined
    bad_rows = sum(1 for case in CASES if case.table == table and case.reasons)
    others = {"support.csat_responses": 3, "billing.orders": 1}
    assert quarantined == bad_rows + others.get(table, 0)
    [(listed,)] = rows_of(staged.build, "select count(*) from staging.quarantined_rows where system_table = ?", table)
    assert listed == quarantined
    [(in_model,)] = rows_of(staged.build, f"select count(*) from staging.stg_{table.replace('.', '__')}")
    assert in_model == current


# Which version of a row counts. In each: files in the order they are loaded, rows of one key with a value to tell them
# by, and the value that must win.
Version = dict[str, str]


@dataclass(frozen=True)
class Versions:
    rule: str
    files: dict[str, list[Version]]
    wins: str | None
    table: str = "crm.accounts"

    def __str__(self) -> str:
        return self.rule


def at(value: str, updated_at: str, **others: str) -> Version:
    return {"industry": value, "updated_at": updated_at, **others}


VERSIONS = [
    Versions("greatest updated_at", {"a.csv": [at("old", "2026-01-01"), at("new", "2026-01-03")]}, "new"),
    Versions(
        "greatest updated_at, wherever it stands",
        {"a.csv": [at("new", "2026-01-03")], "b.csv": [at("old", "2026-01-01"), at("older", "2025-12-31")]},
        "new",
    ),
    Versions(
        "instants are compared, not texts",
        {"a.csv": [at("new", "2026-01-01T23:30:00-02:00"), at("old", "2026-01-02T00:30:00Z")]},
        "new",
    ),
    Versions("blank is older than any", {"a.csv": [at("dated", "1970-01-01")], "b.csv": [at("blank", "")]}, "dated"),
    Versions(
        "tie goes to the file that sorts last",
        {"b.csv": [at("last file", "2026-01-01")], "a.csv": [at("first file", "2026-01-01"), at("x", "2026-01-01")]},
        "last file",
    ),
    Versions("tie within a file goes to the later line", {"a.csv": [at("first", ""), at("second", "")]}, "second"),
    Versions(
        "lines are compared as numbers",
        {"a.csv": [*(at(f"line {number}", "") for number in range(2, 13))]},
        "line 12",
    ),
    Versions(
        "an export without updated_at goes by file name",
        {"b.csv": [{"industry": "b"}], "a.csv": [{"industry": "a"}]},
        "b",
    ),
    Versions(
        "an invalid newer version does not displace a valid older one",
        {"a.csv": [at("valid", "2026-01-01"), at("invalid", "2026-01-02", created_at="never")]},
        "valid",
    ),
    Versions(
        "an optional value that is invalid does not make a version lose",
        {"a.csv": [at("old", "2026-01-01"), at("new", "2026-01-02", region="")]},
        "new",
    ),
    Versions(
        "an unreadable updated_at is no version",
        {"a.csv": [at("dated", "2026-01-01"), at("unreadable", "2026-13-01")]},
        "dated",
    ),
    Versions(
        "names sort as people count",
        {"t (2).csv": [at("second", "")], "t (10).csv": [at("tenth", "")], "t (9).csv": [at("ninth", "")]},
        "tenth",
    ),
    Versions("a deletion takes the key away", {"a.csv": [at("x", ""), at("x", "", deleted_at="2026-06-30")]}, None),
    Versions("a deletion to come does not", {"a.csv": [at("x", "", deleted_at="2026-07-01T00:00:00Z")]}, "x"),
    Versions(
        "a key comes back with a later version",
        {"a.csv": [at("gone", "2026-01-01", deleted_at="2026-01-01"), at("back", "2026-01-02")]},
        "back",
    ),
    Versions("only invalid versions: none counts", {"a.csv": [at("bad", "", created_at="x")]}, None),
    Versions(
        "keys are compared trimmed",
        {"a.csv": [at("old", "2026-01-01")], "b.csv": [at("new", "2026-01-02", account_id=" {key}\u00a0")]},
        "new",
    ),
    Versions(
        "a table without updated_at goes by file name, then line",
        {"b.csv": [{"category": "x"}, {"category": "later line"}], "a.csv": [{"category": "y"}]},
        "later line",
        "billing.products",
    ),
]
KEYS = {"crm.accounts": ("account_id", "industry"), "billing.products": ("product_id", "category")}


@dataclass(frozen=True)
class Loads:
    """A build file after its first and after its second load, each staged."""

    first: duckdb.DuckDBPyConnection
    second: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Loads:
    folder = tmp_path_factory.mktemp("versions")
    landing, warehouse = Landing(folder / "landing"), folder / "warehouse"
    landing.add_parents()
    landing.add("planning.fx_rates", {"rate_on": "2026-03-01", "from_currency": "EUR"}, file=CLEAN_TABLES_FILE)
    for number, versions in enumerate(VERSIONS):
        key = f"key-{number}"
        for file, rows in versions.files.items():
            keyed = [
                {name: value.replace("{key}", key) for name, value in {KEYS[versions.table][0]: key, **row}.items()}
                for row in rows
            ]
            # The name begins with the file's own, so that it sorts as the case says.
            landing.add(versions.table, *keyed, file=f"{file.removesuffix('.csv')}-{number}.csv")
    # Two rows of a key with blank parts, one key each.
    landing.add(
        "marketing.social_engagements",
        {"platform": "web", "likes": "1"},
        {"platform": "web", "likes": "2"},
        {"platform": "web", "rep_id": "R1", "likes": "3"},
    )
    landing.add("billing.refunds", {"refund_id": "early", "order_id": "O-late"})
    landing.add("billing.order_items", {"order_item_id": "early", "order_id": "O-late"})
    landing.add("crm.deals", {"deal_id": "D-EUR", "currency": "EUR", "created_at": "2026-02-01"})
    landing.add(
        "crm.accounts", {"account_id": "corrected", "industry": "old", "updated_at": "2026-01-01"}, file="c.csv"
    )
    landing.add("crm.accounts", {"account_id": "late", "industry": "m.csv", "updated_at": "2026-01-01"}, file="m.csv")
    project = DbtProject(settings_for(landing.folder, warehouse))
    load(landing, warehouse)
    stage(project)
    (folder / "first").mkdir()
    shutil.copy(warehouse / "build.duckdb", folder / "first")
    landing.add("billing.orders", {"order_id": "O-late"}, file="late.csv")
    landing.add("planning.fx_rates", {"rate_on": "2026-01-15", "from_currency": "EUR"}, file="late.csv")
    landing.add(
        "crm.accounts", {"account_id": "corrected", "industry": "new", "updated_at": "2026-01-01"}, file="c.csv"
    )
    landing.add("crm.accounts", {"account_id": "late", "industry": "a.csv", "updated_at": "2026-01-01"}, file="a.csv")
    load(landing, warehouse, "load-2")
    stage(project)
    return Loads(open_build(folder / "first"), open_build(warehouse))


@pytest.mark.parametrize("versions", VERSIONS, ids=str)
def test_of_several_versions_one_counts(loads: Loads, versions: Versions) -> None:
    key, value = KEYS[versions.table]
    number = VERSIONS.index(versions)
    found = rows_of(
        loads.first,
        f"select {value} from staging.stg_{versions.table.replace('.', '__')} where {key} = ?",
        f"key-{number}",
    )
    assert found == ([] if versions.wins is None else [(versions.wins,)])


def test_a_blank_part_of_a_key_is_a_value_of_its_own(loads: Loads) -> None:
    assert rows_of(
        loads.first, "select rep_id, likes from staging.stg_marketing__social_engagements order by likes"
    ) == [(None, 2), ("R1", 3)]


@pytest.mark.parametrize("table", ["billing.refunds", "billing.order_items"])
def test_a_row_of_an_unknown_order_re_enters_when_the_order_lands(loads: Loads, table: str) -> None:
    query = "select reasons from staging.quarantined_rows where system_table = ?"
    assert rows_of(loads.first, query, table) == [("unknown_order",)]
    assert rows_of(loads.second, query, table) == []
    assert rows_of(loads.second, f"select order_id from staging.stg_{table.replace('.', '__')}") == [("O-late",)]


def test_a_money_row_re_enters_when_an_earlier_rate_lands(loads: Loads) -> None:
    query = "select reasons from staging.quarantined_rows where system_table = 'crm.deals'"
    assert rows_of(loads.first, query) == [("missing_fx_rate",)]
    assert rows_of(loads.second, query) == []


def test_a_file_that_comes_again_with_other_content_wins_a_tie_with_what_it_held_before(loads: Loads) -> None:
    query = "select industry from staging.stg_crm__accounts where account_id = 'corrected'"
    assert rows_of(loads.first, query) == [("old",)]
    assert rows_of(loads.second, query) == [("new",)]


def test_a_tie_goes_by_file_name_whichever_file_was_loaded_later(loads: Loads) -> None:
    assert rows_of(loads.second, "select industry from staging.stg_crm__accounts where account_id = 'late'") == [
        ("m.csv",)
    ]


def test_the_books_balance_after_each_load(loads: Loads) -> None:
    for build in (loads.first, loads.second):
        assert (
            rows_of(
                build,
                "select * from staging.load_books "
                "where rows_read <> rows_current + rows_superseded + rows_deleted + rows_quarantined",
            )
            == []
        )
        [(read,)] = rows_of(build, "select sum(rows_read) from staging.load_books")
        [(in_files,)] = rows_of(build, "select sum(row_count + malformed_line_count) from raw.load_files")
        assert read == in_files
