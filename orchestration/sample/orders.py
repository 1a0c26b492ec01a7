"""What a unit bills: baskets, orders with their items, refunds."""

from __future__ import annotations

from typing import NamedTuple

from orchestration.sample import catalog
from orchestration.sample.accounts import Account
from orchestration.sample.books import Books, money
from orchestration.sample.catalog import Product
from orchestration.sample.clock import MINUTES_A_DAY


class Item(NamedTuple):
    """So many pieces of a product; the price of a piece and the discount on all of them in cents."""

    product_id: str
    quantity: int
    price: int
    discount: int

    def net(self) -> int:
        """What it costs, in cents."""
        return self.quantity * self.price - self.discount


class Orders:
    """Writes orders. ``refunded`` are the ids of those that a refund refers to."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.refunded: set[str] = set()
        self._items = 0

    def basket(self, segment: str) -> list[Item]:
        """What a deal is about: one to three big tickets."""
        u = self.books.u
        most = catalog.BASKET_SIZE[segment]
        items = []
        for product in (self.books.pick(catalog.BIG_TICKETS), *self._more(catalog.SHELF, 2.4)):
            quantity = 1 + int(u() * most)
            discount = quantity * product.price // 100 * int(u() * 12) if u() < 0.4 else 0
            items.append(Item(product.product_id, quantity, product.price, discount))
        return items

    def shelf(self) -> list[Item]:
        """An everyday order: one to three things from the shelf."""
        u = self.books.u
        items = []
        for product in (self.books.pick(catalog.SHELF), *self._more(catalog.SHELF, 2.2)):
            quantity = 1 + int(u() * u() * 5)
            discount = product.price // 10 if u() < 0.12 else 0
            items.append(Item(product.product_id, quantity, product.price, discount))
        return items

    def _more(self, products: tuple[Product, ...], most: float) -> list[Product]:
        return [self.books.pick(products) for _ in range(int(self.books.u() * most))]

    def write(
        self,
        account: Account | None,
        moment: int,
        items: list[Item],
        *,
        deal_id: str = "",
        rep_id: str = "",
        subscription_id: str = "",
    ) -> None:
        """An order with its items; paid a little later, canceled at times, refunded at times."""
        books = self.books
        clock = books.clock
        if moment >= clock.end:
            return
        u = books.u
        order_id = books.new_id("O")
        currency = account.currency if account else "USD"
        self._write_items(order_id, moment, items, currency)
        net = sum(item.net() for item in items)
        states = [(moment, "pending")]
        settled = moment + 1 + int(u() * 2 * MINUTES_A_DAY)
        luck = u()
        if settled < clock.end and luck > 0.002:
            states.append((settled, "canceled" if luck < 0.02 else "paid"))
            if luck > 0.96 and account is not None and net > 100:
                states.extend(self._refund(order_id, settled, net, is_full=luck > 0.98))
        for file, changed, status in books.orders.seen(states):
            books.orders.put(
                file,
                {
                    "order_id": order_id,
                    "account_id": account.account_id if account else "",
                    "deal_id": deal_id,
                    "rep_id": rep_id,
                    "subscription_id": subscription_id,
                    "ordered_at": clock.text(moment),
                    "status": status,
                    "currency": currency,
                    "updated_at": clock.text(changed),
                },
            )

    def _write_items(self, order_id: str, moment: int, items: list[Item], currency: str) -> None:
        order_items = self.books.order_items
        file = order_items.file_of[moment // MINUTES_A_DAY]
        tax_percent = 19 if currency == "EUR" else 8
        for item in items:
            self._items += 1
            order_items.put(
                file,
                {
                    "order_item_id": f"I{self.books.number}-{self._items:06d}",
                    "order_id": order_id,
                    "product_id": item.product_id,
                    "quantity": str(item.quantity),
                    "unit_price": money(item.price),
                    "discount_amount": str(item.discount / 100) if item.discount else "",
                    "tax_amount": money(item.net() * tax_percent // 100),
                },
            )

    def _refund(self, order_id: str, settled: int, net: int, *, is_full: bool) -> list[tuple[int, str]]:
        """Money back weeks later: all of it, which changes the order's status, or a part of it."""
        books = self.books
        at = settled + MINUTES_A_DAY * (4 + int(books.u() * 70))
        if at >= books.clock.end:
            return []
        cents = net if is_full else net * (10 + int(books.u() * 50)) // 100
        self.refunded.add(order_id)
        books.refunds.put_at(
            at,
            {
                "refund_id": books.new_id("F"),
                "order_id": order_id,
                "amount": money(cents),
                "refunded_at": books.clock.text(at),
            },
        )
        return [(at, "refunded")] if is_full else []
