"""The tables of the source contract, and how the sample company's systems export each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from orchestration.sample.clock import Clock

# the columns of each table in the order of an ordinary export
_COLUMNS = {
    "crm.sales_reps": "rep_id rep_name email team region hired_on left_on updated_at",
    "crm.accounts": "account_id account_name segment industry region created_at updated_at",
    "crm.leads": """
        lead_id created_at lead_source owner_rep_id account_id qualified_at referrer_type referrer_id
        updated_at""",
    "crm.deals": """
        deal_id deal_name account_id lead_id owner_rep_id deal_type stage amount currency probability
        created_at expected_close_on closed_at lost_reason updated_at""",
    "crm.deal_stage_changes": "deal_id stage changed_at",
    "crm.activities": """
        activity_id activity_type rep_id lead_id deal_id account_id occurred_at booked_at duration_minutes
        direction status updated_at""",
    "billing.orders": """
        order_id account_id deal_id rep_id subscription_id ordered_at status currency updated_at""",
    "billing.order_items": "order_item_id order_id product_id quantity unit_price discount_amount tax_amount",
    "billing.refunds": "refund_id order_id amount refunded_at",
    "billing.products": "product_id product_name category unit_cost currency",
    "billing.subscription_changes": """
        subscription_change_id subscription_id account_id changed_at status plan quantity unit_amount
        currency billing_interval interval_count""",
    "marketing.ad_spend": "spend_on channel campaign amount currency impressions clicks",
    "marketing.social_engagements": """
        engaged_on platform rep_id likes comments shares direct_messages impressions""",
    "support.inquiries": """
        inquiry_id channel account_id rep_id received_at first_responded_at resolved_at updated_at""",
    "support.csat_responses": "response_id inquiry_id account_id rep_id score responded_at",
    "planning.sales_targets": "target_month scope scope_value amount currency",
    "planning.sales_quotas": "quota_month rep_id amount currency",
    "planning.sales_costs": "cost_month cost_type amount currency",
    "planning.fx_rates": "rate_on from_currency to_currency rate",
}
TABLES = {table: tuple(columns.split()) for table, columns in _COLUMNS.items()}

# tables delivered as Parquet, with the types of the columns that are not text
PARQUET_TYPES = {
    "support.inquiries": {
        "received_at": "TIMESTAMP",
        "first_responded_at": "TIMESTAMP",
        "resolved_at": "TIMESTAMP",
        "updated_at": "TIMESTAMP",
    },
    "support.csat_responses": {"score": "INTEGER"},
    "planning.fx_rates": {"rate_on": "DATE", "rate": "DECIMAL(18, 6)"},
}

# a year in one file, then a file per quarter; every other table has a file per year
_QUARTERLY = frozenset(
    ("crm.leads", "crm.deals", "crm.activities", "billing.orders", "billing.order_items", "billing.refunds")
)
# these are small and always exported whole, in one file
_ONE_FILE = frozenset(("billing.products", "planning.sales_costs", "planning.sales_targets"))

# the files (counted from 0) whose columns differ from the usual ones
_REORDERED = frozenset((("billing.orders", 3), ("billing.refunds", 1), ("crm.accounts", 2), ("crm.leads", 4)))
_EXTRA_COLUMNS = {
    ("crm.accounts", 1): ("fax", "legacy_code"),
    ("billing.subscription_changes", 2): ("coupon",),
}

BYTE_ORDER_MARK = frozenset(("crm.sales_reps", "marketing.social_engagements"))
WINDOWS_LINES = frozenset(("marketing.ad_spend",))
DELIVERED_TWICE = {"crm.accounts": 0, "billing.subscription_changes": 1}


@dataclass(frozen=True)
class Export:
    """One landing file of a table: its name without the ending, and its columns in their order."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """The files of one table.

    ``cuts`` are the last day numbers of the files, ascending; ``file_of[day]`` is the file, counted from 0,
    that carries what happened on that day number.
    """

    exports: tuple[Export, ...]
    cuts: list[int]
    file_of: list[int]


def _cut_days(table: str, clock: Clock) -> list[int]:
    """The last day number of each export of ``table``, ascending."""
    if table in _ONE_FILE:
        return [clock.last]
    if table in _QUARTERLY:
        return [*range(clock.last - 730, clock.last - 80, 91), clock.last]
    return [clock.last - 730, clock.last - 365, clock.last]


def _columns(table: str, file: int) -> tuple[str, ...]:
    """The columns of the table's file, in the order of that file."""
    usual = TABLES[table]
    if (table, file) in _REORDERED:
        return tuple(reversed(usual))
    return usual + _EXTRA_COLUMNS.get((table, file), ())


def schedule(table: str, clock: Clock) -> Schedule:
    """When ``table`` is exported, and in which shape."""
    cuts = _cut_days(table, clock)
    names = [(clock.start + timedelta(days=cut - clock.first)).isoformat() for cut in cuts]
    exports = tuple(Export(name, _columns(table, file)) for file, name in enumerate(names))
    file_of: list[int] = []
    file = 0
    for day in range(len(clock.days)):
        while day > cuts[file] and file < len(cuts) - 1:
            file += 1
        file_of.append(file)
    return Schedule(exports, cuts, file_of)


def schedules(clock: Clock) -> dict[str, Schedule]:
    """The schedule of every table of the contract."""
    return {table: schedule(table, clock) for table in TABLES}
