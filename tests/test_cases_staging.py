"""Inputs as people have them, and what is right: values that cannot be read, ids damaged on the way, deletions, zones.

Many small cases that do not disturb each other lie in one landing folder, which is built once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.pipeline import Build
from orchestration.core.errors import GateClosedError, UsageError
from orchestration.core.settings import load_settings
from tests.support.builds import build, open_build, rows_of, settings_for
from tests.support.command import last_run
from tests.support.landing import Landing

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Built:
    """A build file, and what the gates warned of as (table, told)."""

    file: duckdb.DuckDBPyConnection
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def value(self, query: str) -> Any:
        [(value,)] = rows_of(self.file, query)
        return value

    def metric(self, metric: str, dimension: str, member: str, grain: str = "month", start: str = "2026-03-01") -> Any:
        return self.value(
            f"select metric_value from kpi.kpi_{metric} where dimension = '{dimension}' "
            f"and dimension_value = '{member}' and period_grain = '{grain}' and period_start = '{start}'"
        )

    def why(self, table: str, file: str) -> set[str]:
        """The reasons for which rows of a file are set aside."""
        query = "select reasons from staging.quarantined_rows where system_table = ? and file_name = ?"
        return {reasons for (reasons,) in rows_of(self.file, query, table, file)}

    def told(self, table: str) -> str:
        """What the gate would say of a table's quarantined rows."""
        return str(self.value(f"select quarantine from gates.books where table_name = '{table}'"))

    def finding(self, table: str, finding: str) -> tuple[int, float | None, str | None]:
        [found] = rows_of(
            self.file,
            "select row_count, cast(amount as double), told from gates.findings where table_name = ? and finding = ?",
            table,
            finding,
        )
        return found


def add_firm(landing: Landing, name: str, *orders: dict[str, str], file: str | None = None) -> None:
    """An account of a region of its own, with orders of one item each: `amount`, and columns of the order."""
    landing.add("crm.accounts", {"account_id": name, "region": name, "created_at": "2025-01-01"}, file=f"{name}.csv")
    landing.add(
        "billing.orders",
        *(
            {"order_id": f"{name}-{number}", "account_id": name, "ordered_at": "2026-03-05T10:00:00Z", **one}
            for number, one in enumerate([{k: v for k, v in row.items() if k != "amount"} for row in orders])
        ),
        file=file or f"{name}.csv",
    )
    landing.add(
        "billing.order_items",
        *(
            {
                "order_item_id": f"{name}-{n}",
                "order_id": row.get("order_id", f"{name}-{n}"),
                "unit_price": row["amount"],
            }
            for n, row in enumerate(orders)
        ),
        file=f"{name}.csv",
    )


