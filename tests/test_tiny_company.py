"""A company small enough to compute by hand, through the real build: every figure here was worked out on paper."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from orchestration.build.pipeline import run_build
from orchestration.core.settings import Settings, load_settings
from orchestration.warehouse.connections import open_published
from tests.reference import compare, compute, differing_books
from tests.support.builds import run_unit_tests

LANDING = {
    "crm/sales_reps": """
        rep_id,rep_name,team,region
        r1,Ann,North,EU
        r2,Bob,South,US""",
    "crm/accounts": """
        account_id,account_name,segment,region,created_at
        a1,Acme,smb,east,2025-01-01
        a2,Bolt,enterprise,west,2025-01-01
        a3,Cove,smb,,2025-01-01""",
    "crm/leads": """
        lead_id,created_at,lead_source,owner_rep_id,account_id,qualified_at
        l1,2025-01-05,web,r1,a1,2025-01-06
        l2,2025-01-20,ads,r2,a2,
        l3,2025-02-03,web,r1,,
        l4,2025-02-10,ads,r2,a1,""",
    "crm/deals": """
        deal_id,account_id,lead_id,owner_rep_id,deal_type,stage,amount,currency,probability,created_at,closed_at
        d1,a1,l1,r1,new_business,closed_won,1000,,,2025-01-10,2025-01-20T12:00:00Z
        d2,a2,l2,r2,new_business,closed_won,500,EUR,,2025-02-01,2025-02-10
        d3,a2,,r1,upsell,closed_lost,300,USD,,2025-01-15,2025-02-20
        d4,,,r1,new_business,proposal,400,,0.4,2025-03-01,""",
    "crm/activities": """
        activity_id,activity_type,rep_id,lead_id,deal_id,occurred_at,direction,status
        t1,call,r1,l1,,2025-01-06,outbound,completed
        t2,email,r1,,d1,2025-01-12,,completed
        t3,call,r1,l1,,2025-01-13,inbound,completed
        t4,call,r1,,,2025-01-14,outbound,canceled
        t5,email,r9,,,2025-02-01,outbound,completed
        t6,call,r1,,,2025-03-16,outbound,completed""",
    "billing/orders": """
        order_id,account_id,deal_id,rep_id,ordered_at,status,currency
        o1,a1,,r1,2025-01-20,paid,
        o2,a2,d2,,2025-02-15,refunded,EUR
        o3,,,r2,2025-02-20,paid,USD
        o4,a2,,r2,2025-02-21,pending,USD
        o5,a1,,r1,2025-03-14,paid,USD""",
    "billing/order_items": """
        order_item_id,order_id,product_id,quantity,unit_price,discount_amount,tax_amount
        i1,o1,p1,2,100,10,38
        i2,o1,p2,1,10,,2
        i3,o2,p1,1,100,,
        i4,o3,p2,5,10,,
        i5,o4,p1,1,999,,
        i6,o5,p1,1,80,,""",
    "billing/refunds": """
        refund_id,order_id,amount,refunded_at
        f1,o2,50,2025-03-05""",
    "billing/products": """
        product_id,product_name,category,unit_cost
        p1,Pump,hardware,40
        p2,Setup,services,2""",
    "billing/subscription_changes": """
        subscription_change_id,subscription_id,account_id,changed_at,status,plan,quantity,unit_amount,billing_interval
        c1,s1,a1,2025-01-31,active,basic,1,10,month
        c2,s1,a1,2025-03-10,active,basic,3,10,month
        c3,s2,a3,2025-02-05,active,pro,1,120,year
        c4,s2,a3,2025-03-01,canceled,pro,1,120,year""",
    "support/inquiries": """
        inquiry_id,channel,account_id,rep_id,received_at,first_responded_at
        q1,email,a1,r1,2025-02-01T10:00:00,2025-02-01T10:30:00
        q2,phone,a2,r2,2025-02-02T10:00:00,""",
    "support/csat_responses": """
        response_id,inquiry_id,rep_id,score,responded_at
        v1,q1,,5,2025-02-03
        v2,q1,r2,3,2025-02-04""",
    "planning/sales_targets": """
        target_month,scope,scope_value,amount
        2025-01-01,company,,400
        2025-02-01,company,,500
        2025-01-01,team,North,100""",
    "planning/sales_quotas": """
        quota_month,rep_id,amount
        2025-01-01,r1,800
        2025-02-01,r2,1000""",
    "planning/fx_rates": """
        rate_on,from_currency,to_currency,rate
        2025-01-01,EUR,USD,1.1
        2025-02-01,EUR,USD,1.2""",
}

Key = tuple[str, str, str, str]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The company, built."""
    folder = tmp_path_factory.mktemp("tiny")
    for table, text in LANDING.items():
        path = folder / "landing" / table / "export.csv"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n", encoding="utf-8")
    settings = load_settings(
        {"landing": folder / "landing", "warehouse": folder / "warehouse", "as_of_date": date(2025, 3, 15)}
    )
    run_build(settings)
    return settings


