"""The sample company as Stripe has it: customers, products, prices, invoices with their lines, charges and refunds.

Its subscriptions are in stripe_subscriptions. Beside the company's rows there are some that a build must leave out:
test data, deleted records, drafts, bills of nothing, failed charges and refunds, and older versions.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from itertools import chain

from orchestration.sample.systems import hubspot_id
from orchestration.sample.systems.stripe_subscriptions import Subscriptions
from orchestration.sample.systems.stripe_values import (
    Row,
    Rows,
    epoch,
    gross_of,
    instant,
    minor,
    some,
    stripe_id,
)

FILLS = (
    "crm.accounts",
    "billing.orders",
    "billing.order_items",
    "billing.refunds",
    "billing.products",
    "billing.subscription_changes",
)
INVOICE_STATES = {"pending": "open", "paid": "paid", "refunded": "paid", "canceled": "void"}


def stripe_objects(tables: Mapping[str, Rows]) -> dict[str, list[Row]]:
    """The rows of Stripe's objects, by object, made of the clean rows of the contract's tables (by `system.table`)."""
    subscriptions = Subscriptions(tables["billing.subscription_changes"])
    invoices = Invoices(tables, subscriptions)
    products = _products(tables["billing.products"])
    return {
        "customer": _customers(tables["crm.accounts"]),
        "product": products,
        "price": [*_prices(products), *subscriptions.prices()],
        **subscriptions.objects(),
        **invoices.objects(),
    }


def key_of(table: str, contract_id: str) -> str:
    """The key that a row of the contract has once Stripe brings it, such as stripe:in_O1x00007; '' for ''."""
    return f"stripe:{stripe_id(table, contract_id)}" if contract_id else ""


def _customers(accounts: Rows) -> list[Row]:
    """A customer for every account. Its metadata say which company of HubSpot it is."""

    def customer(account: Mapping[str, str]) -> Row:
        metadata = {
            "hubspot_company_id": hubspot_id("company", account["account_id"]),
            **{name: account[name] for name in ("segment", "industry", "region") if account[name]},
        }
        customer_id = stripe_id("crm.accounts", account["account_id"])
        return {
            "id": customer_id,
            "name": account["account_name"],
            "email": f"{customer_id.lower()}@example.net",
            "created": instant(account["created_at"]),
            "is_deleted": "false",
            "livemode": "true",
            "metadata": json.dumps(metadata, ensure_ascii=False),
            "_fivetran_synced": instant(account["updated_at"]),
        }

    rows = [customer(account) for account in accounts]
    for number, account in some(accounts):
        own = customer(account)
        rows += [
            {**own, "id": f"cus_deleted{number}", "is_deleted": "true", "metadata": ""},
            {**own, "id": f"cus_test{number}", "livemode": "false", "metadata": ""},
            # as it was an hour before, under another name
            {**own, "name": "Untitled", "_fivetran_synced": instant(account["updated_at"], minutes=-60)},
        ]
    return rows


def _products(products: Rows) -> list[Row]:
    rows = [
        {
            "id": stripe_id("billing.products", product["product_id"]),
            "name": product["product_name"],
            "active": "true",
            "is_deleted": "false",
            "livemode": "true",
            "metadata": json.dumps({"category": product["category"]}),
        }
        for product in products
    ]
    return [
        *rows,
        {**rows[0], "id": "prod_deleted", "is_deleted": "true"},
        {**rows[0], "id": "prod_test", "livemode": "false"},
    ]


def _prices(products: Rows) -> list[Row]:
    """What things are sold for once; the amount stands on each line."""
    return [
        {
            "id": _price_of(product["id"]),
            "product_id": product["id"],
            "currency": "usd",
            "type": "one_time",
            "billing_scheme": "per_unit",
            "livemode": "true",
        }
        for product in products
    ]


def _price_of(product_id: str) -> str:
    return product_id.replace("prod_", "price_") + "_once"


class Invoices:
    """An invoice for every order, with its lines, what paid it and what went back."""

    def __init__(self, tables: Mapping[str, Rows], subscriptions: Subscriptions) -> None:
        self._orders = tables["billing.orders"]
        self._refunds = tables["billing.refunds"]
        self._subscriptions = subscriptions
        self._emails = {rep["rep_id"]: rep["email"] for rep in tables["crm.sales_reps"]}
        self._items: dict[str, list[Mapping[str, str]]] = defaultdict(list)
        for item in tables["billing.order_items"]:
            self._items[item["order_id"]].append(item)
        self._order_of = {order["order_id"]: order for order in self._orders}

    def objects(self) -> dict[str, list[Row]]:
        """The rows of invoice, invoice_line_item, charge, refund and credit_note."""
        lines = [line for order in self._orders for line in self._lines(order)]
        invoices = [self._invoice(order) for order in self._orders]
        paid = [order for order in self._orders if order["status"] in ("paid", "refunded")]
        charges = [self._charge(order) for order in paid]
        refunds = [self._refund(refund) for refund in self._refunds]
        extras = [self._extras(number, order) for number, order in some(paid)]
        return {
            "invoice": [*invoices, *chain.from_iterable(extra["invoice"] for extra in extras)],
            "invoice_line_item": [*lines, *chain.from_iterable(extra["invoice_line_item"] for extra in extras)],
            "charge": [*charges, *chain.from_iterable(extra["charge"] for extra in extras)],
            "refund": [*refunds, *chain.from_iterable(extra["refund"] for extra in extras)],
            "credit_note": list(chain.from_iterable(extra["credit_note"] for extra in extras)),
        }

    def _net(self, item: Mapping[str, str], currency: str) -> int:
        """What an item costs, in minor units."""
        gross = minor(item["unit_price"], currency) * int(item["quantity"])
        return gross - minor(item["discount_amount"], currency)

    def _lines(self, order: Mapping[str, str]) -> list[Row]:
        """The lines of an order's invoice. A discount on one of several lines is in its amount, else on the invoice."""
        items = self._items[order["order_id"]]
        lines: list[Row] = []
        for item in items:
            amount = self._net(item, order["currency"])
            bill = self._subscriptions.bill(order, int(item["quantity"]), amount)
            if bill is not None:
                amount = bill.amount
            elif len(items) == 1:
                amount += minor(item["discount_amount"], order["currency"])
            product_id = stripe_id("billing.products", item["product_id"])
            lines.append(
                {
                    "id": stripe_id("billing.order_items", item["order_item_id"]),
                    "invoice_id": stripe_id("billing.orders", order["order_id"]),
                    "amount": str(amount),
                    "currency": order["currency"].lower(),
                    "quantity": item["quantity"],
                    "price_id": bill.price_id if bill else _price_of(product_id),
                    "subscription_id": bill.subscription_id if bill else "",
                    "type": "subscription" if bill else "invoiceitem",
                    "proration": "false",
                    "period_start": instant(order["ordered_at"]),
                    "period_end": instant(order["ordered_at"], minutes=bill.minutes if bill else 0),
                }
            )
        return lines

    def _total(self, order: Mapping[str, str]) -> tuple[int, int]:
        """Total and tax of an order, in minor units."""
        items = self._items[order["order_id"]]
        tax = sum(minor(item["tax_amount"], order["currency"]) for item in items)
        return sum(self._net(item, order["currency"]) for item in items) + tax, tax

    def _invoice(self, order: Mapping[str, str]) -> Row:
        total, tax = self._total(order)
        metadata: dict[str, str] = {}
        if order["deal_id"]:
            metadata |= {"deal_id": order["deal_id"], "hubspot_deal_id": hubspot_id("deal", order["deal_id"])}
        if order["rep_id"]:
            metadata["sales_rep_email"] = self._emails[order["rep_id"]].upper()
        return {
            "id": stripe_id("billing.orders", order["order_id"]),
            "customer_id": stripe_id("crm.accounts", order["account_id"]),
            "subscription_id": self._subscriptions.id_of(order["subscription_id"]),
            "status": INVOICE_STATES[order["status"]],
            "currency": order["currency"].lower(),
            "subtotal": str(sum(int(line["amount"]) for line in self._lines(order))),
            "tax": str(tax),
            "total": str(total),
            "created": instant(order["ordered_at"]),
            "livemode": "true",
            "is_deleted": "false",
            "metadata": json.dumps(metadata) if metadata else "",
            "_fivetran_synced": instant(order["updated_at"]),
        }

    def _charge(self, order: Mapping[str, str]) -> Row:
        total, _ = self._total(order)
        return {
            "id": _charge_id(order["order_id"]),
            "customer_id": stripe_id("crm.accounts", order["account_id"]),
            "invoice_id": stripe_id("billing.orders", order["order_id"]),
            "amount": str(total),
            "currency": order["currency"].lower(),
            "created": epoch(order["updated_at"]),
            "paid": "true",
            "captured": "true",
            "status": "succeeded",
            "livemode": "true",
        }

    def _refund(self, refund: Mapping[str, str]) -> Row:
        order = self._order_of[refund["order_id"]]
        total, tax = self._total(order)
        return {
            "id": stripe_id("billing.refunds", refund["refund_id"]),
            "charge_id": _charge_id(refund["order_id"]),
            "amount": str(gross_of(minor(refund["amount"], order["currency"]), tax, total)),
            "currency": order["currency"].lower(),
            "created": epoch(refund["refunded_at"]),
            "status": "succeeded",
        }

    def _extras(self, number: int, order: Mapping[str, str]) -> dict[str, list[Row]]:
        """What lies among the rows of a paid order and is none, each under an id of its own."""
        invoice, line, charge = self._invoice(order), self._lines(order)[0], self._charge(order)
        others: dict[str, Row] = {
            "test": {"livemode": "false"},
            "deleted": {"is_deleted": "true"},
            "draft": {"status": "draft"},
            "nothing": {"subtotal": "0", "tax": "0", "total": "0"},
        }
        invoices = [{**invoice, "id": f"in_{kind}{number}", **values} for kind, values in others.items()]
        lines = [
            {**line, "id": f"il_{kind}{number}", "invoice_id": f"in_{kind}{number}", "subscription_id": "",
             "type": "invoiceitem", **({"amount": "0"} if kind == "nothing" else {})}
            for kind in others
        ]  # fmt: skip
        # as it was before it was paid
        earlier = instant(order["updated_at"], minutes=-1)
        invoices.append({**invoice, "status": "open", "_fivetran_synced": earlier})
        charges = [
            {**charge, "id": f"ch_failed{number}", "status": "failed", "paid": "false"},
            {**charge, "id": f"ch_test{number}", "invoice_id": "", "livemode": "false"},
        ]
        back = {"amount": "100", "currency": charge["currency"], "created": charge["created"]}
        refunds = [
            {**back, "id": f"re_failed{number}", "charge_id": charge["id"], "status": "failed"},
            {**back, "id": f"re_test{number}", "charge_id": f"ch_test{number}", "status": "succeeded"},
        ]
        void = {**back, "id": f"cn_void{number}", "invoice_id": invoice["id"], "refund_id": "", "status": "void"}
        return {
            "invoice": invoices,
            "invoice_line_item": lines,
            "charge": charges,
            "refund": refunds,
            "credit_note": [void],
        }


def _charge_id(order_id: str) -> str:
    return stripe_id("billing.orders", order_id).replace("in_", "ch_")