def small_cases(landing: Landing) -> None:
    landing.add_parents()
    # a spreadsheet's days, thousands and words in optional columns
    landing.add(
        "crm.deals",
        *({"stage": "closed_won", "closed_at": f"3/{day}/2026", "updated_at": "2026-06-01"} for day in (5, 12, 19)),
        file="us_days.csv",
    )
    landing.add("billing.order_items", {"discount_amount": "1,000.00", "unit_price": "5000"}, file="thousands.csv")
    landing.add("billing.order_items", {"discount_amount": "50", "unit_price": "49"}, file="discount.csv")
    landing.add("billing.products", {"unit_cost": "$12.50"}, file="dollars.csv")
    landing.add(
        "billing.subscription_changes",
        {"unit_amount": "1200", "billing_interval": "annual"},
        {"unit_amount": "2400", "billing_interval": "2-year"},
        file="annual.csv",
    )
    landing.add(
        "crm.deal_stage_changes",
        *({"deal_id": "D1", "stage": "demo_scheduled", "changed_at": f"2026-03-0{day}"} for day in (2, 4)),
        {"deal_id": "D1", "stage": "proposal", "changed_at": "2026-03-05"},
        file="stages.csv",
    )
    # surveys that nobody answered; deals without an amount
    landing.add(
        "support.csat_responses",
        *({"rep_id": "R-csat", "score": score, "responded_at": "2026-03-05"} for score in ("5", "4", "1")),
        *({"rep_id": "R-csat", "score": "", "responded_at": ""} for _ in range(2)),
        file="surveys.csv",
    )
    landing.add("crm.sales_reps", {"rep_id": "R-csat"}, {"rep_id": "R-win"}, file="reps.csv")
    closed = {"owner_rep_id": "R-win", "created_at": "2026-02-01", "closed_at": "2026-03-05"}
    landing.add(
        "crm.deals",
        *({**closed, "stage": "closed_won"} for _ in range(3)),
        {**closed, "stage": "closed_lost"},
        *({**closed, "stage": "closed_lost", "amount": ""} for _ in range(2)),
        file="amounts.csv",
    )
    # orders and refunds that contradict each other
    add_firm(landing, "by hand", {"amount": "300"}, {"amount": "500", "status": "refunded"})
    add_firm(landing, "with tax", {"amount": "1000"}, {"amount": "1000", "status": "refunded"})
    landing.add("billing.refunds", {"order_id": "with tax-1", "amount": "1100"}, file="with tax.csv")
    add_firm(landing, "of which tax", {"amount": "1000"}, {"amount": "1000", "status": "refunded"})
    landing.add(
        "billing.refunds",
        {"order_id": "of which tax-1", "amount": "1100", "tax_amount": "100", "refunded_at": "2026-03-06"},
        file="of which tax.csv",
    )
    # two items of one subscription, exported as two changes
    item = {"subscription_id": "S-two", "account_id": "by hand", "changed_at": "2026-02-01T10:00:00Z"}
    landing.add(
        "billing.subscription_changes",
        {**item, "subscription_change_id": "base", "unit_amount": "100"},
        {**item, "subscription_change_id": "seats", "unit_amount": "6", "quantity": "5"},
        file="items.csv",
    )
    # a rate that stopped two years ago
    landing.add(
        "planning.fx_rates", {"rate_on": "2024-01-02", "from_currency": "TRY", "to_currency": "USD"}, file="try.csv"
    )
    add_firm(landing, "stale", {"amount": "10000", "currency": "TRY"})
    # ids damaged on the way
    landing.add("crm.accounts", {"account_id": "0015g00000Qw3eRAAB"}, {"account_id": "4201"}, {"account_id": "007"})
    landing.add(
        "billing.orders",
        *({"account_id": account} for account in ("0015g00000Qw3eR", "4201.0", "7", "nobody", "nobody", "a1")),
        file="damaged.csv",
    )
    add_firm(landing, "e15", {"amount": "50"})
    landing.add(
        "billing.order_items",
        *(
            {"order_item_id": "9.00720E+15", "order_id": "e15-0", "product_id": "P1", "unit_price": price}
            for price in ("100", "200", "400")
        ),
        file="e15 items.csv",
    )
    # what BigQuery exports, and downloads that sort as people count
    add_firm(landing, "bigquery", {"amount": "10", "ordered_at": "2026-03-01 10:00:00 UTC"})
    for number, target in ((2, "500000"), (10, "650000")):
        landing.add(
            "planning.sales_targets",
            {"target_month": "2026-03-01", "scope": "region", "scope_value": "bigquery", "amount": target},
            file=f"targets ({number}).csv",
        )


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("small")
    landing = Landing(folder / "landing")
    small_cases(landing)
    record = build(landing, folder / "warehouse", quarantine_threshold=1, dashboard=False)
    warnings = [warning for gate in record.gates for warning in gate["warnings"] if gate["gate"] == "after_staging"]
    with open_build(folder / "warehouse") as connection:
        yield Built(connection, [(warning["table"], str(warning["told"])) for warning in warnings])


def test_unreadable_optional_values_are_set_aside_and_never_a_default(small: Built) -> None:
    assert small.why("crm.deals", "us_days.csv") == {"invalid_closed_at"}
    assert small.why("billing.order_items", "thousands.csv") == {"invalid_discount_amount"}
    assert small.why("billing.order_items", "discount.csv") == {"invalid_discount_amount"}
    assert small.why("billing.products", "dollars.csv") == {"invalid_unit_cost"}
    assert small.why("billing.subscription_changes", "annual.csv") == {"invalid_billing_interval"}


