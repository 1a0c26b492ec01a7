"""Settings other than the defaults, and how marts are compared."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import duckdb
import yaml

from orchestration.core.contract import PROJECT_ROOT
from tests.reference import Result, Row, compare
from tests.reference.context import METRICS
from tests.reference.settings import Settings
from tests.reference.small import Company, row
from tests.support.identities import VARIANTS


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
    # how files write numbers, and what a build says of its source systems, is decided before the reference reads them
    assert variables.keys() - policies.keys() == {
        "as_of_date", "company", "close_business_day", "quarantine_threshold", "decimal_comma_in", "enabled_sources",
        "source_models", "source_objects",
    }  # fmt: skip
    types = get_type_hints(Settings)
    for name, policy in policies.items():
        tried = {variant.get(name, policy.default) for variant in VARIANTS.values()}
        assert variables[name] == policy.default and len(tried) > 1, name
        assert tried >= set(get_args(types[name])), name


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
