"""Revenue, customers, recurring revenue."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.reference.small import Company, row


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
    assert mart["month", date(2025, 2, 1), "region", "North"].metric_value == 0  # against the 100 before
    assert ("month", date(2025, 3, 1), "region", "North") not in mart
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


def test_a_renewal_is_no_churn(company: Company) -> None:
    company.add_accounts("A1", "A2", "A3")
    company.add("billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount,billing_interval",
        "C1,S1,A1,2025-01-05,active,100,month", "C2,S1,A1,2025-03-31T23:59:59Z,canceled,,",
        "C3,S2,A1,2025-04-01,active,100,month",  # moved to a new plan overnight
        "C4,S3,A2,2024-04-01,active,1200,year", "C5,S3,A2,2025-03-31,canceled,,",
        "C6,S4,A2,2025-04-02,active,2400,year",  # two days later: by default a customer lost and won back
        "C7,S5,A3,2025-03-31,active,100,month", "C8,S5,A3,2025-03-31T10:00,canceled,,",  # within a day
    )  # fmt: skip

    def movements(month: int, gap: int) -> dict[str, object]:
        result = company.compute("mrr", renewal_gap_days=gap)
        mrr = row(result, "mrr", "month", f"2025-0{month}-01")
        moved = {name: value for name, value in mrr.extras.items() if name.endswith("_mrr") and value}
        return {"mrr": mrr.metric_value, **moved}

    assert movements(3, gap=0) == {"mrr": 0, "churned_mrr": -200}
    assert movements(3, gap=1) == {"mrr": 100, "churned_mrr": -100}
    assert movements(3, gap=2) == {"mrr": 200}
    assert movements(4, gap=1) == {"mrr": 300, "reactivation_mrr": 200}
    assert movements(4, gap=2) == {"mrr": 300, "expansion_mrr": 100}
    kept = row(company.compute("customer_retention_rate"), "customer_retention_rate", "month", "2025-03-01")
    assert (kept.numerator, kept.denominator) == (1, 2)


def test_what_is_billed_by_the_day(company: Company) -> None:
    company.add_accounts("A1").add("billing.subscription_changes",
        "subscription_change_id,subscription_id,account_id,changed_at,status,unit_amount,billing_interval,interval_count",
        "C9,S1,A1,2025-01-05,active,1,month,1",
        "C10,S1,A1,2025-01-05,active,24,day,2")  # of the same moment the greater number  # fmt: skip
    assert row(company.compute("mrr"), "mrr", "month", "2025-01-01").metric_value == 365