def test_the_gate_names_the_values_at_fault_their_place_and_how_they_are_written(small: Built) -> None:
    told = small.told("crm.deals")
    assert "invalid_closed_at 3: '3/5/2026' us_days.csv:2, '3/12/2026' us_days.csv:3" in told
    assert "an instant is written 2025-03-05T14:30:00Z, a day 2025-03-05" in told
    assert "'annual' annual.csv:2, '2-year' annual.csv:3; one of day, week, month, quarter, year" in small.told(
        "billing.subscription_changes"
    )
    assert (
        "unknown_stage 2: 'demo_scheduled' 2 times, first stages.csv:2; a stage is added in seeds/deal_stages.csv"
        in (small.told("crm.deal_stage_changes"))
    )


def test_unanswered_surveys_are_in_no_denominator(small: Built) -> None:
    assert small.metric("csat", "sales_rep", "R-csat") == pytest.approx(2 / 3)
    assert small.finding("support.csat_responses", "unanswered_surveys")[0] == 2


def test_deals_without_an_amount_count(small: Built) -> None:
    assert small.metric("win_rate", "sales_rep", "R-win") == 0.5
    count, _, told = small.finding("crm.deals", "deals_without_amount")
    assert count == 2 and told and told.startswith("deals_without_amount: such as deal ")


def test_orders_refunded_without_a_refund_are_told_with_their_money(small: Built) -> None:
    assert small.finding("billing.orders", "refunded_without_refund") == (
        1, 500.0, "refunded_without_refund: such as order by hand-1",
    )  # fmt: skip
    assert ("billing.orders", "refunded_without_refund: such as order by hand-1; 500.00 in all, in the reporting "
            "currency") in small.warnings  # fmt: skip


def test_a_refund_above_its_order_is_told_unless_it_says_how_much_is_tax(small: Built) -> None:
    assert small.finding("billing.refunds", "refund_above_order") == (
        1, 100.0, "refund_above_order: such as order with tax-1: 1,100.00 given back of 1,000.00",
    )  # fmt: skip
    assert small.metric("revenue", "region", "of which tax") == 1000


def test_two_changes_of_a_subscription_at_one_moment_are_told(small: Built) -> None:
    told = "two_changes_at_one_moment: such as S-two at 2026-02-01 10:00:00: base and seats"
    assert small.finding("billing.subscription_changes", "two_changes_at_one_moment") == (1, None, told)
    assert ("billing.subscription_changes", told) in small.warnings


def test_a_rate_that_is_too_old_does_not_convert(small: Built) -> None:
    assert small.why("billing.orders", "stale.csv") == {"missing_fx_rate"}
    assert "'TRY' stale.csv:2" in small.told("billing.orders")


def test_ids_that_are_not_found_are_told_with_those_that_read_alike(small: Built) -> None:
    count, _, told = small.finding("billing.orders", "unknown_account_id")
    assert count == 6 and told is not None
    assert (
        told.startswith("account_id: 6 of ") and "name what is not in crm.accounts, such as '0015g00000Qw3eR'" in told
    )
    assert told.endswith(
        "4 read like one that is there ('0015g00000Qw3eRAAB' for '0015g00000Qw3eR', '4201' for '4201.0', '007' for '7')"
    )
    assert any(table == "billing.orders" and told == warned for table, warned in small.warnings)


def test_different_rows_under_one_key_are_told(small: Built) -> None:
    assert small.finding("billing.order_items", "conflicting_key") == (
        2, None, "conflicting_key: such as e15 items.csv:2, e15 items.csv:3",
    )  # fmt: skip


def test_bigquerys_timestamps_are_read_and_the_newest_download_counts(small: Built) -> None:
    assert small.metric("revenue", "region", "bigquery") == 10
    target = small.value("select amount from staging.stg_planning__sales_targets where scope_value = 'bigquery'")
    assert target == 650000


