"""The boards: which figures each shows, over which marts, under which titles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboards.customers import customers
from dashboards.marts import ALL, COMPANY_PERIODS
from dashboards.painter import Page, Painter
from dashboards.pipeline import pipeline
from dashboards.team import team
from orchestration.core.catalog import headlines
from orchestration.text.catalogue import N_

TILES = headlines()[:6]


@dataclass(frozen=True)
class Board:
    """A board: its file's name, its title and what it answers (messages), and how its page is made."""

    slug: str
    title: str
    answers: str
    page: Callable[[Painter], Page]


def scorecard(painter: Painter) -> Page:
    """Every metric of the catalogue in one table."""
    scores, entities = painter.scores(ALL, COMPANY_PERIODS, 1)
    return Page(filters=("grain", "period"), scores=scores, entities=entities, tiles=TILES)


def metric_board(*groups: tuple[str, Sequence[str]]) -> Callable[[Painter], Page]:
    """A board with a figure for each metric, under headings (messages)."""

    def page(painter: Painter) -> Page:
        titled = {painter.gettext(title): metrics for title, metrics in groups}
        sections, members = painter.metric_sections(titled)
        return Page(filters=("grain", "by"), sections=sections, members=members)

    return page


BOARDS: tuple[Board, ...] = (
    Board(
        "scorecard", N_("Scorecard"),
        N_("Every metric: against the period before, the year before and the target."),
        scorecard,
    ),
    Board(
        "performance", N_("Performance"),
        N_("What the business sells, to whom, and how well."),
        metric_board(
            (N_("Sales"), (
                "revenue", "sales_growth", "sales_target_attainment", "average_order_value", "average_revenue")),
            (N_("Deals and leads"), (
                "win_rate", "sales_cycle_length", "sales_opportunities", "funnel_leakage", "lead_conversion_rate",
                "lead_source_conversion_rate", "quota_attainment")),
            (N_("Customers"), (
                "new_customers", "customer_acquisition_cost", "customer_lifetime_value", "customer_retention_rate",
                "customer_churn_rate", "csat", "mrr")),
        ),
    ),
    Board(
        "activity", N_("Activity"),
        N_("What the team does, and how fast."),
        metric_board(
            (N_("What is done"), (
                "calls_and_emails", "meetings_scheduled", "follow_ups", "sales_activity_hours", "proposals_sent",
                "product_demos", "networking_events", "social_media_engagement", "referrals")),
            (N_("How fast and to what effect"), (
                "lead_response_time", "inquiry_response_time", "activity_ratio", "upsell_cross_sell_rate")),
        ),
    ),
    Board(
        "productivity", N_("Productivity"),
        N_("What comes out of each rep, deal and hour."),
        metric_board(
            (N_("Per rep and deal"), (
                "revenue_per_rep", "average_deal_size", "pipeline_value", "sales_pipeline")),
            (N_("What a manager asks next"), (
                "revenue_per_selling_hour", "sales_efficiency", "gross_margin", "refund_rate", "sales_velocity",
                "cac_payback_months")),
        ),
    ),
    Board(
        "pipeline", N_("Pipeline"),
        N_("Open deals: stages, leakage, age and forecast."),
        pipeline,
    ),
    Board(
        "customers", N_("Customers"),
        N_("Won, kept and lost; worth against cost."),
        customers,
    ),
    Board(
        "team", N_("Team"),
        N_("The leaderboard, quota, activity against results, and one rep's page."),
        team,
    ),
)  # fmt: skip
