"""The sample company's subscriptions as Stripe has them: versions, items as they were copied, prices and discounts.

Stripe has no quarters but three months, and a subscription that ended does not come back: one that does was unpaid in
between. Every so many subscriptions run at twice the price with half of it off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orchestration.sample.catalog import PLAN_PRODUCTS
from orchestration.sample.systems.stripe_values import Row, Rows, instant, minor, moment_of, some, stripe_id

DISCOUNTED_EVERY = 12
OVERDUE_EVERY = 10
DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


@dataclass(frozen=True)
class State:
    """What a subscription is from a moment on. `amount` is the price of a unit in minor units, before a discount."""

    moment: datetime
    changed_at: str
    status: str
    plan: str
    quantity: int
    amount: int
    currency: str
    interval: str
    count: int

    @property
    def price_id(self) -> str:
        return f"price_{self.plan}_{self.count}{self.interval}_{self.amount}{self.currency}"


@dataclass
class Subscription:
    """One subscription of Stripe's, from its beginning to its end."""

    subscription_id: str
    customer_id: str
    is_discounted: bool
    is_overdue: bool
    states: list[State] = field(default_factory=list)

    def state_at(self, moment: datetime) -> State:
        """The state that holds at a moment; before the first one that."""
        return [self.states[0], *(state for state in self.states if state.moment <= moment)][-1]


@dataclass(frozen=True)
class Bill:
    """A subscription's line of a bill; `amount` in minor units, `minutes` the length of the period."""

    subscription_id: str
    price_id: str
    amount: int
    minutes: int


class Subscriptions:
    """The subscriptions that the contract's changes tell of, by the contract's id."""

    def __init__(self, changes: Rows) -> None:
        self._changes = changes
        self._by_id: dict[str, Subscription] = {}
        for change in sorted(changes, key=lambda row: (row["subscription_id"], moment_of(row["changed_at"]))):
            life = self._by_id.get(change["subscription_id"])
            if life is None:
                number = len(self._by_id) + 1
                life = self._by_id[change["subscription_id"]] = Subscription(
                    stripe_id("billing.subscription_changes", change["subscription_id"]),
                    stripe_id("crm.accounts", change["account_id"]),
                    is_discounted=number % DISCOUNTED_EVERY == 0,
                    is_overdue=number % OVERDUE_EVERY == 0,
                )
            life.states.append(_state(change, life.is_discounted))

    def id_of(self, subscription_id: str) -> str:
        """Stripe's id of a subscription; '' for ''."""
        return self._by_id[subscription_id].subscription_id if subscription_id else ""

    def bill(self, order: Mapping[str, str], quantity: int, net: int) -> Bill | None:
        """The line that bills a subscription, for so many units and so much net in minor units.

        None for an order that is none of its bills, or that bills something else than what it is of at that moment.
        """
        if not order["subscription_id"]:
            return None
        subscription = self._by_id[order["subscription_id"]]
        state = subscription.state_at(moment_of(order["ordered_at"]))
        amount = state.amount * state.quantity
        if state.quantity != quantity or amount != net * (2 if subscription.is_discounted else 1):
            return None
        return Bill(subscription.subscription_id, state.price_id, amount, DAYS[state.interval] * state.count * 24 * 60)

    def prices(self) -> list[Row]:
        """The recurring prices."""
        states = {state.price_id: state for life in self._by_id.values() for state in life.states}
        return [
            {
                "id": price_id,
                "product_id": stripe_id("billing.products", PLAN_PRODUCTS[state.plan].product_id),
                "nickname": state.plan,
                "currency": state.currency,
                "unit_amount": str(state.amount),
                "recurring_interval": state.interval,
                "recurring_interval_count": str(state.count),
                "recurring_usage_type": "licensed",
                "type": "recurring",
                "billing_scheme": "per_unit",
                "livemode": "true",
            }
            for price_id, state in sorted(states.items())
        ]

    def objects(self) -> dict[str, list[Row]]:
        """The rows of subscription_history, subscription_item, subscription_discount and coupon."""
        lives = list(self._by_id.values())
        discounted = [life for life in lives if life.is_discounted]
        return {
            "subscription_history": [row for life in lives for row in _versions(life)] + self._extras(),
            "subscription_item": [row for life in lives for row in _items(life)],
            "subscription_discount": [
                {"id": f"di_{life.subscription_id}", "subscription_id": life.subscription_id, "coupon_id": "half_off",
                 "start": instant(life.states[0].changed_at), "end": ""}
                for life in discounted
            ],
            "coupon": [{"id": "half_off", "percent_off": "50", "duration": "forever"}],
        }  # fmt: skip

    def _extras(self) -> list[Row]:
        """Test data, and subscriptions that were never paid."""
        rows: list[Row] = []
        for number, change in some(self._changes):
            customer_id = stripe_id("crm.accounts", change["account_id"])
            start = instant(change["changed_at"])
            own = {"customer_id": customer_id, "start_date": start, "created": start, "_fivetran_start": start}
            rows += [
                {**own, "id": f"sub_test{number}", "status": "active", "livemode": "false"},
                {**own, "id": f"sub_expired{number}", "status": "incomplete_expired", "livemode": "true"},
            ]
        return rows