@pytest.fixture(scope="module")
def west(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """A business west of Greenwich, whose systems export days, or times without an offset in a zone of their own."""
    folder = tmp_path_factory.mktemp("west")
    landing = Landing(folder / "landing")
    landing.add_parents()
    landing.add("crm.sales_reps", {"rep_id": "day"}, {"rep_id": "naive"}, file="reps.csv")
    won = {"stage": "closed_won", "created_at": "2026-04-01"}
    landing.add(
        "crm.deals",
        {**won, "owner_rep_id": "day", "closed_at": "2026-04-01"},
        {**won, "owner_rep_id": "naive", "created_at": "2026-03-03 09:00", "closed_at": "2026-03-31 23:30"},
        file="won.csv",
    )
    add_firm(landing, "day", {"amount": "700", "ordered_at": "2026-04-01"})
    add_firm(landing, "naive", {"amount": "70", "ordered_at": "2026-04-01 08:00"})
    landing.add("billing.subscription_changes", {"account_id": "day", "changed_at": "2026-04-01", "unit_amount": "50"})
    landing.add("crm.leads", {"lead_source": "day", "created_at": "2026-04-01"})
    landing.add("support.csat_responses", {"rep_id": "day", "score": "5", "responded_at": "2026-04-01"})
    build(
        landing, folder / "warehouse", business_timezone="America/Los_Angeles", dashboard=False,
        naive_timestamps_in="crm=America/Los_Angeles,billing=Asia/Seoul",
    )  # fmt: skip
    with open_build(folder / "warehouse") as connection:
        yield Built(connection)


@pytest.mark.parametrize(
    ("metric", "dimension", "value"),
    [
        ("revenue", "region", 700), ("mrr", "region", 50), ("lead_conversion_rate", "lead_source", 0),
        ("csat", "sales_rep", 1), ("deals_won", "sales_rep", 1),
    ],
)  # fmt: skip
def test_a_day_is_a_day_of_the_business_wherever_it_is(west: Built, metric: str, dimension: str, value: int) -> None:
    if metric == "deals_won":
        assert west.metric("win_rate", "sales_rep", "day", start="2026-04-01") == value
    else:
        assert west.metric(metric, dimension, "day", start="2026-04-01") == value


def test_a_deal_won_on_the_day_it_was_created_is_not_closed_before(west: Built) -> None:
    assert rows_of(west.file, "select finding from staging.data_findings where finding = 'closed_before_created'") == []


def test_times_without_an_offset_are_of_their_systems_zone(west: Built) -> None:
    assert west.metric("win_rate", "sales_rep", "naive", start="2026-03-01") == 1
    # 08:00 in Seoul on 1 April is still March in Los Angeles
    assert west.metric("revenue", "region", "naive", start="2026-03-01") == 70


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"naive_timestamps_in": "Seoul"}, "=Seoul: is not an IANA time zone such as Europe/Berlin"),
        ({"naive_timestamps_in": "crm=Seoul"}, "crm has no IANA time zone such as Europe/Berlin"),
        (
            {"naive_timestamps_in": "hubspots=Asia/Seoul"},
            "there is no source system hubspots: systems are billing, crm",
        ),
        ({"full_extract_tables": "crm.deal"}, "there is no landed table crm.deal; write it as system.table"),
        ({"fx_inference": "guess"}, "'direct_only', 'inverse' or 'cross'"),
    ],
)
def test_a_setting_that_cannot_be_is_named(settings: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=next(iter(settings))) as raised:
        load_settings(settings)
    assert told in str(raised.value)


def test_settings_may_be_lists_and_mappings() -> None:
    settings = load_settings(
        {
            "naive_timestamps_in": {"crm": "Asia/Seoul", "billing": "UTC"},
            "full_extract_tables": ["crm.leads", "crm.deals"],
        }
    )
    assert settings.naive_timestamps_in == "billing=UTC,crm=Asia/Seoul"
    assert settings.full_extract_tables == "crm.deals,crm.leads"


def staged(landing: Landing, warehouse: Path, **settings: Any) -> None:
    """Load, stage and look: a build as far as the gate after staging."""
    run = Build(settings_for(landing.folder, warehouse, **settings))
    with run.running():
        for step in ("load", "after_load", "staging", "after_staging"):
            run.step(step)


def quota(month: int, amount: str) -> dict[str, str]:
    return {"quota_month": f"2026-{month:02d}-01", "rep_id": "R1", "amount": amount}


