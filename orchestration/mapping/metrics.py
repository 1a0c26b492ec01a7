"""Which metrics can be computed from what landed, and what the others lack."""

from __future__ import annotations

from collections.abc import Collection

from orchestration.core.catalog import Metric, metrics
from orchestration.core.contract import source_tables
from orchestration.core.settings import Settings

# With bookings as revenue a won deal is a sale (macro needs_under_the_settings).
SALES = ("billing.orders", "billing.order_items", "billing.refunds")


def computable(tables: Collection[str], settings: Settings) -> tuple[list[Metric], list[tuple[Metric, list[str]]]]:
    """The metrics that tables and columns of the contract (labels) suffice for, each other one with what it lacks."""
    possible: list[Metric] = []
    lacking: list[tuple[Metric, list[str]]] = []
    for metric in metrics().values():
        missing = [need for need in _needs(metric, settings) if not set(need.split("/")) & set(tables)]
        if missing:
            lacking.append((metric, missing))
        else:
            possible.append(metric)
    return possible, lacking


def told(need: str) -> str:
    """What a metric lacks, in words: the table, and the columns that it cannot do without."""
    required = {table.label: f"{table.label} ({', '.join(table.required_columns)})" for table in source_tables()}
    return " or ".join(required.get(label, label) for label in need.split("/"))


def _needs(metric: Metric, settings: Settings) -> list[str]:
    needs = list(metric.needs)
    if settings.revenue_basis == "bookings":
        needs = ["/".join("crm.deals" if label in SALES else label for label in need.split("/")) for need in needs]
    if settings.cac_costs == "paid_only":
        needs = ["marketing.ad_spend" if need == "marketing.ad_spend/planning.sales_costs" else need for need in needs]
    return list(dict.fromkeys(needs))
