"""The source contract: tables, their keys, and what their columns may hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

GREATEST_AMOUNT, GREATEST_QUANTITY, GREATEST_LINE = Decimal(10) ** 13, Decimal(10) ** 9, Decimal(10) ** 14

Kind = Literal["text", "enum", "decimal", "whole", "date", "month", "timestamp", "currency"]
Values = dict[str, Any]
"""What a row says, by column: text, Decimal, date or Moment; None for a blank."""


@dataclass(frozen=True)
class Column:
    name: str
    kind: Kind = "text"
    is_starred: bool = False
    """Every file must have the column."""
    is_required: bool = False
    """And every row a value in it."""
    allowed: tuple[str, ...] = ()
    in_range: Callable[[Decimal], bool] = lambda _: True
    at_most: str = ""
    """The column whose number, in range or not, it may not exceed."""


@dataclass(frozen=True)
class Table:
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def starred(self) -> set[str]:
        return {column.name for column in self.columns if column.is_starred}


def _positive(value: Decimal) -> bool:
    return value > 0


def _between(least: Decimal, most: Decimal) -> Callable[[Decimal], bool]:
    return lambda value: least <= value <= most


def _columns(spec: str, **kinds: Column) -> tuple[Column, ...]:
    """Columns by name, `*` for required ones, `+` for those that only files must have; `kinds` have a type or a range.

    Every table may say when a row was written and when it was deleted.
    """
    result = []
    for word in [*spec.split(), "updated_at", "deleted_at"]:
        name = word.rstrip("*+")
        known = _TIME if name in ("updated_at", "deleted_at") else kinds.get(name, Column(name))
        result.append(replace(known, name=name, is_starred=word != name, is_required=word.endswith("*")))
    return tuple(result)


def _is(kind: Kind, in_range: Callable[[Decimal], bool] = lambda _: True) -> Column:
    return Column("", kind, in_range=in_range)


def _one_of(values: str) -> Column:
    return Column("", "enum", allowed=tuple(values.split()))


_TIME = _is("timestamp")
_DAY = _is("date")
_MONTH = _is("month")
_NUMBER = _is("decimal")
_CURRENCY = _is("currency")
_MONEY = _is("decimal", _between(-GREATEST_AMOUNT, GREATEST_AMOUNT))
_AMOUNT = _is("decimal", _between(Decimal(0), GREATEST_AMOUNT))
_MINUTES = _is("decimal", lambda value: value >= 0)
_SOLD = _is("decimal", lambda value: 0 < value <= GREATEST_QUANTITY)
_MONTHS = _is("whole", _between(Decimal(1), Decimal(120)))
_SEATS = _is("decimal", _between(-GREATEST_QUANTITY, GREATEST_QUANTITY))

TABLES: dict[str, Table] = {
    "crm.sales_reps": Table(
        ("rep_id",),
        _columns("rep_id* rep_name* email team region hired_on left_on", hired_on=_DAY, left_on=_DAY),
    ),
    "crm.accounts": Table(
        ("account_id",),
        _columns("account_id* account_name* segment industry region owner_rep_id created_at*", created_at=_TIME),
    ),
    "crm.leads": Table(
        ("lead_id",),
        _columns(
            "lead_id* created_at* lead_source owner_rep_id account_id qualified_at referrer_type referrer_id",
            created_at=_TIME, qualified_at=_TIME, referrer_type=_one_of("customer partner"),
        ),
    ),
    "crm.deals": Table(
        ("deal_id",),
        _columns(
            "deal_id* deal_name account_id lead_id owner_rep_id deal_type* stage* amount+ currency probability"
            " created_at* expected_close_on closed_at lost_reason",
            deal_type=_one_of("new_business upsell cross_sell renewal"), amount=_AMOUNT, currency=_CURRENCY,
            probability=_is("decimal", lambda value: 0 <= value <= 1), created_at=_TIME, expected_close_on=_DAY,
            closed_at=_TIME,
        ),
    ),
    "crm.deal_stage_changes": Table(
        ("deal_id", "stage", "changed_at"), _columns("deal_id* stage* changed_at*", changed_at=_TIME)
    ),
    "crm.activities": Table(
        ("activity_id",),
        _columns(
            "activity_id* activity_type* rep_id* lead_id deal_id account_id occurred_at* booked_at duration_minutes"
            " direction status*",
            activity_type=_one_of("call email meeting demo presentation proposal networking_event admin other"),
            occurred_at=_TIME, booked_at=_TIME, duration_minutes=_MINUTES, direction=_one_of("outbound inbound"),
            status=_one_of("completed scheduled canceled no_show"),
        ),
    ),
    "billing.orders": Table(
        ("order_id",),
        _columns(
            "order_id* account_id deal_id rep_id subscription_id ordered_at* status* currency",
            ordered_at=_TIME, status=_one_of("pending paid refunded canceled"), currency=_CURRENCY,
        ),
    ),
    "billing.order_items": Table(
        ("order_item_id",),
        _columns(
            "order_item_id* order_id* product_id* quantity* unit_price* discount_amount tax_amount",
            quantity=_SOLD, unit_price=_AMOUNT, discount_amount=_AMOUNT, tax_amount=_MONEY,
        ),
    ),
    "billing.refunds": Table(
        ("refund_id",),
        _columns(
            "refund_id* order_id* amount* tax_amount refunded_at*",
            amount=_is("decimal", lambda value: 0 < value <= GREATEST_AMOUNT),
            tax_amount=replace(_AMOUNT, at_most="amount"), refunded_at=_TIME,
        ),
    ),
    "billing.products": Table(
        ("product_id",),
        _columns("product_id* product_name* category unit_cost currency", unit_cost=_MONEY, currency=_CURRENCY),
    ),
    "billing.subscription_changes": Table(
        ("subscription_change_id",),
        _columns(
            "subscription_change_id* subscription_id* account_id* changed_at* status* plan quantity unit_amount"
            " currency billing_interval interval_count",
            changed_at=_TIME, status=_one_of("trialing active paused canceled"), quantity=_SEATS,
            unit_amount=_MONEY, currency=_CURRENCY, billing_interval=_one_of("day week month quarter year"),
            interval_count=_is("whole", _positive),
        ),
    ),
    "marketing.ad_spend": Table(
        ("spend_on", "channel", "campaign"),
        _columns(
            "spend_on* channel* campaign* amount* currency impressions clicks",
            spend_on=_DAY, amount=_AMOUNT, currency=_CURRENCY, impressions=_NUMBER, clicks=_NUMBER,
        ),
    ),
    "marketing.social_engagements": Table(
        ("engaged_on", "platform", "rep_id"),
        _columns(
            "engaged_on* platform* rep_id likes comments shares direct_messages impressions",
            engaged_on=_DAY, likes=_NUMBER, comments=_NUMBER, shares=_NUMBER, direct_messages=_NUMBER,
            impressions=_NUMBER,
        ),
    ),
    "support.inquiries": Table(
        ("inquiry_id",),
        _columns(
            "inquiry_id* channel* account_id rep_id received_at* first_responded_at resolved_at",
            channel=_one_of("phone email chat other"), received_at=_TIME, first_responded_at=_TIME,
            resolved_at=_TIME,
        ),
    ),
    "support.csat_responses": Table(
        ("response_id",),
        _columns(
            "response_id* inquiry_id account_id rep_id score responded_at+",
            score=_is("whole", lambda value: 1 <= value <= 5), responded_at=_TIME,
        ),
    ),
    "planning.sales_targets": Table(
        ("target_month", "scope", "scope_value"),
        _columns(
            "target_month* scope* scope_value amount* currency months", months=_MONTHS,
            target_month=_MONTH, scope=_one_of("company team region"), amount=_MONEY, currency=_CURRENCY,
        ),
    ),
    "planning.sales_quotas": Table(
        ("quota_month", "rep_id"),
        _columns(
            "quota_month* rep_id* amount* currency months",
            quota_month=_MONTH, amount=_AMOUNT, currency=_CURRENCY, months=_MONTHS,
        ),
    ),
    "planning.sales_costs": Table(
        ("cost_month", "cost_type"),
        _columns("cost_month* cost_type* amount* currency", cost_month=_MONTH, amount=_AMOUNT, currency=_CURRENCY),
    ),
    "planning.fx_rates": Table(
        ("rate_on", "from_currency", "to_currency"),
        _columns(
            "rate_on* from_currency* to_currency* rate*",
            rate_on=_DAY, from_currency=_CURRENCY, to_currency=_CURRENCY,
            rate=_is("decimal", lambda value: 0 < value < 10**6),
        ),
    ),
}  # fmt: skip
