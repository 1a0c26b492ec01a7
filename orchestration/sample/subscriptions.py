"""The subscriptions of a unit's customers: trials, upgrades, pauses, ends, and the bills in between."""

from __future__ import annotations

from orchestration.sample import catalog
from orchestration.sample.accounts import Account
from orchestration.sample.books import Books, money
from orchestration.sample.clock import MINUTES_A_DAY
from orchestration.sample.orders import Item, Orders


class Subscription:
    """A plan that an account pays for every ``count`` intervals."""

    __slots__ = ("account", "count", "interval", "next_bill", "plan", "quantity", "subscription_id")

    def __init__(
        self, subscription_id: str, account: Account, plan: str, interval: str, count: int, quantity: int
    ) -> None:
        self.subscription_id = subscription_id
        self.account = account
        self.plan = plan
        self.interval = interval
        self.count = count
        self.quantity = quantity
        self.next_bill = 0

    def unit_amount(self) -> int:
        """The price of one seat per bill, in cents."""
        percent = catalog.INTERVALS[self.interval][1]
        return catalog.PLAN_PRODUCTS[self.plan].price * percent // 100 * self.count


class Subscriptions:
    """Writes the lives of subscriptions, with their bills."""

    def __init__(self, books: Books, orders: Orders) -> None:
        self.books = books
        self.orders = orders

    def start(self, account: Account, moment: int, *, is_opening: bool = False) -> None:
        """A subscription, with a trial or without; a tenth of the accounts take a second plan later."""
        books = self.books
        u = books.u
        plan = books.pick(catalog.PLAN_MIX)
        interval = books.pick(catalog.INTERVAL_MIX)
        count = 2 if interval == "month" and u() < 0.06 else 1
        first = Subscription(books.new_id("S"), account, plan, interval, count, 1 + int(u() * u() * 9))
        self._live(first, moment, has_trial=not is_opening and u() < 0.5)
        if u() < 0.1:
            second = Subscription(books.new_id("S"), account, "support", "month", 1, 1)
            self._live(second, moment + 30 * MINUTES_A_DAY, has_trial=False)

    def _live(self, subscription: Subscription, moment: int, *, has_trial: bool) -> None:
        """The life of a subscription, drawn month by month, to its end or the close of the books."""
        u = self.books.u
        end = self.books.clock.end
        if has_trial:
            self._change(subscription, moment, "trialing")
            moment += 14 * MINUTES_A_DAY
            if u() < 0.25:
                self._change(subscription, moment, "canceled")
                return
        self._change(subscription, moment, "active")
        subscription.next_bill = moment
        while moment < end:
            step = moment + 30 * MINUTES_A_DAY
            self._bill(subscription, min(step, end))
            moment = self._month_end(subscription, step + int(u() * 900))

    def _month_end(self, subscription: Subscription, moment: int) -> int:
        """Perhaps a change at this moment; when the next month begins, the end of the books if never."""
        u = self.books.u
        luck = u()
        if luck < 0.019:
            self._change(subscription, moment, "canceled")
            if u() > 0.14:
                return self.books.clock.end
            moment += MINUTES_A_DAY * (45 + int(u() * 200))  # comes back
            subscription.next_bill = moment
        elif luck < 0.027:
            self._change(subscription, moment, "paused")
            moment += MINUTES_A_DAY * (20 + int(u() * 70))
            subscription.next_bill = max(subscription.next_bill, moment)
        elif luck < 0.033 and subscription.plan in catalog.UPGRADES:
            subscription.plan = catalog.UPGRADES[subscription.plan]
        elif luck < 0.047:
            subscription.quantity += 1 + int(u() * 2)
        elif luck < 0.055 and subscription.quantity > 1:
            subscription.quantity -= 1
        else:
            return moment
        self._change(subscription, moment, "active")
        return moment

    def _change(self, subscription: Subscription, moment: int, status: str) -> None:
        """Write what a subscription is from this moment on."""
        books = self.books
        if moment >= books.clock.end:
            return
        account = subscription.account
        books.subscription_changes.put_at(
            moment,
            {
                "subscription_change_id": books.new_id("C"),
                "subscription_id": subscription.subscription_id,
                "account_id": account.account_id,
                "changed_at": f"{books.clock.text(moment)}+00:00",
                "status": status,
                "plan": subscription.plan,
                "quantity": str(subscription.quantity) if subscription.quantity > 1 else "",
                "unit_amount": money(subscription.unit_amount()),
                "currency": account.currency,
                "billing_interval": subscription.interval,
                "interval_count": str(subscription.count) if subscription.count > 1 else "",
            },
        )

    def _bill(self, subscription: Subscription, until: int) -> None:
        """The orders of an active subscription before ``until``."""
        every = catalog.INTERVALS[subscription.interval][0] * subscription.count * MINUTES_A_DAY
        product_id = catalog.PLAN_PRODUCTS[subscription.plan].product_id
        items = [Item(product_id, subscription.quantity, subscription.unit_amount(), 0)]
        while subscription.next_bill < until:
            self.orders.write(
                subscription.account,
                subscription.next_bill,
                items,
                subscription_id=subscription.subscription_id,
            )
            subscription.next_bill += every
