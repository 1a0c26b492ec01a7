"""Values that cannot be read, and rows that say nothing where something may be said."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.reference.small import Company, reasons, row


@pytest.mark.parametrize(
    ("table", "columns", "line", "reason"),
    [
        ("crm.sales_reps", "rep_id,rep_name,left_on", "R1,Ada,6/30/2025", "invalid_left_on"),
        ("crm.deals", "deal_id,deal_type,stage,amount,created_at,closed_at",
         "D1,upsell,closed_won,1,2025-01-01,3/5/2025", "invalid_closed_at"),
        ("crm.deals", "deal_id,deal_type,stage,amount,created_at",
         'D1,upsell,proposal,"1,000",2025-01-01', "invalid_amount"),
        ("crm.leads", "lead_id,created_at,qualified_at", "L1,2025-01-01,45720.5", "invalid_qualified_at"),
        ("crm.leads", "lead_id,created_at,referrer_type", "L1,2025-01-01,friend", "invalid_referrer_type"),
        ("billing.products", "product_id,product_name,unit_cost", "P1,one,$12.50", "invalid_unit_cost"),
        ("billing.subscription_changes",
         "subscription_change_id,subscription_id,account_id,changed_at,status,billing_interval",
         "C1,S1,A1,2025-01-01,active,annual", "invalid_billing_interval"),
        ("billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price,discount_amount",
         'I1,O9,P,5,1000.00,"1,000.00"', "invalid_discount_amount"),
        ("billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price,discount_amount",
         "I1,O9,P,1,49.00,50.00", "invalid_discount_amount"),
        ("billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price,discount_amount",
         "I1,O9,P,1,49.00,-0.01", "invalid_discount_amount"),
        ("billing.refunds", "refund_id,order_id,amount,tax_amount,refunded_at", "F1,O9,10,10.01,2025-01-01",
         "invalid_tax_amount"),
        ("planning.sales_quotas", "quota_month,rep_id,amount,months", "2025-01-01,R1,1,0", "invalid_months"),
        ("planning.sales_quotas", "quota_month,rep_id,amount,months", "2025-01-01,R1,1,1.5", "invalid_months"),
        ("planning.sales_targets", "target_month,scope,amount,months", "2025-01-01,company,1,121", "invalid_months"),
        ("crm.accounts", "account_id,account_name,created_at,deleted_at",
         "A1,one,2025-01-01,yes", "invalid_deleted_at"),
    ],
)  # fmt: skip
def test_unreadable_is_no_answer(company: Company, table: str, columns: str, line: str, reason: str) -> None:
    company.add_order("O9", "2025-01-01", "1").add(table, columns, line, file="odd.csv")
    assert reasons(company.compute(), table) == {2: {reason}}


def test_an_unanswered_survey_is_kept(company: Company) -> None:
    company.add("support.csat_responses", "response_id,score,responded_at",
        "V1,5,2025-01-02", "V2,4,2025-01-02", "V3,2,2025-01-02", "V4,,2025-01-02", "V5,,", "V6,5,")  # fmt: skip
    result = company.compute("csat")
    csat = row(result, "csat", "month", "2025-01-01")
    assert (csat.numerator, csat.denominator) == (2, 3)
    assert reasons(result, "support.csat_responses") == {7: {"missing_responded_at"}}
    assert result.books["support.csat_responses"].current == 5


def test_a_deal_without_an_amount_counts(company: Company) -> None:
    company.add("crm.deals", "deal_id,deal_type,stage,amount,currency,created_at,closed_at",
        "D1,upsell,closed_won,100,,2025-01-01,2025-01-02", "D2,upsell,closed_won,,XTS,2025-01-01,2025-01-02",
        "D3,upsell,closed_lost,100,,2025-01-01,2025-01-02",
        "D4,upsell,closed_lost,,,2025-01-01,2025-01-02")  # fmt: skip
    result = company.compute("win_rate", "average_deal_size")
    rate = row(result, "win_rate", "month", "2025-01-01")
    assert (rate.numerator, rate.denominator, rate.extras["win_rate_by_amount"]) == (2, 4, 0.5)
    size = row(result, "average_deal_size", "month", "2025-01-01")
    assert (size.metric_value, size.extras["median"]) == (50, 100)
    assert not result.quarantine


def test_a_refund_with_tax_gives_back_less_revenue(company: Company) -> None:
    company.add_order("O1", "2025-01-01", "1000").add_order("O2", "2025-01-01", "1000")
    company.add("billing.refunds", "refund_id,order_id,amount,tax_amount,refunded_at", "F1,O1,1100,100,2025-01-02")
    assert row(company.compute(), "revenue", "month", "2025-01-01").metric_value == 1000


def test_an_amount_for_several_months_is_spread_over_them(company: Company) -> None:
    company.add("crm.deals", "deal_id,owner_rep_id,deal_type,stage,amount,created_at,closed_at",
        *(f"D{n},R1,upsell,closed_won,100,2024-12-01,2025-0{n}-10" for n in (1, 2, 3)))  # fmt: skip
    company.add(
        "planning.sales_quotas", "quota_month,rep_id,amount,months", "2025-01-01,R1,100,3", "2025-03-01,R1,66.67,"
    )
    result = company.compute("quota_attainment")
    months = [row(result, "quota_attainment", "month", f"2025-0{n}-01").denominator for n in (1, 2, 3)]
    assert months == [Decimal("33.3333"), Decimal("33.3333"), Decimal("100.0034")]
    assert row(result, "quota_attainment", "quarter", "2025-01-01").denominator == Decimal("166.67")


def test_a_plan_that_reaches_beyond_the_books_counts_for_its_whole_year(company: Company) -> None:
    company.add("planning.sales_quotas", "quota_month,rep_id,amount,months", "2025-01-01,R1,1200,12")
    company.add("crm.deals", "deal_id,deal_type,stage,amount,created_at", "D1,upsell,proposal,1,2025-01-01")
    result = company.compute("quota_attainment")
    assert row(result, "quota_attainment", "year", "2025-01-01").denominator == 1200
