"""Stripe: every trap of its tables and exports, as rows of the source contract, with books and reasons.

Three landing folders are staged once each: tables as the commonest replication names them, tables as another one does,
and exports alone. Each test looks at the rows of its own case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build.transform import DbtProject
from orchestration.sample.systems.stripe_values import gross_of, minor, stripe_id
from tests.support.builds import load, open_build, rows_of, settings_for
from tests.support.landing import Landing, Row

DAY = "2025-03-01T10:00:00Z"
KEYS = {"order_items": "order_item_id", "subscription_changes": "subscription_change_id"}


class Lander:
    """Puts Stripe's tables into a landing folder."""

    def __init__(self, folder: Path) -> None:
        self.landing = Landing(folder)

    def put(self, folder: str, *rows: Row, file: str = "rows.csv") -> None:
        """A file of an object, named by its folder."""
        self.landing.add_records(f"stripe.{folder}", list(rows), file)


@contextmanager
def staged(landing: Landing, folder: Path, **settings: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """The folder's tables and contract rows, built with all their data tests."""
    warehouse = folder / "warehouse"
    load(landing, warehouse)
    project = DbtProject(settings_for(landing.folder, warehouse, quarantine_threshold=1, **settings))
    project.build(["path:seeds", "path:models/sources", "path:models/staging"])
    with open_build(warehouse) as connection:
        yield connection


def contract_row(build: duckdb.DuckDBPyConnection, table: str, key: str, *columns: str) -> tuple[Any, ...] | None:
    """The current row of a key in a contract table, numbers as they count; None where there is none."""
    name = table.split(".")[1]
    key_column = KEYS.get(name, f"{name.removesuffix('s')}_id")
    shown = ", ".join(columns) or "1"
    found = rows_of(build, f"select {shown} from staging.stg_{table.replace('.', '__')} where {key_column} = ?", key)
    assert len(found) <= 1
    return tuple(told(value) for value in found[0]) if found else None


def told(value: Any) -> Any:
    """A decimal without its zeros at the end, a moment to the second, other values as they are."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "hour") else value


def items(build: duckdb.DuckDBPyConnection, order: str) -> list[tuple[Any, ...]]:
    """The net amount and tax of each item of an order."""
    return [
        tuple(told(value) for value in row)
        for row in rows_of(
            build,
            "select cast(quantity * unit_price - coalesce(discount_amount, 0) as decimal(18, 4)), "
            "coalesce(tax_amount, 0) from staging.stg_billing__order_items where order_id = ? order by order_item_id",
            f"stripe:{order}",
        )
    ]


def refunds(build: duckdb.DuckDBPyConnection, order: str) -> list[tuple[Any, ...]]:
    """Amount, tax and moment of each refund of an order."""
    return [
        tuple(told(value) for value in row)
        for row in rows_of(
            build,
            "select amount, coalesce(tax_amount, 0), refunded_at from staging.stg_billing__refunds "
            "where order_id = ? order by refunded_at, refund_id",
            f"stripe:{order}",
        )
    ]


def life(build: duckdb.DuckDBPyConnection, subscription: str) -> list[tuple[Any, ...]]:
    """What a subscription is from when on: moment, status, plan, price per interval."""
    return [
        tuple(told(value) for value in row)
        for row in rows_of(
            build,
            "select changed_at, status, plan, cast(coalesce(quantity, 1) * unit_amount as decimal(18, 4)) "
            "from staging.stg_billing__subscription_changes where subscription_id = ? order by changed_at, 2",
            f"stripe:{subscription}",
        )
    ]


def left_out(build: duckdb.DuckDBPyConnection, table: str, object_name: str, key: str) -> str | None:
    """Why the current version of a row of an object is left out of a table."""
    name = table.split(".")[1]
    key_column = KEYS.get(name, f"{name.removesuffix('s')}_id")
    found = rows_of(
        build,
        f"select _left_out from staging.base_{table.replace('.', '__')} "
        f"where {key_column} = ? and _source_table = ? and _row_status = 'left_out'",
        f"stripe:{key}",
        f"stripe.{object_name}",
    )
    assert len(found) <= 1
    return found[0][0] if found else None


def quarantined(build: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    """Source table and reasons of what is set aside."""
    return rows_of(
        build,
        "select source_table, reasons from staging.quarantined_rows where system_table = ? order by 1, 2",
        table,
    )


def books(build: duckdb.DuckDBPyConnection, table: str) -> tuple[int, ...]:
    """Rows read, current, superseded, deleted, quarantined, left out."""
    (row,) = rows_of(
        build,
        "select rows_read, rows_current, rows_superseded, rows_deleted, rows_quarantined, rows_left_out "
        "from staging.load_books where system_table = ?",
        table,
    )
    return row


# --- tables as they are replicated ----------------------------------------------------------------------------------


def invoice(invoice_id: str, total: int, **values: str) -> Row:
    """A paid invoice of a customer in dollars, without tax or discount."""
    return {
        "id": invoice_id, "customer_id": "cus_1", "status": "paid", "currency": "usd", "subtotal": str(total),
        "tax": "0", "total": str(total), "created": DAY, "livemode": "true", **values,
    }  # fmt: skip


def line(invoice_id: str, number: int, amount: int, **values: str) -> Row:
    """A line of an invoice, a single unit."""
    return {
        "id": f"il_{number}", "invoice_id": invoice_id, "amount": str(amount), "currency": "usd", "quantity": "1",
        "proration": "false", **values,
    }  # fmt: skip


def charge(charge_id: str, amount: int, **values: str) -> Row:
    """Money that was taken."""
    return {
        "id": charge_id, "customer_id": "cus_1", "amount": str(amount), "currency": "usd", "created": DAY,
        "paid": "true", "captured": "true", "status": "succeeded", "livemode": "true", **values,
    }  # fmt: skip


def refund(refund_id: str, charge_id: str, amount: int, **values: str) -> Row:
    return {
        "id": refund_id, "charge_id": charge_id, "amount": str(amount), "currency": "usd",
        "created": "2025-04-02T00:00:00Z", "status": "succeeded", **values,
    }  # fmt: skip


def version(subscription: str, status: str, valid_from: str = "", **values: str) -> Row:
    """A version of a subscription that began in January."""
    return {
        "id": subscription, "customer_id": "cus_1", "status": status, "start_date": "2025-01-05T00:00:00Z",
        "created": "2025-01-05T00:00:00Z", "livemode": "true", "_fivetran_start": valid_from, **values,
    }  # fmt: skip


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("replicated")
    lander = Lander(folder / "landing")
    _customers(lander)
    _catalogue(lander)
    _invoices(lander)
    _charges(lander)
    _subscriptions(lander)
    lander.landing.add(
        "planning.fx_rates",
        *(
            {"rate_on": "2025-01-01", "from_currency": currency, "to_currency": "USD", "rate": "0.01"}
            for currency in ("JPY", "KWD", "ISK", "UGX", "HUF", "EUR")
        ),
    )
    with staged(lander.landing, folder, fx_rate_max_age_days="1000") as connection:
        yield connection


def _customers(lander: Lander) -> None:
    lander.landing.add("crm.sales_reps", {"rep_id": "R1", "email": "Ana@Example.com"})
    lander.landing.add("crm.accounts", {"account_id": "A1"}, {"account_id": "A2"})
    lander.landing.add_records(
        "identities.account_links", [{"source_system": "stripe", "source_id": "cus_linked", "account_id": "A2"}]
    )
    lander.put(
        "customer",
        {"id": "cus_1", "name": "Baker", "email": "Baker@Example.com", "created": "2025-01-01T00:00:00Z",
         "currency": "usd", "is_deleted": "false", "livemode": "true",
         "metadata": '{"segment": "SMB", "region": "EMEA"}', "_fivetran_synced": "2025-02-01T00:00:00Z"},
        {"id": "cus_noname", "email": "who@example.com", "created": "2025-01-01T00:00:00Z", "livemode": "true"},
        {"id": "cus_gone", "name": "Gone", "created": "2025-01-01T00:00:00Z", "is_deleted": "true",
         "livemode": "true"},
        {"id": "cus_test", "name": "Test", "created": "2025-01-01T00:00:00Z", "livemode": "false"},
        {"id": "cus_stored", "name": "Stored", "created": "2025-01-01T00:00:00Z", "livemode": "true",
         "metadata": '{"account_id": "A1"}'},
        {"id": "cus_linked", "name": "Linked", "created": "2025-01-01T00:00:00Z", "livemode": "true"},
        {"id": "cus_json", "name": "Broken", "created": "2025-01-01T00:00:00Z", "livemode": "true",
         "metadata": "{no json"},
    )  # fmt: skip
    # the same customer, copied a month later
    lander.put(
        "customer",
        {"id": "cus_1", "name": "Baker & Sons", "email": "Baker@Example.com", "created": "2025-01-01T00:00:00Z",
         "currency": "usd", "is_deleted": "false", "livemode": "true", "metadata": '{"segment": "Enterprise"}',
         "_fivetran_synced": "2025-03-01T00:00:00Z"},
        file="a_later_copy.csv",
    )  # fmt: skip


def _catalogue(lander: Lander) -> None:
    lander.put(
        "product",
        {"id": "prod_1", "name": "Plan Team", "livemode": "true", "metadata": '{"category": "Subscriptions"}'},
        {"id": "prod_gone", "name": "Old", "livemode": "true", "is_deleted": "true", "metadata": ""},
        {"id": "prod_costed", "name": "Box", "livemode": "true", "_fivetran_synced": "2025-02-01T00:00:00Z"},
    )
    lander.landing.add(
        "billing.products",
        {"product_id": "stripe:prod_costed", "product_name": "Box", "unit_cost": "3", "updated_at": "2025-03-01"},
    )
    licensed = {"product_id": "prod_1", "currency": "usd", "recurring_interval": "month",
                "recurring_interval_count": "1", "recurring_usage_type": "licensed", "billing_scheme": "per_unit",
                "type": "recurring"}  # fmt: skip
    lander.put(
        "price",
        {"id": "price_basic", "nickname": "basic", "unit_amount": "1000", **licensed},
        {"id": "price_team", "nickname": "team", "unit_amount": "2000", **licensed},
        {"id": "price_year", "nickname": "yearly", "unit_amount": "12000", **licensed, "recurring_interval": "year"},
        {"id": "price_quarter", "nickname": "quarter", "unit_amount": "3000", **licensed,
         "recurring_interval_count": "3"},
        {"id": "price_sliver", "nickname": "sliver", "unit_amount": "", "unit_amount_decimal": "0.25", **licensed},
        {"id": "price_metered", "nickname": "metered", "unit_amount": "5", **licensed,
         "recurring_usage_type": "metered"},
        {"id": "price_tiered", "nickname": "tiered", "unit_amount": "900", **licensed, "billing_scheme": "tiered",
         "tiers_mode": "graduated"},
        {"id": "price_yen", "nickname": "yen", "unit_amount": "1500", **licensed, "currency": "jpy"},
    )  # fmt: skip
    lander.put(
        "plan",
        {"id": "plan_old", "product_id": "prod_1", "currency": "usd", "amount": "700", "interval": "month",
         "interval_count": "1", "nickname": "old plan"},
        {"id": "price_basic", "product_id": "prod_1", "currency": "usd", "amount": "999", "interval": "month",
         "interval_count": "1", "nickname": "not this one"},
    )  # fmt: skip
    lander.put(
        "coupon",
        {"id": "quarter_off", "percent_off": "25", "duration": "repeating"},
        {"id": "three_off", "amount_off": "300", "currency": "usd", "duration": "forever"},
        {"id": "first_free", "percent_off": "100", "duration": "once"},
    )


def _invoices(lander: Lander) -> None:
    lander.put(
        "invoice",
        invoice("in_plain", 5000, metadata=json.dumps(
            {"hubspot_deal_id": "77", "sales_rep_email": "ANA@example.com"})),
        invoice("in_open", 1000, status="open"),
        invoice("in_void", 1000, status="void"),
        invoice("in_bad", 1000, status="uncollectible"),
        invoice("in_draft", 1000, status="draft"),
        invoice("in_gone", 1000, is_deleted="true"),
        invoice("in_test", 1000, livemode="false"),
        invoice("in_trial", 0),
        invoice("in_old", 1000, status="", paid="true"),
        invoice("in_taxed", 11900, subtotal="10000", tax="1900"),
        invoice("in_inclusive", 10000, tax="909"),
        invoice("in_cheaper", 8500, subtotal="10000"),
        invoice("in_thirds", 1000),
        invoice("in_upgrade", 1500),
        invoice("in_downgrade", -500),
        invoice("in_bare", 2400, tax="400"),
        invoice("in_sub_ids", 3000),
        invoice("in_yen", 5000, currency="jpy"),
        invoice("in_dinar", 5120, currency="kwd"),
        invoice("in_iceland", 50000, currency="isk"),
        invoice("in_uganda", 50000, currency="ugx"),
        invoice("in_forint", 50000, currency="huf"),
        invoice("in_unread", 1000),
        invoice("in_stored", 1000, customer_id="cus_stored"),
        invoice("in_linked", 1000, customer_id="cus_linked"),
        invoice("in_nobody", 1000, customer_id=""),
        invoice("in_mended", 1000, status="open", _fivetran_synced="2025-03-01T00:00:00Z"),
        invoice("in_mended", 1000, status="paid", _fivetran_synced="2025-03-02T00:00:00Z"),
        invoice("in_refunded", 2380, subtotal="2000", tax="380"),
        invoice("in_partly", 2380, subtotal="2000", tax="380"),
        invoice("in_credited", 2380, subtotal="2000", tax="380"),
        {**invoice("in_unread_total", 1000), "total": "much"},
        invoice("in_by_charge", 1000, charge_id="ch_named"),
        invoice("in_by_intent", 1000, payment_intent_id="pi_1"),
        invoice("in_by_payment", 1000),
        invoice("in_by_json", 1000),
        invoice("", 1000),
    )  # fmt: skip
    lander.put(
        "invoice_line_item",
        line("in_plain", 1, 5000, quantity="2", price_id="price_basic"),
        line("in_open", 2, 1000),
        line("in_void", 3, 1000),
        line("in_bad", 4, 1000),
        line("in_draft", 5, 1000),
        line("in_gone", 6, 1000),
        line("in_test", 7, 1000),
        line("in_trial", 8, 0),
        line("in_old", 9, 1000, plan_id="plan_old"),
        line("in_taxed", 10, 3000),
        line("in_taxed", 11, 7000),
        line("in_inclusive", 12, 10000),
        line("in_cheaper", 13, 3333),
        line("in_cheaper", 14, 6667),
        line("in_thirds", 15, 1000, quantity="3"),
        line("in_upgrade", 16, -1500, proration="true"),
        line("in_upgrade", 17, 2000, proration="true"),
        line("in_upgrade", 18, 1000, quantity="0"),
        line("in_downgrade", 19, -1500, proration="true"),
        line("in_downgrade", 20, 1000, proration="true"),
        {**line("in_sub_ids", 0, 1000), "id": "sub_old", "unique_id": "il_21"},
        {**line("in_sub_ids", 0, 2000), "id": "sub_old", "unique_id": "il_22"},
        line("in_yen", 23, 5000, currency="jpy"),
        line("in_dinar", 24, 5120, currency="kwd"),
        line("in_iceland", 25, 50000, currency="isk"),
        line("in_uganda", 26, 50000, currency="ugx"),
        line("in_forint", 27, 50000, currency="huf"),
        {**line("in_unread", 28, 0), "amount": "ten"},
        {**line("in_unread", 41, 0), "amount": "10.50"},
        {**line("in_unread", 42, 0), "amount": "9999999999999999999"},
        line("in_unread_total", 43, 1000),
        line("in_stored", 29, 1000),
        line("in_linked", 30, 1000),
        line("in_nobody", 31, 1000),
        line("in_mended", 32, 1000),
        line("in_refunded", 33, 2000),
        line("in_partly", 34, 2000),
        line("in_credited", 35, 2000),
        line("in_by_charge", 36, 1000),
        line("in_by_intent", 38, 1000),
        line("in_by_payment", 39, 1000),
        line("in_by_json", 40, 1000),
        line("in_nowhere", 37, 1000),
    )


def _charges(lander: Lander) -> None:
    lander.put(
        "charge",
        charge("ch_invoiced", 5000, invoice_id="in_plain"),
        charge("ch_alone", 4200, metadata='{"product_id": "prod_1"}'),
        charge("ch_failed", 4200, paid="false", status="failed"),
        charge("ch_held", 4200, captured="false"),
        charge("ch_let_go", 4200, captured="false", refunded="true", amount_refunded="4200"),
        charge("ch_waiting", 4200, status="pending"),
        charge("ch_test", 4200, livemode="false"),
        charge("ch_refunded", 2380, invoice_id="in_refunded", refunded="true", amount_refunded="2380"),
        charge("ch_partly", 2380, invoice_id="in_partly", amount_refunded="500"),
        charge("ch_credited", 2380, invoice_id="in_credited"),
        charge("ch_named", 1000),
        charge("ch_intent", 1000, payment_intent_id="pi_1"),
        charge("ch_paying", 1000),
        charge("ch_json", 1000, payment_intent_id="pi_2"),
        charge("ch_undated", 1000, amount_refunded="400"),
        charge("ch_lost_invoice", 1000, invoice_id="in_not_copied"),
        charge("ch_yen", 5000, currency="jpy", amount_refunded="5000"),
        charge("ch_odd", 1000, status="on the moon"),
    )
    lander.put(
        "refund",
        refund("re_full", "ch_refunded", 2380),
        refund("re_part", "ch_partly", 500),
        refund("re_failed", "ch_partly", 100, status="failed"),
        refund("re_test", "ch_test", 100),
        refund("re_alone", "ch_alone", 200, status="pending"),
        refund("re_yen", "ch_yen", 5000, currency="jpy"),
        refund("re_lost", "ch_nowhere", 100),
    )
    lander.put(
        "invoice_payment",
        {"id": "inpay_1", "invoice_id": "in_by_payment", "payment_charge_id": "ch_paying", "payment": ""},
        {"id": "inpay_2", "invoice_id": "in_by_json", "payment_charge_id": "",
         "payment": '{"type": "payment_intent", "payment_intent": "pi_2"}'},
    )  # fmt: skip
    lander.put(
        "credit_note",
        {"id": "cn_1", "invoice_id": "in_credited", "amount": "1190", "created": DAY, "status": "issued",
         "refund_id": ""},
        {"id": "cn_void", "invoice_id": "in_credited", "amount": "100", "created": DAY, "status": "void",
         "refund_id": ""},
        {"id": "cn_named", "invoice_id": "in_refunded", "amount": "100", "created": DAY, "status": "issued",
         "refund_id": "re_full"},
        {"id": "cn_alike", "invoice_id": "in_partly", "amount": "500", "created": DAY, "status": "issued",
         "refund_id": ""},
        {"id": "cn_test", "invoice_id": "in_test", "amount": "500", "created": DAY, "status": "issued",
         "refund_id": ""},
    )  # fmt: skip


def bill(subscription: str, number: int, month: str, amount: int, price: str, **values: str) -> tuple[Row, Row]:
    """A bill of a subscription for the month that begins on its fifth day, and its line."""
    end = f"{month[:5]}{int(month[5:]) + 1:02d}-05T00:00:00Z"
    name = f"in_s{number}"
    created = f"{month}-05T00:00:00Z"
    return (
        invoice(name, amount, subscription_id=subscription, created=created),
        line(name, 100 + number, amount, subscription_id=subscription, type="subscription", price_id=price,
             period_start=created, period_end=end, **values),
    )  # fmt: skip


def _subscriptions(lander: Lander) -> None:
    lander.put(
        "subscription_history",
        # a trial that became active; written a while after it did
        version("sub_trial", "trialing", "2025-01-05T01:00:00Z", trial_start="2025-01-05T00:00:00Z",
                trial_end="2025-01-19T00:00:00Z"),
        version("sub_trial", "active", "2025-01-19T05:00:00Z", trial_start="2025-01-05T00:00:00Z",
                trial_end="2025-01-19T00:00:00Z"),
        # the first version came when all was over
        version("sub_over", "canceled", "2025-05-01T00:00:00Z", trial_start="2025-01-05T00:00:00Z",
                trial_end="2025-01-19T00:00:00Z", canceled_at="2025-03-01T00:00:00Z",
                ended_at="2025-03-05T00:00:00Z"),
        version("sub_dunning", "incomplete", "2025-01-05T00:00:00Z"),
        version("sub_dunning", "active", "2025-01-05T00:10:00Z"),
        version("sub_dunning", "past_due", "2025-02-05T00:00:00Z"),
        version("sub_dunning", "unpaid", "2025-02-20T00:00:00Z"),
        version("sub_dunning", "active", "2025-03-01T00:00:00Z"),
        version("sub_never", "incomplete_expired", "2025-01-06T00:00:00Z"),
        # asked for its end, which has not come
        version("sub_leaving", "active", "2025-01-05T00:00:00Z"),
        version("sub_leaving", "active", "2025-02-10T00:00:00Z", cancel_at_period_end="true",
                canceled_at="2025-02-10T00:00:00Z", current_period_end="2025-03-05T00:00:00Z"),
        # its end is written after a version that is older than it
        version("sub_late", "active", "2025-01-05T00:00:00Z"),
        version("sub_late", "past_due", "2025-02-05T02:00:00Z"),
        version("sub_late", "canceled", "2025-02-05T06:00:00Z", ended_at="2025-02-05T00:00:00Z"),
        version("sub_paused", "active", "2025-01-05T00:00:00Z"),
        version("sub_paused", "active", "2025-02-01T00:00:00Z", pause_collection_behavior="void"),
        version("sub_paused", "active", "2025-03-01T00:00:00Z"),
        version("sub_paused", "paused", "2025-04-01T00:00:00Z"),
        version("sub_test", "active", "2025-01-05T00:00:00Z", livemode="false"),
        version("sub_odd", "dormant", "2025-01-05T00:00:00Z"),
        # delivered twice in one file: once would have been enough
        version("sub_trial", "active", "2025-01-19T05:00:00Z", trial_start="2025-01-05T00:00:00Z",
                trial_end="2025-01-19T00:00:00Z"),
        # from here on: what they cost
        *(version(f"sub_{name}", "active", "2025-01-05T00:00:00Z") for name in (
            "several", "mixed", "metered", "tiered", "sliver", "quarter", "year", "plan", "yen", "grown", "seen",
            "prorated", "unpriced", "percent", "amount", "once", "unknown_price")),
    )  # fmt: skip
    lander.put(
        "subscription",
        version("sub_now", "active"),
        version("sub_now_trial", "active", trial_start="2025-01-05T00:00:00Z", trial_end="2025-01-19T00:00:00Z"),
        version("sub_now_ended", "canceled", ended_at="2025-02-05T00:00:00Z", canceled_at="2025-01-20T00:00:00Z"),
        version("sub_now_unpaid", "unpaid", current_period_start="2025-02-05T00:00:00Z"),
        version("sub_trial", "active"),
    )

    def item(name: str, price: str, quantity: str = "1", number: str = "", synced: str = "", **values: str) -> Row:
        return {
            "id": f"si_{name}{number}", "subscription_id": f"sub_{name}", "price_id": price, "quantity": quantity,
            "created": "2025-01-05T00:00:00Z", "_fivetran_synced": synced, **values,
        }  # fmt: skip

    lander.put(
        "subscription_item",
        item("trial", "price_basic", "3"), item("over", "price_basic"), item("dunning", "price_basic"),
        item("leaving", "price_basic"), item("late", "price_basic"), item("paused", "price_basic"),
        item("now", "price_team"), item("now_trial", "price_team"), item("now_ended", "price_team"),
        item("now_unpaid", "price_team"),
        item("several", "price_basic", "2", "a"), item("several", "price_team", "1", "b"),
        item("mixed", "price_basic", "1", "a"), item("mixed", "price_year", "1", "b"),
        item("metered", "price_metered"), item("tiered", "price_tiered"), item("sliver", "price_sliver", "1000"),
        item("quarter", "price_quarter"), item("year", "price_year"), item("yen", "price_yen", "2"),
        item("plan", "", "2", plan_id="plan_old"),
        # bought more in March: the bill of April shows it, the item as it is now does not say since when
        item("grown", "price_basic", "5", synced="2025-06-01T00:00:00Z"),
        # copied three times
        item("seen", "price_basic", "1", synced="2025-01-05T00:00:00Z"),
        item("seen", "price_basic", "4", synced="2025-02-11T00:00:00Z"),
        item("seen", "price_team", "4", synced="2025-03-12T00:00:00Z"),
        item("prorated", "price_team", "2", synced="2025-02-20T00:00:00Z"),
        item("percent", "price_team"), item("amount", "price_team", "2"), item("once", "price_team"),
    )  # fmt: skip
    bills = [
        bill("sub_grown", 1, "2025-01", 1000, "price_basic"),
        bill("sub_grown", 2, "2025-02", 1000, "price_basic"),
        bill("sub_grown", 3, "2025-04", 5000, "price_basic", quantity="5"),
        bill("sub_prorated", 4, "2025-01", 1000, "price_basic"),
        bill("sub_unknown_price", 5, "2025-01", 1000, "price_nowhere"),
        bill("sub_several", 7, "2025-01", 2000, "price_basic", quantity="2"),
    ]
    lander.put("invoice", *(one for one, _ in bills), invoice("in_s6", 1200, subscription_id="sub_prorated"),
               file="of_subscriptions.csv")  # fmt: skip
    part = {"subscription_id": "sub_prorated", "proration": "true", "type": "subscription",
            "period_start": "2025-01-20T12:00:00Z", "period_end": "2025-02-05T00:00:00Z"}  # fmt: skip
    lander.put(
        "invoice_line_item",
        *(one for _, one in bills),
        line("in_s6", 201, -500, price_id="price_basic", **part),
        line("in_s6", 202, 1700, price_id="price_team", quantity="2", **part),
        line("in_s7", 203, 2000, subscription_id="sub_several", type="subscription", price_id="price_team",
             period_start="2025-01-05T00:00:00Z", period_end="2025-02-05T00:00:00Z"),
        file="of_subscriptions.csv",
    )  # fmt: skip
    lander.put(
        "subscription_discount",
        {"id": "di_1", "subscription_id": "sub_percent", "coupon_id": "quarter_off", "start": "2025-01-05T00:00:00Z",
         "end": "2025-04-05T00:00:00Z"},
        {"id": "di_2", "subscription_id": "sub_amount", "coupon_id": "three_off", "start": "2025-02-05T00:00:00Z",
         "end": ""},
        {"id": "di_3", "subscription_id": "sub_once", "coupon_id": "first_free", "start": "2025-01-05T00:00:00Z",
         "end": ""},
    )  # fmt: skip


BEGUN = "2025-01-05 00:00:00"


@pytest.mark.parametrize(
    ("key", "row"),
    [
        ("cus_1", ("Baker & Sons", "Enterprise")),
        ("cus_noname", ("who@example.com", None)),
        ("cus_json", ("Broken", None)),
        ("cus_gone", None),
        ("cus_test", None),
        ("cus_stored", None),
        ("cus_linked", None),
    ],
)
def test_customers_are_accounts(
    replicated: duckdb.DuckDBPyConnection, key: str, row: tuple[str, str | None] | None
) -> None:
    assert contract_row(replicated, "crm.accounts", f"stripe:{key}", "account_name", "segment") == row


def test_customers_that_are_none_are_left_out_with_their_reason(replicated: duckdb.DuckDBPyConnection) -> None:
    reasons = {
        key: left_out(replicated, "crm.accounts", "customer", key)
        for key in ("cus_gone", "cus_test", "cus_stored", "cus_linked")
    }
    same = "same_account_elsewhere"
    assert reasons == {"cus_gone": "deleted", "cus_test": "test", "cus_stored": same, "cus_linked": same}
    # read: 8 of Stripe, one of them an older copy, and the two of the contract's own file
    assert books(replicated, "crm.accounts") == (10, 5, 1, 0, 0, 4)
    assert rows_of(replicated, "select rule from sources.account_links order by account_id") == [
        ("link_file",), ("stored_id",)
    ]  # fmt: skip


def test_the_cost_of_products_is_unknown(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("product_name", "category", "unit_cost")
    assert contract_row(replicated, "billing.products", "stripe:prod_1", *columns) == (
        "Plan Team", "Subscriptions", None,
    )  # fmt: skip
    assert left_out(replicated, "billing.products", "product", "prod_gone") == "deleted"
    # unless the contract's own file says so, later
    assert contract_row(replicated, "billing.products", "stripe:prod_costed", "unit_cost") == ("3",)


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("in_plain", "paid"),
        ("in_open", "pending"),
        ("in_void", "canceled"),
        ("in_bad", "canceled"),
        ("in_old", "paid"),
        ("in_mended", "paid"),
        ("in_refunded", "refunded"),
        ("in_partly", "paid"),
        ("ch_alone", "paid"),
        ("ch_held", "pending"),
        ("ch_let_go", "canceled"),
        ("ch_waiting", "pending"),
        ("ch_lost_invoice", "paid"),
    ],
)
def test_the_status_of_an_order(replicated: duckdb.DuckDBPyConnection, key: str, status: str) -> None:
    assert contract_row(replicated, "billing.orders", f"stripe:{key}", "status") == (status,)


@pytest.mark.parametrize(
    ("object_name", "key", "reason"),
    [
        ("invoice", "in_draft", "draft"),
        ("invoice", "in_gone", "deleted"),
        ("invoice", "in_test", "test"),
        ("invoice", "in_trial", "nothing_billed"),
        ("charge", "ch_invoiced", "billed_by_invoice"),
        ("charge", "ch_named", "billed_by_invoice"),
        ("charge", "ch_intent", "billed_by_invoice"),
        ("charge", "ch_paying", "billed_by_invoice"),
        ("charge", "ch_json", "billed_by_invoice"),
        ("charge", "ch_failed", "failed"),
        ("charge", "ch_test", "test"),
    ],
)
def test_what_is_no_order_is_left_out_with_its_reason_and_so_are_its_lines(
    replicated: duckdb.DuckDBPyConnection, object_name: str, key: str, reason: str
) -> None:
    assert left_out(replicated, "billing.orders", object_name, key) == reason
    lines = rows_of(
        replicated,
        "select _row_status, _left_out from staging.base_billing__order_items "
        "where order_id = ? and _source_table in ('stripe.charge', 'stripe.invoice_line_item')",
        f"stripe:{key}",
    )
    assert lines == [("left_out", reason)]


def test_an_order_has_the_deal_and_rep_of_its_metadata(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("account_id", "deal_id", "rep_id", "ordered_at", "currency")
    assert contract_row(replicated, "billing.orders", "stripe:in_plain", *columns) == (
        "stripe:cus_1", "hubspot:77", "R1", "2025-03-01 10:00:00", "USD",
    )  # fmt: skip


@pytest.mark.parametrize(("key", "account"), [("in_stored", "A1"), ("in_linked", "A2"), ("in_nobody", None)])
def test_orders_are_of_the_account_that_a_customer_is(
    replicated: duckdb.DuckDBPyConnection, key: str, account: str | None
) -> None:
    assert contract_row(replicated, "billing.orders", f"stripe:{key}", "account_id") == (account,)


@pytest.mark.parametrize(
    ("order", "lines"),
    [
        ("in_plain", [("50", "0")]),
        # tax is no revenue, and falls on lines by their share
        ("in_taxed", [("30", "5.7"), ("70", "13.3")]),
        ("in_inclusive", [("90.91", "9.09")]),
        # a discount of the whole invoice, to the cent
        ("in_cheaper", [("28.33", "0"), ("56.67", "0")]),
        ("in_thirds", [("10", "0")]),
        # credit for what was not used up lowers the other lines
        ("in_upgrade", [("10", "0"), ("5", "0")]),
        ("in_downgrade", [("0", "0")]),
        # no lines were copied
        ("in_bare", [("20", "4")]),
        # two lines with the id of their subscription
        ("in_sub_ids", [("10", "0"), ("20", "0")]),
        ("ch_alone", [("42", "0")]),
        ("ch_yen", [("5000", "0")]),
    ],
)
def test_lines_come_to_what_was_billed_without_tax(
    replicated: duckdb.DuckDBPyConnection, order: str, lines: list[tuple[str, str]]
) -> None:
    assert items(replicated, order) == lines


def test_prices_of_units_keep_their_quantity(replicated: duckdb.DuckDBPyConnection) -> None:
    columns = ("quantity", "unit_price", "discount_amount", "product_id")
    plain = contract_row(replicated, "billing.order_items", "stripe:in_plain/il_1", *columns)
    assert plain == ("2", "25", "0", "stripe:prod_1")
    thirds = contract_row(replicated, "billing.order_items", "stripe:in_thirds/il_15", *columns)
    assert thirds == ("3", "3.333334", "0.000002", "stripe:no product")
    of_a_plan = contract_row(replicated, "billing.order_items", "stripe:in_old/il_9", "product_id")
    assert of_a_plan == ("stripe:prod_1",)
    of_a_charge = contract_row(replicated, "billing.order_items", "stripe:ch_alone", "product_id")
    assert of_a_charge == ("stripe:prod_1",)


@pytest.mark.parametrize(
    ("order", "amount"),
    [("in_yen", "5000"), ("in_dinar", "5.12"), ("in_iceland", "500"), ("in_uganda", "500"), ("in_forint", "500")],
)
def test_minor_units_are_those_that_stripe_sends(
    replicated: duckdb.DuckDBPyConnection, order: str, amount: str
) -> None:
    assert items(replicated, order) == [(amount, "0")]


@pytest.mark.parametrize(
    ("order", "rows"),
    [
        ("in_refunded", [("23.8", "3.8", "2025-04-02 00:00:00")]),
        ("in_partly", [("5", "0.8", "2025-04-02 00:00:00")]),
        ("in_credited", [("11.9", "1.9", "2025-03-01 10:00:00")]),
        ("ch_alone", [("2", "0", "2025-04-02 00:00:00")]),
        ("ch_yen", [("5000", "0", "2025-04-02 00:00:00")]),
        # not dated by any refund: on the day of the charge
        ("ch_undated", [("4", "0", "2025-03-01 10:00:00")]),
        # less than nothing was billed
        ("in_downgrade", [("5", "0", "2025-03-01 10:00:00")]),
    ],
)
def test_refunds_lead_to_their_order_with_their_share_of_tax(
    replicated: duckdb.DuckDBPyConnection, order: str, rows: list[tuple[str, ...]]
) -> None:
    assert refunds(replicated, order) == rows


@pytest.mark.parametrize(
    ("object_name", "key", "reason"),
    [
        ("refund", "re_failed", "failed"),
        ("refund", "re_test", "test"),
        ("credit_note", "cn_void", "void"),
        ("credit_note", "cn_named", "refunded"),
        ("credit_note", "cn_alike", "refunded"),
        ("credit_note", "cn_test", "test"),
    ],
)
def test_refunds_that_are_none(replicated: duckdb.DuckDBPyConnection, object_name: str, key: str, reason: str) -> None:
    assert left_out(replicated, "billing.refunds", object_name, key) == reason


def test_what_cannot_be_read_is_set_aside_and_nothing_else(replicated: duckdb.DuckDBPyConnection) -> None:
    assert quarantined(replicated, "billing.orders") == [
        ("stripe.charge", "invalid_status"), ("stripe.invoice", "missing_order_id"),
    ]  # fmt: skip
    assert quarantined(replicated, "billing.order_items") == [
        ("stripe.charge", "unknown_order"),
        ("stripe.invoice_line_item", "invalid_discount_amount"),
        ("stripe.invoice_line_item", "invalid_unit_price"),
        ("stripe.invoice_line_item", "invalid_unit_price"),
        ("stripe.invoice_line_item", "invalid_unit_price"),
        ("stripe.invoice_line_item", "unknown_order"),
    ]
    assert quarantined(replicated, "billing.refunds") == [("stripe.refund", "unknown_order")]
    assert quarantined(replicated, "billing.subscription_changes") == [
        ("stripe.subscription_history", "invalid_status")
    ]


@pytest.mark.parametrize(
    "table",
    ["crm.accounts", "billing.products", "billing.orders", "billing.order_items", "billing.refunds",
     "billing.subscription_changes"],
)  # fmt: skip
def test_books_balance(replicated: duckdb.DuckDBPyConnection, table: str) -> None:
    read, *others = books(replicated, table)
    assert read == sum(others) > 0


@pytest.mark.parametrize(
    ("subscription", "changes"),
    [
        (
            "sub_trial",
            [(BEGUN, "trialing", "basic", "30"), ("2025-01-19 00:00:00", "active", "basic", "30")],
        ),
        (
            "sub_over",
            [
                (BEGUN, "trialing", "basic", "10"),
                ("2025-01-19 00:00:00", "active", "basic", "10"),
                ("2025-03-05 00:00:00", "canceled", "basic", "10"),
            ],
        ),
        (
            "sub_dunning",
            [
                (BEGUN, "active", "basic", "10"),
                ("2025-02-05 00:00:00", "active", "basic", "10"),
                ("2025-02-20 00:00:00", "canceled", "basic", "10"),
                ("2025-03-01 00:00:00", "active", "basic", "10"),
            ],
        ),
        ("sub_never", []),
        ("sub_test", []),
        ("sub_leaving", [(BEGUN, "active", "basic", "10"), ("2025-02-10 00:00:00", "active", "basic", "10")]),
        # not one moment active after its end
        (
            "sub_late",
            [
                (BEGUN, "active", "basic", "10"),
                ("2025-02-05 02:00:00", "canceled", "basic", "10"),
                ("2025-02-05 02:00:00", "canceled", "basic", "10"),
            ],
        ),
        (
            "sub_paused",
            [
                (BEGUN, "active", "basic", "10"),
                ("2025-02-01 00:00:00", "paused", "basic", "10"),
                ("2025-03-01 00:00:00", "active", "basic", "10"),
                ("2025-04-01 00:00:00", "paused", "basic", "10"),
            ],
        ),
        ("sub_now", [(BEGUN, "active", "team", "20")]),
        (
            "sub_now_trial",
            [(BEGUN, "trialing", "team", "20"), ("2025-01-19 00:00:00", "active", "team", "20")],
        ),
        (
            "sub_now_ended",
            [(BEGUN, "active", "team", "20"), ("2025-02-05 00:00:00", "canceled", "team", "20")],
        ),
        (
            "sub_now_unpaid",
            [(BEGUN, "active", "team", "20"), ("2025-02-05 00:00:00", "canceled", "team", "20")],
        ),
    ],
)
def test_the_states_of_a_subscription(
    replicated: duckdb.DuckDBPyConnection, subscription: str, changes: list[tuple[str, ...]]
) -> None:
    assert life(replicated, subscription) == changes


@pytest.mark.parametrize(
    ("subscription", "changes"),
    [
        ("sub_several", [(BEGUN, "active", "basic, team", "40")]),
        # 10 a month and 120 a year
        ("sub_mixed", [(BEGUN, "active", "basic, yearly", "20")]),
        ("sub_metered", [(BEGUN, "active", "metered", "0")]),
        ("sub_tiered", [(BEGUN, "active", "tiered", "0")]),
        # a quarter of a cent, a thousand times
        ("sub_sliver", [(BEGUN, "active", "sliver", "2.5")]),
        ("sub_quarter", [(BEGUN, "active", "quarter", "30")]),
        ("sub_year", [(BEGUN, "active", "yearly", "120")]),
        ("sub_plan", [(BEGUN, "active", "old plan", "14")]),
        ("sub_yen", [(BEGUN, "active", "yen", "3000")]),
        # the bills say what it was: never what it is now
        ("sub_grown", [(BEGUN, "active", "basic", "10"), ("2025-04-05 00:00:00", "active", "basic", "50")]),
        # seen as it changed
        (
            "sub_seen",
            [
                (BEGUN, "active", "basic", "10"),
                ("2025-02-11 00:00:00", "active", "basic", "40"),
                ("2025-03-12 00:00:00", "active", "team", "80"),
            ],
        ),
        # the rest of a period at a new price says from when
        ("sub_prorated", [(BEGUN, "active", "basic", "10"), ("2025-01-20 12:00:00", "active", "team", "40")]),
        ("sub_unpriced", [(BEGUN, "active", None, None)]),
        ("sub_unknown_price", [(BEGUN, "active", "price_nowhere", "10")]),
        ("sub_percent", [(BEGUN, "active", "team", "15"), ("2025-04-05 00:00:00", "active", "team", "20")]),
        ("sub_amount", [(BEGUN, "active", "team", "40"), ("2025-02-05 00:00:00", "active", "team", "37")]),
        ("sub_once", [(BEGUN, "active", "team", "20")]),
    ],
)
def test_what_a_subscription_costs(
    replicated: duckdb.DuckDBPyConnection, subscription: str, changes: list[tuple[str, ...]]
) -> None:
    assert life(replicated, subscription) == changes


def test_the_interval_of_a_subscription_is_that_of_its_price(replicated: duckdb.DuckDBPyConnection) -> None:
    found = rows_of(
        replicated,
        "select subscription_id, billing_interval, interval_count, quantity, currency, account_id "
        "from staging.stg_billing__subscription_changes "
        "where subscription_id in ('stripe:sub_quarter', 'stripe:sub_year', 'stripe:sub_yen', "
        "'stripe:sub_unknown_price') order by 1",
    )
    assert [tuple(told(value) for value in row) for row in found] == [
        ("stripe:sub_quarter", "month", "3", "1", "USD", "stripe:cus_1"),
        ("stripe:sub_unknown_price", "month", "1", "1", "USD", "stripe:cus_1"),
        ("stripe:sub_year", "year", "1", "1", "USD", "stripe:cus_1"),
        ("stripe:sub_yen", "month", "1", "2", "JPY", "stripe:cus_1"),
    ]


@pytest.mark.parametrize(
    ("object_name", "key", "reason"),
    [
        ("subscription_history", "sub_dunning/2025-01-05T00:00:00Z", "incomplete"),
        ("subscription_history", "sub_never/2025-01-06T00:00:00Z", "incomplete_expired"),
        ("subscription_history", "sub_test/2025-01-05T00:00:00Z", "test"),
        ("subscription", "sub_trial/subscription", "replicated"),
    ],
)
def test_versions_that_are_no_states(
    replicated: duckdb.DuckDBPyConnection, object_name: str, key: str, reason: str
) -> None:
    assert left_out(replicated, "billing.subscription_changes", object_name, key) == reason


# --- tables as another tool names them: epochs, objects as JSON, references without _id ---------------------------


@pytest.fixture(scope="module")
def as_objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("as_objects")
    lander = Lander(folder / "landing")
    april, may, june = "1743465600", "1746057600", "1748736000"
    seen = {"_airbyte_extracted_at": "2025-06-01T00:00:00Z"}
    lander.put(
        "customers", {"id": "cus_1", "name": "Baker", "created": april, "deleted": "", "livemode": "true", **seen}
    )
    lander.put("products", {"id": "prod_1", "name": "Plan Team", "created": april, "metadata": "{}", **seen})
    recurring = json.dumps({"interval": "month", "interval_count": 3, "usage_type": "licensed"})
    lander.put(
        "prices",
        {"id": "price_1", "product": "prod_1", "currency": "eur", "unit_amount": "3000.0", "recurring": recurring,
         "type": "recurring", "billing_scheme": "per_unit", "tiers_mode": "", **seen},
    )  # fmt: skip
    lander.put(
        "subscriptions",
        {"id": "sub_1", "customer": "cus_1", "status": "active", "start_date": april, "created": april,
         "cancel_at_period_end": "false", "ended_at": "", "livemode": "true", **seen},
    )  # fmt: skip
    lander.put(
        "subscription_items",
        {"id": "si_1", "subscription": "sub_1", "price": json.dumps({"id": "price_1", "unit_amount": 3000}),
         "quantity": "2", "created": april, "_airbyte_extracted_at": june},
    )  # fmt: skip
    lander.put(
        "invoices",
        {"id": "in_1", "customer": "cus_1", "subscription": "sub_1", "charge": "ch_1", "status": "paid",
         "currency": "eur", "subtotal": "6000", "tax": "", "total": "6000", "created": april, "livemode": "true",
         **seen},
        {"id": "in_2", "customer": json.dumps({"id": "cus_1"}), "subscription": "", "charge": "", "status": "paid",
         "currency": "eur", "subtotal": "100", "tax": "", "total": "100", "created": "1746057600000",
         "livemode": "true", **seen},
    )  # fmt: skip
    lander.put(
        "invoice_line_items",
        {"id": "il_1", "invoice": "in_1", "amount": "6000", "currency": "eur", "quantity": "2", "subscription": "sub_1",
         "price": json.dumps({"id": "price_1"}), "proration": "false", "type": "subscription",
         "period": json.dumps({"start": int(april), "end": int(may)}), **seen},
        {"id": "il_2", "invoice": "in_2", "amount": "100", "currency": "eur", "quantity": "1", "subscription": "",
         "price": "", "proration": "false", "type": "invoiceitem", "period": "", **seen},
    )  # fmt: skip
    lander.put(
        "charges",
        {"id": "ch_1", "customer": "cus_1", "invoice": "", "amount": "6000", "currency": "eur", "created": april,
         "paid": "true", "captured": "true", "status": "succeeded", "livemode": "true", **seen},
    )  # fmt: skip
    lander.put("refunds", {"id": "re_1", "charge": "ch_1", "amount": "6000", "currency": "eur", "created": may,
                           "status": "succeeded", **seen})  # fmt: skip
    lander.landing.add(
        "planning.fx_rates", {"rate_on": "2025-01-01", "from_currency": "EUR", "to_currency": "USD", "rate": "1.1"}
    )
    with staged(lander.landing, folder, fx_rate_max_age_days="1000") as connection:
        yield connection


def test_epochs_and_objects_as_json_are_read(as_objects: duckdb.DuckDBPyConnection) -> None:
    assert contract_row(as_objects, "crm.accounts", "stripe:cus_1", "created_at") == ("2025-04-01 00:00:00",)
    columns = ("account_id", "ordered_at", "status", "currency", "subscription_id")
    assert contract_row(as_objects, "billing.orders", "stripe:in_1", *columns) == (
        "stripe:cus_1", "2025-04-01 00:00:00", "refunded", "EUR", "stripe:sub_1",
    )  # fmt: skip
    assert contract_row(as_objects, "billing.orders", "stripe:in_2", *columns) == (
        "stripe:cus_1", "2025-05-01 00:00:00", "paid", "EUR", None,
    )  # fmt: skip
    assert contract_row(as_objects, "billing.order_items", "stripe:in_1/il_1", "product_id") == ("stripe:prod_1",)
    assert refunds(as_objects, "in_1") == [("60", "0", "2025-05-01 00:00:00")]
    assert life(as_objects, "sub_1") == [("2025-04-01 00:00:00", "active", "Plan Team", "60")]


def test_a_charge_that_only_its_invoice_names_is_no_order_of_its_own(as_objects: duckdb.DuckDBPyConnection) -> None:
    assert left_out(as_objects, "billing.orders", "charge", "ch_1") == "billed_by_invoice"


# --- exports ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("exported")
    lander = Lander(folder / "landing")
    payment = {"Captured": "true", "Status": "Paid", "Currency": "usd", "Amount Refunded": "0.00", "Description": "",
               "Customer ID": "cus_1", "Customer Email": "Baker@Example.com", "Invoice ID": ""}  # fmt: skip
    lander.put(
        "payments",
        {"id": "ch_1", "Created date (UTC)": "2025-03-31 23:30:00", "Amount": "1234.50", **payment},
        {"id": "ch_2", "Created date (UTC)": "2025-04-01 08:00:00", "Amount": "100.00", **payment,
         "Amount Refunded": "40.00", "Invoice ID": "in_not_here"},
        {"id": "ch_3", "Created date (UTC)": "2025-04-01 08:00:00", "Amount": "100.00", **payment,
         "Amount Refunded": "100.00", "Status": "Refunded"},
        {"id": "ch_4", "Created date (UTC)": "2025-04-01 08:00:00", "Amount": "100.00", **payment, "Status": "Failed"},
        {"id": "ch_5", "Created date (UTC)": "2025-04-01 08:00:00", "Amount": "100.00", **payment, "Captured": "false"},
        {"id": "ch_6", "Created date (UTC)": "2025-04-01 08:00:00", "Amount": "5000", **payment, "Currency": "jpy",
         "Amount Refunded": "0"},
    )  # fmt: skip
    # an older header, in the folder of the table, from a machine that writes decimal commas
    comma = [
        ["id", "Created (UTC)", "Amount", "Amount Refunded", "Currency", "Captured", "Status", "Customer ID",
         "Customer Email"],
        ["ch_7", "2025-04-02 08:00", "1234,50", "0,00", "eur", "True", "Paid", "", "who@example.com"],
        ["ch_8", "2025-04-02 08:00", "1.234,50", "0,00", "eur", "True", "Paid", "", ""],
        ["ch_9", "2025-04-02 08:00", "1,234.50", "0", "eur", "True", "Paid", "", ""],
        ["ch_10", "2025-04-02 08:00", "1,234", "0", "eur", "True", "Paid", "", ""],
    ]  # fmt: skip
    lander.landing.add_file("stripe.charges", "\n".join(";".join(row) for row in comma) + "\n", "commas.csv")
    # the same payment again, a week later: some of it went back meanwhile
    lander.put(
        "payments",
        {"id": "ch_1", "Created date (UTC)": "2025-03-31 23:30:00", "Amount": "1234.50", **payment,
         "Amount Refunded": "34.50"},
        file="week_2.csv",
    )  # fmt: skip
    subscription = {"Customer ID": "cus_1", "Customer Email": "baker@example.com", "Plan": "Team", "Quantity": "3",
                    "Interval": "month", "Amount": "20.00", "Canceled At (UTC)": "", "Ended At (UTC)": ""}  # fmt: skip
    lander.put(
        "subscriptions",
        {"id": "sub_1", **subscription, "Status": "active", "Created (UTC)": "2025-01-05 00:00",
         "Start Date (UTC)": "2025-01-06 00:00"},
        {"id": "sub_2", **subscription, "Status": "canceled", "Created (UTC)": "2025-01-05 00:00",
         "Canceled At (UTC)": "2025-02-01 00:00", "Ended At (UTC)": "2025-02-05 00:00"},
        {"id": "sub_3", **subscription, "Status": "incomplete_expired", "Created (UTC)": "2025-01-05 00:00"},
        {"id": "sub_4", **subscription, "Status": "active", "Created (UTC)": "2025-01-05 00:00", "Customer ID": "",
         "Customer Email": "nobody@example.com", "Amount": "20,00"},
        {"id": "sub_5", **subscription, "Status": "active", "Created (UTC)": "2025-01-05 00:00", "Amount": "1,234"},
    )  # fmt: skip
    # the table has one of these customers, and one of the payments
    lander.put("customer", {"id": "cus_9", "email": "who@example.com", "created": DAY, "livemode": "true"})
    lander.put("charge", charge("ch_3", 9900), file="table.csv")
    lander.landing.add(
        "planning.fx_rates",
        {"rate_on": "2025-01-01", "from_currency": "EUR", "to_currency": "USD", "rate": "1.1"},
        {"rate_on": "2025-01-01", "from_currency": "JPY", "to_currency": "USD", "rate": "0.01"},
    )
    with staged(lander.landing, folder, fx_rate_max_age_days="1000", business_timezone="America/Phoenix") as connection:
        yield connection


def test_exported_payments_are_orders_in_major_units(exported: duckdb.DuckDBPyConnection) -> None:
    columns = ("account_id", "ordered_at", "status", "currency")
    assert contract_row(exported, "billing.orders", "stripe:ch_1", *columns) == (
        "stripe:cus_1", "2025-03-31 23:30:00", "paid", "USD",
    )  # fmt: skip
    assert items(exported, "ch_1") == [("1234.5", "0")]
    assert items(exported, "ch_6") == [("5000", "0")]
    # an invoice that was not copied is no order; its payment is
    assert contract_row(exported, "billing.orders", "stripe:ch_2", "status") == ("paid",)
    assert contract_row(exported, "billing.orders", "stripe:ch_5", "status") == ("pending",)
    assert left_out(exported, "billing.orders", "payments", "ch_4") == "failed"


def test_undated_refunds_of_an_export_count_on_the_day_of_the_payment(exported: duckdb.DuckDBPyConnection) -> None:
    assert refunds(exported, "ch_1") == [("34.5", "0", "2025-03-31 23:30:00")]
    assert refunds(exported, "ch_2") == [("40", "0", "2025-04-01 08:00:00")]


def test_a_payment_whose_charge_is_copied_counts_once(exported: duckdb.DuckDBPyConnection) -> None:
    assert items(exported, "ch_3") == [("99", "0")]
    assert refunds(exported, "ch_3") == []
    assert left_out(exported, "billing.orders", "payments", "ch_3/payment") == "replicated"


def test_decimal_commas_and_an_older_header_are_read(exported: duckdb.DuckDBPyConnection) -> None:
    assert [items(exported, f"ch_{number}") for number in (7, 8, 9)] == [[("1234.5", "0")]] * 3
    # the address is that of a customer
    assert contract_row(exported, "billing.orders", "stripe:ch_7", "account_id", "ordered_at") == (
        "stripe:cus_9", "2025-04-02 08:00:00",
    )  # fmt: skip


def test_an_amount_that_can_be_read_two_ways_is_set_aside(exported: duckdb.DuckDBPyConnection) -> None:
    assert quarantined(exported, "billing.order_items") == [("stripe.payments", "invalid_unit_price")]


def test_exported_subscriptions_have_their_states(exported: duckdb.DuckDBPyConnection) -> None:
    assert life(exported, "sub_1") == [("2025-01-06 00:00:00", "active", "Team", "60")]
    assert life(exported, "sub_2") == [
        (BEGUN, "active", "Team", "60"),
        ("2025-02-05 00:00:00", "canceled", "Team", "60"),
    ]
    assert life(exported, "sub_3") == []
    assert left_out(exported, "billing.subscription_changes", "subscriptions_export", "sub_3/export") == (
        "incomplete_expired"
    )


def test_an_exported_subscription_of_nobody_or_of_an_unclear_price_is_set_aside(
    exported: duckdb.DuckDBPyConnection,
) -> None:
    assert quarantined(exported, "billing.subscription_changes") == [
        ("stripe.subscriptions_export", "invalid_unit_amount"),
        ("stripe.subscriptions_export", "missing_account_id"),
    ]


@pytest.mark.parametrize("table", ["billing.orders", "billing.order_items", "billing.refunds"])
def test_books_of_exports_balance(exported: duckdb.DuckDBPyConnection, table: str) -> None:
    read, *others = books(exported, table)
    assert read == sum(others) > 0


# --- the sample company as Stripe has it ------------------------------------------------------------------------------


@pytest.mark.parametrize(("total", "tax"), [(11900, 1900), (10808, 808), (7, 1), (100, 0), (123_457, 9144)])
def test_a_refund_of_the_sample_is_the_contracts_net_amount_and_its_share_of_tax(total: int, tax: int) -> None:
    for net in range(1, total - tax + 1, max((total - tax) // 500, 1)):
        gross = gross_of(net, tax, total)
        # the models' share: half a unit is rounded up
        assert gross - (2 * gross * tax + total) // (2 * total) == net
    assert gross_of(total - tax, tax, total) == total


def test_the_sample_counts_minor_units_as_stripe_does() -> None:
    assert [minor("12.34", "USD"), minor("13000", "KRW"), minor("", "EUR")] == [1234, 13000, 0]
    assert [stripe_id("crm.accounts", "A1-00007"), stripe_id("billing.orders", "")] == ["cus_A1x00007", ""]
