"""Money at the edges of what may land, from file to marts: exact to the fourth decimal, and it ends no build."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path

import duckdb
import pytest

from tests.support.builds import build, open_build, rows_of
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

TEN_TRILLION = Decimal(10) ** 13
KRW_RATE = "0.0007407407"
# quantity, price, discount and currency of each line, each an order of its own in May 2026
LINES = {
    "a_million": ("1", "1000000", "", ""),
    "a_trillion": ("1", "1000000000000", "", ""),
    "the_greatest_price": ("1", "10000000000000", "", ""),
    "a_billion_units": ("1000000000", "0.0001", "", ""),
    "a_billion_units_of_a_cent": ("1000000000", "99999.99", "", ""),
    "many_decimals": ("1234.567891", "9876543.219876", "0.000005", ""),
    "korean": ("3", "1350000000", "", "KRW"),
    "all_the_won_there_are": ("1", "9999999999999.99", "", "KRW"),
    "half_a_ten_thousandth": ("1", "1.00005", "", ""),
    "a_discount_of_nearly_all": ("1", "2.00005", "2", ""),
}
BEYOND = {
    "price": ({"unit_price": "10000000000000.01"}, "invalid_unit_price"),
    "a_price_of_twenty_digits": ({"unit_price": "99999999999999999999"}, "invalid_unit_price"),
    "quantity": ({"quantity": "1000000000.000001"}, "invalid_quantity"),
    "a_discount_beyond_the_price": ({"unit_price": "1", "discount_amount": "1.000001"}, "invalid_discount_amount"),
    "a_discount_below_nothing": ({"unit_price": "1", "discount_amount": "-0.000001"}, "invalid_discount_amount"),
    "a_line_of_a_hundred_trillion": ({"quantity": "1000000", "unit_price": "100000000"}, "invalid_quantity"),
}


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build of a company with money at every edge."""
    folder: Path = tmp_path_factory.mktemp("rich")
    landing = Landing(folder / "landing")
    landing.add("crm.accounts", {"account_id": "A1"})
    landing.add("crm.sales_reps", {"rep_id": "R1"})
    landing.add("planning.fx_rates", {"rate_on": "2026-05-01", "from_currency": "KRW", "rate": KRW_RATE})
    landing.add(
        "billing.products",
        {"product_id": "P1", "unit_cost": "10000000000000"},
        {"product_id": "P2", "unit_cost": "0.01"},
    )
    orders, items = [], []
    for name, (quantity, price, discount, currency) in LINES.items():
        orders.append({"order_id": name, "account_id": "A1", "currency": currency, "ordered_at": "2026-05-10"})
        # P1 costs so much that a billion of it is no amount any more
        product = "P1" if name == "a_billion_units" else "P2"
        items.append(
            {
                "order_item_id": name, "order_id": name, "product_id": product, "quantity": quantity,
                "unit_price": price, "discount_amount": discount,
            }
        )  # fmt: skip
    orders.append({"order_id": "refunded", "account_id": "A1", "ordered_at": "2026-05-10"})
    items.append(
        {"order_item_id": "refunded", "order_id": "refunded", "product_id": "P2", "unit_price": "10000000000000"}
    )
    for name, (values, _) in BEYOND.items():
        items.append({"order_item_id": name, "order_id": "a_million", "product_id": "P2", **values})
    landing.add("billing.orders", *orders)
    landing.add("billing.order_items", *items)
    landing.add("billing.refunds", {"order_id": "refunded", "amount": "10000000000000", "refunded_at": "2026-05-11"})
    subscription = {"account_id": "A1", "changed_at": "2026-05-01", "billing_interval": "month"}
    landing.add(
        "billing.subscription_changes",
        {**subscription, "subscription_id": "S1", "quantity": "1000000000", "unit_amount": "0.01"},
        {**subscription, "subscription_id": "S2", "quantity": "1000000000", "unit_amount": "10000000000000"},
    )
    deal = {"account_id": "A1", "owner_rep_id": "R1", "amount": "10000000000000", "created_at": "2026-05-01"}
    landing.add(
        "crm.deals",
        {**deal, "deal_id": "open", "probability": "0.333333"},
        {**deal, "deal_id": "won", "stage": "closed_won", "closed_at": "2026-05-20"},
        {**deal, "deal_id": "too_much", "amount": "10000000000000.000001"},
    )
    landing.add("marketing.ad_spend", {"spend_on": "2026-05-10", "amount": "10000000000000"})
    landing.add("planning.sales_costs", {"cost_month": "2026-05-01", "amount": "10000000000000"})
    landing.add("planning.sales_quotas", {"quota_month": "2026-05-01", "rep_id": "R1", "amount": "10000000000000"})
    landing.add("planning.sales_targets", {"target_month": "2026-05-01", "amount": "10000000000000"})
    build(landing, folder / "warehouse", quarantine_threshold=1)
    with open_build(folder / "warehouse") as connection:
        yield connection