def test_a_gate_opens_again_when_what_was_bad_is_mended(tmp_path: Path) -> None:
    """By the rows alone, and by the whole file under its name; and what hangs on a version of its own stays closed."""
    landing, warehouse = Landing(tmp_path / "landing"), tmp_path / "warehouse"
    landing.add("crm.sales_reps", {"rep_id": "R1"})
    landing.add("planning.sales_quotas", *(quota(month, "1,000" if month == 5 else "1000") for month in range(1, 13)))
    landing.add_file("planning.sales_costs", "cost_month,cost_type,amount\n2026-01-01,rent,1\ntoo,few\n", "costs.csv")
    with pytest.raises(
        GateClosedError, match=r"1 of 2 rows quarantined: malformed_line 1: 'too,few' costs.csv:3"
    ) as closed:
        staged(landing, warehouse)
    assert "invalid_amount 1: '1,000' rows.csv:6; a number is written 1000.00" in closed.value.details[0]
    landing.add("planning.sales_quotas", quota(5, "1000"), file="may.csv")
    landing.add_file("planning.sales_costs", "cost_month,cost_type,amount\n2026-01-01,rent,1\n", "costs.csv")
    staged(landing, warehouse)
    books = last_run(warehouse)["tables"]["planning.sales_quotas"]
    assert (books["read"], books["current"], books["quarantined"], books["repaired"]) == (13, 12, 1, 1)
    assert last_run(warehouse)["tables"]["planning.sales_costs"]["repaired"] == 1
    # a bad version of what was good is news, though its key has a good row
    landing.add("planning.sales_quotas", quota(6, "lots"), file="june.csv")
    with pytest.raises(GateClosedError, match=r"1 of 13 rows quarantined: invalid_amount 1: 'lots' june.csv:2"):
        staged(landing, warehouse)


def test_keys_that_the_newest_full_extract_lacks_are_deleted(tmp_path: Path) -> None:
    landing, warehouse = Landing(tmp_path / "landing"), tmp_path / "warehouse"
    landing.add("crm.deals", *({"deal_id": f"D{n}"} for n in (1, 2, 3)), file="extract 9.csv")
    landing.add("crm.deals", {"deal_id": "D1"}, {"deal_id": "D2", "amount": "x"}, file="extract 10.csv")
    landing.add("crm.leads", {"lead_id": "L1"}, file="1.csv")
    landing.add("crm.leads", {"lead_id": "L2"}, file="2.csv")
    staged(landing, warehouse, full_extract_tables="crm.deals", quarantine_threshold=1)
    # D2 cannot be read in the newest one, but is there
    with open_build(warehouse) as connection:
        assert rows_of(connection, "select deal_id from staging.stg_crm__deals order by 1") == [("D1",), ("D2",)]
        assert rows_of(connection, "select count(*) from staging.stg_crm__leads") == [(2,)]
    books = last_run(warehouse)["tables"]["crm.deals"]
    assert [books[name] for name in ("read", "current", "superseded", "deleted", "quarantined")] == [5, 2, 1, 1, 1]


def test_too_many_different_rows_under_one_key_close_the_gate(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    landing.add("billing.products", *({"product_id": "9E+15", "product_name": name} for name in ("a", "b", "b")))
    with pytest.raises(GateClosedError, match=r"conflicting_share.*conflicting_key: such as rows.csv:2\)"):
        staged(landing, tmp_path / "warehouse")


def test_a_warning_that_stood_there_is_counted_and_not_listed_again(tmp_path: Path) -> None:
    landing, warehouse = Landing(tmp_path / "landing"), tmp_path / "warehouse"
    landing.add_parents()
    landing.add("billing.orders", {"account_id": "nobody"})
    first = [warning for gate in build(landing, warehouse, dashboard=False).gates for warning in gate["warnings"]]
    assert first and not any(warning["is_standing"] for warning in first)
    landing.add("billing.orders", {"account_id": "somebody"}, file="more.csv")
    second = [warning for gate in build(landing, warehouse, dashboard=False).gates for warning in gate["warnings"]]
    news = [warning["told"] for warning in second if not warning["is_standing"]]
    assert news == ["account_id: 2 of 2 (100%) name what is not in crm.accounts, such as 'nobody', 'somebody'"]
    assert len(second) == len(first)
