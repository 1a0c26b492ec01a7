"""The team board: who sells how much, against the quota and with how much activity; and one rep's metrics."""

from __future__ import annotations

from collections import Counter

from dashboards import charts
from dashboards.figures import MOST_NAMES, by_member, titles
from dashboards.marts import MEMBER_PERIODS, MOST_REPS, Row
from dashboards.painter import Figure, Page, Painter, Section

LEADERS = (
    "revenue", "quota_attainment", "win_rate", "average_deal_size", "calls_and_emails", "meetings_scheduled",
    "lead_response_time", "csat",
)  # fmt: skip


def team(painter: Painter) -> Page:
    """Who sells how much, against the quota and with how much activity; and one rep's metrics."""
    _ = painter.gettext
    scores, entities = painter.scores("sales_rep", MEMBER_PERIODS, MOST_REPS)
    compared = Section(
        _("Results and activity"),
        [
            by_member(painter, "quota_attainment", "sales_rep",
                _("Share of the quota won, by rep (line: 100 %)"), rule=1.0),
            _activity_and_revenue(painter),
        ],
    )  # fmt: skip
    return Page(
        filters=("grain", "period", "rep"), sections=[compared], scores=scores, entities=entities, leaders=LEADERS
    )  # fmt: skip


def _activity_and_revenue(painter: Painter) -> Figure:
    _ = painter.gettext
    rows: list[Row] = []
    for grain, count in MEMBER_PERIODS.items():
        rows += painter.snapshot(
            "select r.period_grain as g, r.period_start as t, r.dimension_value as member, "
            "r.dimension_label as label, a.metric_value as v, r.metric_value as y "
            "from kpi.kpi_revenue as r inner join kpi.kpi_calls_and_emails as a "
            "using (period_grain, period_start, dimension, dimension_value) "
            "where r.period_grain = ? and r.dimension = 'sales_rep' and r.dimension_value <> 'unknown' "
            "and r.period_start <= ? qualify dense_rank() over (order by r.period_start desc) <= ? order by t, member",
            [grain, painter.marts.build.as_of_date, count],
        )
    across, up = painter.name("calls_and_emails"), painter.name("revenue")
    words = {**titles(painter, "sales_rep"), "x": across, "y": up}
    title = _("Calls and emails against revenue, a dot a rep")
    most = max(Counter((row["g"], row["t"]) for row in rows).values(), default=0)
    spec = charts.scatter("count", "money", words, has_names=most <= MOST_NAMES)
    return painter.figure("activity_and_revenue", ["revenue"], title, spec, rows)
