"""Which rows of the facts belong to a month, and which landed rows stand behind a row of a fact.

A month freezes the rows of every fact that its figures are made of. When a figure later comes out differently, the rows
that changed are found by comparing them, and traced to the landed rows by the keys given here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# In conditions: the first and last day of the month as $first and $last, the periods that end with it as $periods (a
# list of grains and first days), the first day of the longest of them as $longest_first, cac_lag_days as $lag.
IN_PERIODS = "list_contains($periods, period_grain || ' ' || period_start)"


@dataclass(frozen=True)
class Link:
    """Landed rows that a fact's row depends on: those of `table` whose `columns` equal the fact's `values`.

    `dated`: only rows up to the month's end count, by this column; for links by account, rep, deal or lead, where
    later rows of the same member would say nothing of this month.
    """

    table: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    dated: str | None = None


@dataclass(frozen=True)
class Fact:
    """A fact as a month freezes it: the condition of its rows, and how a changed row is traced.

    key: columns that identify a row. ignored: columns that change in the normal course of things and do not matter for
    this month. traced: what of the frozen rows is compared, where not all is. cuts: cuts of the marts and the columns
    they come from, beside those of `CUT_COLUMNS`.
    """

    name: str
    rows: str
    key: tuple[str, ...]
    links: tuple[Link, ...] = ()
    ignored: tuple[str, ...] = ()
    traced: str = "true"
    cuts: tuple[tuple[str, str], ...] = ()


def _dated(column: str) -> str:
    return f"{column} between $first and $last"


def _by(table: str, column: str, value: str | None = None, dated: str | None = None) -> Link:
    return Link(table, (column,), (value or column,), dated)


# The columns that cuts of the marts come from, in every fact that has them.
CUT_COLUMNS = {
    "sales_rep": "sales_rep_id", "team": "team", "region": "region", "segment": "segment",
    "lead_source": "lead_source", "product_category": "product_category", "plan": "plan", "deal_type": "deal_type",
    "stage": "stage", "activity_type": "activity_type", "channel": "channel", "platform": "platform",
    "referrer_type": "referrer_type", "lost_reason": "lost_reason",
}  # fmt: skip

# Any rate up to the month's end may have changed any amount.
RATES = Link("planning.fx_rates", (), (), "rate_on")
ACCOUNT = (_by("crm.accounts", "account_id"), _by("crm.leads", "account_id", dated="created_at"))
REP = (_by("crm.sales_reps", "rep_id", "sales_rep_id"),)
SALE = (
    RATES,
    _by("billing.orders", "order_id", "sale_id"),
    _by("billing.order_items", "order_id", "sale_id"),
    _by("crm.deals", "deal_id", "sale_id"),
    # an order without a rep is credited to the owner of its deal
    _by(
        "crm.deals",
        "deal_id",
        "(select any_value(deal_id) from build.staging.stg_billing__orders as orders where orders.order_id = sale_id)",
    ),
)
BUYER = (
    _by("billing.orders", "account_id", dated="ordered_at"),
    _by("crm.deals", "account_id", dated="created_at"),
    _by("billing.subscription_changes", "account_id", dated="changed_at"),
)
DEAL = (
    RATES,
    _by("crm.deals", "deal_id"),
    _by("crm.deal_stage_changes", "deal_id", dated="changed_at"),
)
SUBSCRIBER = (
    RATES,
    _by("billing.subscription_changes", "account_id", "subscriber_id", dated="changed_at"),
)
SUBSCRIPTION = (
    RATES,
    _by("billing.subscription_changes", "subscription_id", dated="changed_at"),
)

FACTS = (
    Fact("fct_sales", _dated("sold_on"), ("sale_id",), (*SALE, *ACCOUNT, *REP), ("account_sale_number",)),
    Fact(
        "fct_revenue_lines",
        _dated("revenue_on"),
        ("revenue_line_id",),
        (
            *SALE,
            _by("billing.refunds", "order_id", "sale_id"),
            _by("billing.products", "product_id"),
            *ACCOUNT,
            *REP,
        ),
    ),
    Fact(
        "fct_margin_lines",
        _dated("revenue_on"),
        ("revenue_line_id",),
        (RATES, _by("billing.products", "product_id"), *ACCOUNT, *REP),
    ),
    Fact(
        "fct_deals",
        f"{_dated('closed_on')} or {_dated('created_on')}",
        ("deal_id",),
        (
            *DEAL,
            _by("crm.leads", "lead_id"),
            _by("crm.activities", "deal_id", dated="occurred_at"),
            _by("crm.activities", "lead_id", dated="occurred_at"),
            *ACCOUNT,
            _by("crm.sales_reps", "rep_id", "owner_rep_id"),
        ),
        traced=_dated("closed_on"),
    ),
    Fact("fct_deal_stage_changes", _dated("changed_on"), ("deal_id", "stage", "changed_at"), DEAL),
    Fact(
        "fct_deal_open_intervals",
        "open_from <= $last and open_to > $last",
        ("deal_id", "open_from"),
        (*DEAL, *REP),
        ("open_to",),
    ),
    Fact(
        "fct_mrr_movements",
        IN_PERIODS,
        ("movement_scope", "period_grain", "period_start", "subscriber_id", "plan"),
        (*SUBSCRIBER, *ACCOUNT),
        traced="period_grain = 'month' and period_start = $first",
    ),
    Fact(
        "fct_mrr_intervals",
        "valid_from <= $last and valid_to >= $first",
        ("subscription_id", "valid_from"),
        (*SUBSCRIPTION, *ACCOUNT),
        ("valid_to",),
    ),
    Fact("fct_subscription_changes", _dated("changed_on"), ("subscription_change_id",), (*SUBSCRIPTION, *ACCOUNT)),
    Fact("fct_customers", _dated("became_customer_on"), ("account_id",), (*BUYER, *ACCOUNT, *REP)),
    Fact(
        "fct_customer_periods",
        IN_PERIODS,
        ("period_grain", "period_start", "account_id"),
        (*BUYER, *ACCOUNT),
        traced="period_grain = 'month' and period_start = $first",
    ),
    Fact(
        "fct_customer_active_intervals",
        "active_from <= $last and active_to >= $first",
        ("account_id", "interval_number"),
        BUYER,
        ("active_to",),
    ),
    Fact(
        "fct_customer_values",
        IN_PERIODS,
        ("period_grain", "period_start", "region", "segment", "lead_source"),
        traced="false",
    ),
    Fact("fct_product_first_sales", _dated("sold_on"), ("account_id", "product_id"), SALE),
    Fact(
        "fct_leads",
        _dated("created_on"),
        ("lead_id",),
        (
            _by("crm.leads", "lead_id"),
            _by("billing.orders", "order_id", "converting_sale_id"),
            _by("crm.deals", "deal_id", "converting_sale_id"),
            *REP,
        ),
    ),
    Fact(
        "fct_lead_responses",
        _dated("created_on"),
        ("lead_id",),
        (_by("crm.leads", "lead_id"), _by("crm.activities", "lead_id", dated="occurred_at"), *REP),
    ),
    Fact(
        "fct_activities",
        f"{_dated('occurred_on')} or {_dated('booked_on')}",
        ("activity_id",),
        (
            _by("crm.activities", "activity_id"),
            _by("crm.activities", "lead_id", dated="occurred_at"),
            _by("crm.activities", "deal_id", dated="occurred_at"),
            *REP,
        ),
    ),
    Fact(
        "fct_inquiries",
        _dated("received_on"),
        ("inquiry_id",),
        (_by("support.inquiries", "inquiry_id"), _by("crm.accounts", "account_id"), *REP),
    ),
    Fact(
        "fct_csat_responses",
        _dated("responded_on"),
        ("response_id",),
        (_by("support.csat_responses", "response_id"), _by("crm.accounts", "account_id"), *REP),
    ),
    Fact(
        "fct_ad_spend",
        _dated("spend_on + cast($lag as integer)"),
        ("spend_on", "channel", "campaign"),
        (Link("marketing.ad_spend", *2 * (("spend_on", "channel", "campaign"),)), RATES),
        cuts=(("lead_source", "channel"),),
    ),
    Fact(
        "fct_sales_cost_days",
        _dated("cost_on + cast($lag as integer)"),
        ("cost_on", "cost_type"),
        (
            Link(
                "planning.sales_costs", ("cost_month", "cost_type"), ("date_trunc('month', cost_on)::date", "cost_type")
            ),
        ),
    ),
    Fact(
        "fct_sales_costs",
        "cost_month between date_trunc('month', $first - cast($lag as integer)) and $last",
        ("cost_month", "cost_type"),
        (Link("planning.sales_costs", *2 * (("cost_month", "cost_type"),)),),
    ),
    Fact(
        "fct_social_engagements",
        _dated("engaged_on"),
        ("engaged_on", "platform", "rep_id"),
        (
            Link(
                "marketing.social_engagements",
                *2 * (("engaged_on", "platform", "coalesce(rep_id, '')"),),
            ),
            *REP,
        ),
    ),
    Fact(
        "fct_sales_targets",
        "target_month between $longest_first and $last",
        ("target_month", "scope", "scope_value"),
        (
            Link(
                "planning.sales_targets",
                (
                    "target_month",
                    "scope",
                    "case when scope = 'company' then 'all' else coalesce(scope_value, 'unknown') end",
                ),
                ("target_month", "scope", "scope_value"),
            ),
        ),
        traced="target_month = $first",
    ),
    Fact(
        "fct_sales_quotas",
        "quota_month between $longest_first and $last",
        ("quota_month", "rep_id"),
        (Link("planning.sales_quotas", *2 * (("quota_month", "rep_id"),)), *REP),
        traced="quota_month = $first",
    ),
)
BY_NAME = {fact.name: fact for fact in FACTS}
# Frozen whole: the members that the facts' keys name, without the accounts (their attributes are in the facts).
DIMENSIONS = ("dim_sales_reps", "dim_products")

# Facts that are made of others: what stands behind them.
ALSO_MADE_OF = {
    "fct_customer_values": ("fct_revenue_lines", "fct_customers", "fct_customer_periods"),
    "fct_sales_quotas": ("fct_deals",),
    "fct_sales_cost_days": ("fct_sales_costs",),
}


@dataclass(frozen=True)
class Trace:
    """A comparison of a fact's frozen rows with today's: of those that meet `rows`."""

    name: str
    fact: Fact
    rows: str


CREATED_DEALS = Trace("fct_deals by creation", BY_NAME["fct_deals"], _dated("created_on"))
TRACES = (*(Trace(fact.name, fact, fact.traced) for fact in FACTS), CREATED_DEALS)


def traces_of(metric_id: str, facts: Iterable[str]) -> set[str]:
    """Names of the traces that can explain a metric, given the facts that its mart is made of."""
    names = set(facts)
    names |= {more for name in names for more in ALSO_MADE_OF.get(name, ())}
    if metric_id == "sales_opportunities" and "fct_deals" in names:
        names = names - {"fct_deals"} | {CREATED_DEALS.name}
    return names & {trace.name for trace in TRACES}


# The column that dates a landed row, where it has one of its own.
DATED_BY = {
    "crm.leads": "created_at", "crm.deals": "coalesce(closed_at, created_at)", "crm.deal_stage_changes": "changed_at",
    "crm.activities": "occurred_at", "billing.orders": "ordered_at", "billing.refunds": "refunded_at",
    "billing.subscription_changes": "changed_at", "marketing.ad_spend": "spend_on",
    "marketing.social_engagements": "engaged_on", "support.inquiries": "received_at",
    "support.csat_responses": "responded_at", "planning.sales_targets": "target_month",
    "planning.sales_quotas": "quota_month", "planning.sales_costs": "cost_month", "planning.fx_rates": "rate_on",
}  # fmt: skip
# Tables of members: a change there is one of attributes, whenever it was.
MEMBERS = ("crm.accounts", "crm.sales_reps", "billing.products")
