"""The rows of the sample company: a type a table of the source contract, its fields the columns in their usual order.

A value is what stands in the file: money has two decimals, a moment is ISO 8601, what is not known is blank, and a name
that holds a comma or a quote is quoted. Rows are dictionaries because a large sample makes some millions of them:
a row of twelve columns takes 0.4 microseconds to make and write as one, 0.7 as a dataclass.
"""

from __future__ import annotations

from typing import TypedDict


class SalesRep(TypedDict):
    """A seat in the team as known on the day of an export; `left_on` is blank while the rep is there."""

    rep_id: str
    rep_name: str
    email: str
    team: str
    region: str
    hired_on: str
    left_on: str
    updated_at: str


class Account(TypedDict):
    """A company in the CRM; `segment` and `industry` may not be known."""

    account_id: str
    account_name: str
    segment: str
    industry: str
    region: str
    created_at: str
    updated_at: str


class Lead(TypedDict):
    """A lead; `account_id` and `qualified_at` are filled when it is qualified, the referrer where one is known."""

    lead_id: str
    created_at: str
    lead_source: str
    owner_rep_id: str
    account_id: str
    qualified_at: str
    referrer_type: str
    referrer_id: str
    updated_at: str


class Deal(TypedDict):
    """A deal in the stage that an export saw; `closed_at` while it is won or lost, `lost_reason` while it is lost."""

    deal_id: str
    deal_name: str
    account_id: str
    lead_id: str
    owner_rep_id: str
    deal_type: str
    stage: str
    amount: str
    currency: str
    probability: str
    created_at: str
    expected_close_on: str
    closed_at: str
    lost_reason: str
    updated_at: str


class DealStageChange(TypedDict):
    """The moment at which a deal came into a stage."""

    deal_id: str
    stage: str
    changed_at: str


class Activity(TypedDict):
    """What a rep did or has planned, about a lead or a deal or neither; `booked_at` where it was on a calendar."""

    activity_id: str
    activity_type: str
    rep_id: str
    lead_id: str
    deal_id: str
    account_id: str
    occurred_at: str
    booked_at: str
    duration_minutes: str
    direction: str
    status: str
    updated_at: str


class Order(TypedDict):
    """An order; without an account it is a guest's, with a subscription it is one of its bills."""

    order_id: str
    account_id: str
    deal_id: str
    rep_id: str
    subscription_id: str
    ordered_at: str
    status: str
    currency: str
    updated_at: str


class OrderItem(TypedDict):
    """A line of an order, in the order's currency; `discount_amount` is blank where there is none."""

    order_item_id: str
    order_id: str
    product_id: str
    quantity: str
    unit_price: str
    discount_amount: str
    tax_amount: str


class Refund(TypedDict):
    """Money given back, in the order's currency."""

    refund_id: str
    order_id: str
    amount: str
    refunded_at: str


class Product(TypedDict):
    """A line of the price list, with what a piece costs the company."""

    product_id: str
    product_name: str
    category: str
    unit_cost: str
    currency: str


class SubscriptionChange(TypedDict):
    """What a subscription is from a moment on; `quantity` and `interval_count` are blank where they are 1."""

    subscription_change_id: str
    subscription_id: str
    account_id: str
    changed_at: str
    status: str
    plan: str
    quantity: str
    unit_amount: str
    currency: str
    billing_interval: str
    interval_count: str


class AdSpend(TypedDict):
    """A day of a campaign on a paid channel."""

    spend_on: str
    channel: str
    campaign: str
    amount: str
    currency: str
    impressions: str
    clicks: str


class SocialEngagement(TypedDict):
    """A day of a rep's posts on a platform; without a rep, of the company's own page."""

    engaged_on: str
    platform: str
    rep_id: str
    likes: str
    comments: str
    shares: str
    direct_messages: str
    impressions: str


class Inquiry(TypedDict):
    """A question to the help desk, with its first answer and its end as far as an export saw them."""

    inquiry_id: str
    channel: str
    account_id: str
    rep_id: str
    received_at: str
    first_responded_at: str
    resolved_at: str
    updated_at: str


class CsatResponse(TypedDict):
    """A satisfaction score from 1 to 5."""

    response_id: str
    inquiry_id: str
    account_id: str
    rep_id: str
    score: str
    responded_at: str


class SalesTarget(TypedDict):
    """A month's revenue target of the company, a team or a region; `scope_value` is blank for the company."""

    target_month: str
    scope: str
    scope_value: str
    amount: str
    currency: str


class SalesQuota(TypedDict):
    """A month's quota of a rep."""

    quota_month: str
    rep_id: str
    amount: str
    currency: str


class SalesCost(TypedDict):
    """What selling cost in a month, by kind of cost."""

    cost_month: str
    cost_type: str
    amount: str
    currency: str


class FxRate(TypedDict):
    """What one unit of a currency was worth in another on a day."""

    rate_on: str
    from_currency: str
    to_currency: str
    rate: str


# The columns of each table in the order of an ordinary export. The dirt is drawn table by table in this order.
TABLES: dict[str, tuple[str, ...]] = {
    "crm.sales_reps": tuple(SalesRep.__annotations__),
    "crm.accounts": tuple(Account.__annotations__),
    "crm.leads": tuple(Lead.__annotations__),
    "crm.deals": tuple(Deal.__annotations__),
    "crm.deal_stage_changes": tuple(DealStageChange.__annotations__),
    "crm.activities": tuple(Activity.__annotations__),
    "billing.orders": tuple(Order.__annotations__),
    "billing.order_items": tuple(OrderItem.__annotations__),
    "billing.refunds": tuple(Refund.__annotations__),
    "billing.products": tuple(Product.__annotations__),
    "billing.subscription_changes": tuple(SubscriptionChange.__annotations__),
    "marketing.ad_spend": tuple(AdSpend.__annotations__),
    "marketing.social_engagements": tuple(SocialEngagement.__annotations__),
    "support.inquiries": tuple(Inquiry.__annotations__),
    "support.csat_responses": tuple(CsatResponse.__annotations__),
    "planning.sales_targets": tuple(SalesTarget.__annotations__),
    "planning.sales_quotas": tuple(SalesQuota.__annotations__),
    "planning.sales_costs": tuple(SalesCost.__annotations__),
    "planning.fx_rates": tuple(FxRate.__annotations__),
}
