"""The settings that decide what a figure is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """The vars of dbt_project.yml that decide what a figure is, with its defaults."""

    as_of: date
    business_timezone: str = "UTC"
    naive_timestamps_in: str = "UTC"
    reporting_currency: str = "USD"
    fiscal_year_start_month: int = 1
    full_extract_tables: str = ""
    fx_rate_max_age_days: int = 45
    fx_inference: Literal["direct_only", "inverse", "cross"] = "direct_only"
    attributes_as_of: Literal["current", "event"] = "current"
    revenue_basis: Literal["billing", "bookings"] = "billing"
    customer_active_days: int = 365
    win_rate_basis: Literal["count", "amount"] = "count"
    sales_cycle_start: Literal["first_contact", "deal_created"] = "first_contact"
    lead_conversion_basis: Literal["cohort", "period"] = "cohort"
    velocity_days: int = 90
    cac_costs: Literal["fully_loaded", "paid_only"] = "fully_loaded"
    cac_lag_days: int = 0
    churn_formula: Literal["active_customers", "chartmogul", "stripe"] = "active_customers"
    renewal_gap_days: int = 1
    response_time_clock: Literal["around_the_clock", "business_hours"] = "around_the_clock"
    paused_subscriptions: Literal["excluded", "included"] = "excluded"