def _worth(quantity: str, price: str, discount: str, currency: str) -> Decimal:
    exact = Context(prec=60)
    native = exact.multiply(Decimal(quantity), Decimal(price)) - Decimal(discount or 0)
    native = native.quantize(Decimal("0.000001"), ROUND_HALF_UP, exact)
    rate = Decimal(KRW_RATE if currency == "KRW" else 1)
    return exact.multiply(native, rate).quantize(Decimal("0.0001"), ROUND_HALF_UP, exact)


@pytest.mark.parametrize("name", LINES)
def test_an_order_line_is_exact_to_the_fourth_decimal(rich: duckdb.DuckDBPyConnection, name: str) -> None:
    (amount,) = rows_of(rich, "select amount from facts.fct_revenue_lines where revenue_line_id = ?", f"sale/{name}")
    assert amount == (_worth(*LINES[name]),)


@pytest.mark.parametrize("name", BEYOND)
def test_what_lies_beyond_is_quarantined_with_its_column(rich: duckdb.DuckDBPyConnection, name: str) -> None:
    found = rows_of(rich, "select _reasons from staging.base_billing__order_items where order_item_id = ?", name)
    assert found == [(BEYOND[name][1],)]


def test_marts_add_the_greatest_amounts_up_exactly(rich: duckdb.DuckDBPyConnection) -> None:
    revenue = sum((_worth(*line) for line in LINES.values()), Decimal(0))
    may = "period_grain = 'month' and period_start = date '2026-05-01' and dimension = 'all'"
    told = {
        metric: rows_of(rich, f"select metric_value from kpi.kpi_{metric} where {may}")[0][0]
        for metric in ("revenue", "mrr", "pipeline_value", "average_deal_size", "quota_attainment")
    }
    assert told == {
        "revenue": revenue,
        "mrr": TEN_TRILLION / 1000000,
        "pipeline_value": TEN_TRILLION,
        "average_deal_size": 1e13,
        "quota_attainment": 1.0,
    }
    assert rows_of(rich, f"select weighted_value from kpi.kpi_pipeline_value where {may}") == [
        (Decimal("3333330000000.0000"),)
    ]
    assert rows_of(rich, f"select numerator, denominator from kpi.kpi_sales_target_attainment where {may}") == [
        (revenue, TEN_TRILLION)
    ]


def test_a_cost_beyond_a_line_leaves_its_line_without_a_margin(rich: duckdb.DuckDBPyConnection) -> None:
    costed = {key for (key,) in rows_of(rich, "select revenue_line_id from facts.fct_margin_lines")}
    assert "sale/a_billion_units" not in costed
    assert "sale/a_million" in costed


def test_a_subscription_or_deal_beyond_is_quarantined(rich: duckdb.DuckDBPyConnection) -> None:
    changes = rows_of(
        rich, "select subscription_id, _reasons from staging.base_billing__subscription_changes order by 1"
    )
    assert changes == [("S1", ""), ("S2", "invalid_quantity")]
    assert rows_of(rich, "select _reasons from staging.base_crm__deals where deal_id = 'too_much'") == [
        ("invalid_amount",)
    ]


def test_money_can_hold_a_billion_of_the_greatest_amounts(rich: duckdb.DuckDBPyConnection) -> None:
    kept = rows_of(
        rich, "select data_type from information_schema.columns where table_schema = 'facts' and column_name = 'amount'"
    )
    digits = {int(type_[8:-1].split(",")[0]) - int(type_[8:-1].split(",")[1]) for (type_,) in kept}
    assert min(digits) > len(str(int(TEN_TRILLION) * 10**9)) - 1