def _state(change: Mapping[str, str], is_discounted: bool) -> State:
    interval, count = change["billing_interval"] or "month", int(change["interval_count"] or 1)
    if interval == "quarter":
        interval, count = "month", 3 * count
    return State(
        moment_of(change["changed_at"]),
        change["changed_at"],
        change["status"],
        change["plan"],
        int(change["quantity"] or 1),
        minor(change["unit_amount"], change["currency"]) * (2 if is_discounted else 1),
        change["currency"].lower(),
        interval,
        count,
    )


def _versions(life: Subscription) -> list[Row]:
    """A version for each state, written when it began; the end a while after it."""
    first = life.states[0]
    trial_end = next((state.changed_at for state in life.states[1:] if first.status == "trialing"), "")
    own = {
        "id": life.subscription_id,
        "customer_id": life.customer_id,
        "start_date": instant(first.changed_at),
        "created": instant(first.changed_at),
        "trial_start": instant(first.changed_at) if first.status == "trialing" else "",
        "trial_end": instant(trial_end),
        "livemode": "true",
    }
    rows: list[Row] = []
    for state in life.states:
        is_over = state.status == "canceled" and state is life.states[-1]
        rows.append(
            {
                **own,
                "status": "unpaid" if state.status == "canceled" and not is_over else state.status,
                "canceled_at": instant(state.changed_at, minutes=-600) if is_over else "",
                "ended_at": instant(state.changed_at) if is_over else "",
                "_fivetran_start": instant(state.changed_at, minutes=45 if is_over else 0),
            }
        )
    if life.is_overdue and life.states[-1].status == "active":
        # overdue since, and still paying
        rows.append(
            {**rows[-1], "status": "past_due", "_fivetran_start": instant(life.states[-1].changed_at, minutes=1)}
        )
    if first.status == "active":
        rows[0]["_fivetran_start"] = instant(first.changed_at, minutes=2)
        rows.append({**own, "status": "incomplete", "_fivetran_start": instant(first.changed_at)})
    newest = max(row["_fivetran_start"] for row in rows)
    for row in rows:
        row["_fivetran_active"] = "true" if row["_fivetran_start"] == newest else "false"
    return rows


def _items(life: Subscription) -> list[Row]:
    """The item of a subscription as it was copied whenever it had changed."""
    rows: list[Row] = []
    previous: tuple[str, int] | None = None
    for state in life.states:
        if (state.price_id, state.quantity) != previous:
            rows.append(
                {
                    "id": life.subscription_id.replace("sub_", "si_"),
                    "subscription_id": life.subscription_id,
                    "price_id": state.price_id,
                    "quantity": str(state.quantity),
                    "created": instant(life.states[0].changed_at),
                    "_fivetran_synced": instant(state.changed_at),
                }
            )
        previous = (state.price_id, state.quantity)
    return rows