@pytest.fixture(scope="module")
def marts(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(settings.paths.marts_file) as connection:
        yield connection


def row(
    marts: duckdb.DuckDBPyConnection,
    metric: str,
    start: str,
    columns: str,
    *,
    grain: str = "month",
    member: str = "all",
) -> tuple[Any, ...] | None:
    """The columns of one row, numbers as floats; `member` is `all` or `dimension=value`."""
    dimension, _, value = member.partition("=")
    found = marts.execute(
        f"select {columns} from kpi.kpi_{metric} "
        "where period_grain = ? and period_start = ? and dimension = ? and dimension_value = ?",
        [grain, start, dimension, value or "all"],
    ).fetchall()
    assert len(found) <= 1
    return None if not found else tuple(float(cell) if cell is not None else None for cell in found[0])


VALUE = "metric_value"
PARTS = "numerator, denominator, metric_value"

# metric, month (or quarter), member, columns, what they must be
CASES: list[tuple[str, str, str, str, str, tuple[float | None, ...] | None]] = [
    # sales: 2 x 100 - 10 + 10; EUR 100 at 1.2 and 50; 80 less the refund of EUR 50 at 1.2
    ("revenue", "month", "2025-01-01", "all", f"{VALUE}, gross_revenue, refunds, target_value", (200, 200, 0, 400)),
    ("revenue", "month", "2025-02-01", "all", f"{VALUE}, prior_period_value, target_value", (170, 200, 500)),
    ("revenue", "month", "2025-03-01", "all", f"{VALUE}, gross_revenue, refunds, target_value", (20, 80, 60, None)),
    ("revenue", "quarter", "2025-01-01", "all", f"{VALUE}, target_value", (390, 900)),
    ("revenue", "week", "2025-01-20", "all", f"{VALUE}, target_value", (200, None)),
    # January to March, and to February before it
    ("revenue", "year_to_date", "2025-03-01", "all", f"{VALUE}, prior_period_value, target_value", (390, 370, 900)),
    ("win_rate", "year_to_date", "2025-03-01", "all", PARTS, (2, 3, 2 / 3)),
    ("sales_growth", "month", "2025-02-01", "all", PARTS, (-30, 200, -0.15)),
    ("sales_growth", "year_to_date", "2025-03-01", "all", PARTS, (None, None, None)),
    ("refund_rate", "month", "2025-03-01", "all", PARTS, (60, 80, 0.75)),
    # 200 less two pumps and a setup; in March a pump for 80, and half of one given back with its cost
    ("gross_margin", "month", "2025-01-01", "all", PARTS, (118, 200, 0.59)),
    ("gross_margin", "month", "2025-03-01", "all", PARTS, (0, 20, 0)),
    # nothing was open as the year began; of all that was closed by January all was won
    ("pipeline_coverage", "month", "2025-01-01", "all", f"{PARTS}, remaining_target, coverage_of_remaining, needed_coverage", (0, 400, 0, 200, 0, 1)),
    # d3 was open as February began
    ("pipeline_coverage", "month", "2025-02-01", "all", f"{PARTS}, remaining_target, needed_coverage", (300, 500, 0.6, 330, 1900 / 1600)),
    # a1 bought in January and pays in February; of those who came in February all did
    ("cohort_retention", "month", "2025-01-01", "all", f"{PARTS}, still_active, revenue_per_customer", (1, 1, 1, 1, 200)),
    ("cohort_retention", "month", "2025-02-01", "months_since=000", f"{PARTS}, cohort_customers", (2, 2, 1, 2)),
    # neither ad spend nor sales costs have landed
    ("customer_acquisition_cost", "month", "2025-02-01", "all", f"{PARTS}, prior_period_value", (0, 2, None, None)),
    ("revenue", "month", "2025-01-01", "team=North", f"{VALUE}, target_value", (200, 100)),
    ("revenue", "month", "2025-02-01", "sales_rep=r2", VALUE, (170,)),
    ("revenue", "month", "2025-03-01", "sales_rep=r2", VALUE, (-60,)),
    ("revenue", "month", "2025-01-01", "product_category=hardware", VALUE, (190,)),
    ("revenue", "month", "2025-01-01", "product_category=services", VALUE, (10,)),
    ("revenue", "month", "2025-02-01", "region=unknown", VALUE, (50,)),
    ("revenue", "month", "2025-02-01", "lead_source=ads", VALUE, (120,)),
    ("revenue", "month", "2025-01-01", "sales_rep=r2", VALUE, None),
    ("average_order_value", "month", "2025-02-01", "all", PARTS, (170, 2, 85)),
    # nothing sold: there because it is compared with February
    ("average_order_value", "month", "2025-03-01", "sales_rep=r2", f"{PARTS}, prior_period_value", (0, 0, None, 85)),
    # a3 came by a subscription, so no rep won it
    ("new_customers", "month", "2025-02-01", "all", f"{VALUE}, prior_period_value", (2, 1)),
    ("new_customers", "month", "2025-02-01", "sales_rep=unknown", VALUE, (1,)),
    ("new_customers", "month", "2025-02-01", "lead_source=unknown", VALUE, (1,)),
    ("new_customers", "month", "2025-03-01", "all", VALUE, (0,)),
    ("win_rate", "month", "2025-02-01", "all", f"{PARTS}, win_rate_by_amount", (1, 2, 0.5, 600 / 900)),
    ("win_rate", "month", "2025-03-01", "all", PARTS, (0, 0, None)),
    ("win_rate", "month", "2025-02-01", "sales_rep=r1", PARTS, (0, 1, 0)),
    # from the day of the lead's creation, not the call a day later, to the day of closing
    ("sales_cycle_length", "month", "2025-01-01", "all", f"{VALUE}, average_deal_age_days", (15, 10)),
    ("sales_cycle_length", "quarter", "2025-01-01", "all", f"{PARTS}, median, p90", (36, 2, 18, 18, 20.4)),
    ("quota_attainment", "month", "2025-01-01", "all", f"{VALUE}, target_value, reps_with_quota, reps_attained", (1.25, 1, 1, 1)),
    ("quota_attainment", "quarter", "2025-01-01", "all", f"{PARTS}, reps_with_quota, reps_attained", (1600, 1800, 1600 / 1800, 2, 1)),
    ("quota_attainment", "week", "2025-01-20", "all", PARTS, None),
    ("mrr", "month", "2025-02-01", "all", f"{VALUE}, new_mrr", (20, 10)),
    ("mrr", "month", "2025-03-01", "all", f"{VALUE}, expansion_mrr, churned_mrr, net_revenue_retention, gross_revenue_retention", (30, 20, -10, 1.5, 0.5)),
    ("mrr", "month", "2025-03-01", "plan=pro", f"{VALUE}, prior_period_value", (0, 10)),
    # d3 was open at the end of January; d4 is open now
    ("pipeline_value", "month", "2025-01-01", "all", VALUE, (300,)),
    ("pipeline_value", "month", "2025-02-01", "all", VALUE, (0,)),
    ("pipeline_value", "month", "2025-03-01", "stage=proposal", f"{VALUE}, weighted_value", (400, 160)),
    # a lead of an account that bought before counts only if it bought again
    ("lead_conversion_rate", "month", "2025-01-01", "all", f"{PARTS}, qualified_leads, conversions_in_period", (2, 2, 1, 1, 1)),
    ("lead_conversion_rate", "month", "2025-02-01", "all", f"{PARTS}, conversions_in_period", (1, 2, 0.5, 1)),
    ("lead_conversion_rate", "month", "2025-03-01", "all", f"{PARTS}, conversions_in_period", (0, 0, None, 1)),
    # neither the inbound nor the canceled one, nor the one after the books
    ("calls_and_emails", "month", "2025-01-01", "all", VALUE, (2,)),
    ("calls_and_emails", "month", "2025-02-01", "sales_rep=unknown", VALUE, (1,)),
    ("calls_and_emails", "month", "2025-03-01", "all", VALUE, (0,)),
    ("csat", "month", "2025-02-01", "all", f"{PARTS}, average_score", (1, 2, 0.5, 4)),
    ("csat", "month", "2025-02-01", "sales_rep=r1", PARTS, (1, 1, 1)),
    ("csat", "month", "2025-02-01", "sales_rep=r2", PARTS, (0, 1, 0)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "grain", "start", "member", "columns", "expected"),
    CASES,
    ids=[f"{metric}-{grain}-{start}-{member}" for metric, grain, start, member, _, _ in CASES],
)
def test_figure(
    marts: duckdb.DuckDBPyConnection,
    metric: str,
    grain: str,
    start: str,
    member: str,
    columns: str,
    expected: tuple[float | None, ...] | None,
) -> None:
    found = row(marts, metric, start, columns, grain=grain, member=member)
    assert found == (pytest.approx(expected) if expected else None)


def test_the_scorecard_says_what_the_marts_say(marts: duckdb.DuckDBPyConnection) -> None:
    metrics = [row[0] for row in marts.execute("select distinct metric_id from kpi.kpi_catalog").fetchall()]
    for metric in metrics:
        added = (
            "name_en, name_ko, category, unit, is_higher_better, team, rank_in_company, rank_in_team, missing_inputs"
        )
        same = f"select * exclude ({added}) from kpi.kpi_scorecard where metric_id = '{metric}'"
        columns = [column[0] for column in marts.execute(f"{same} limit 0").description or []]
        mart = f"select {', '.join(columns)} from kpi.kpi_{metric}"
        assert marts.execute(f"({same}) except all ({mart})").fetchall() == [], metric
        assert marts.execute(f"({mart}) except all ({same})").fetchall() == [], metric


def test_reps_are_ranked_within_company_and_team(marts: duckdb.DuckDBPyConnection) -> None:
    ranks = marts.execute("""
        select dimension_value, rank_in_company, rank_in_team from kpi.kpi_scorecard
        where metric_id = 'revenue' and period_grain = 'quarter' and dimension = 'sales_rep' order by 1
    """).fetchall()
    assert ranks == [("r1", 1, 1), ("r2", 2, 1)]


def test_every_cell_is_the_references(settings: Settings) -> None:
    expected = compute(settings.landing, as_of=settings.as_of)
    assert compare(expected, settings.paths.marts_file) == []
    assert differing_books(expected, settings.paths.build_file) == []


def test_unit_tests_of_the_models_pass(settings: Settings) -> None:
    """They stand in `unit_tests:` beside the models; dbt needs the relations that they mock to exist."""
    failed = {name: message for name, message in run_unit_tests(settings).items() if message}
    assert not failed, "\n".join(f"unit test {name}: {message}" for name, message in failed.items())
