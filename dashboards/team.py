"""The team board: who sells how much, against the quota and with how much activity; and one rep's metrics."""

from __future__ import annotations

from collections import Counter

from dashboards import charts
from dashboards.figures import MOST_NAMES, by_member, only_the_largest, titles
from dashboards.marts import MEMBER_PERIODS, MOST_REPS
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
    note = ""
    if entities and entities[0]["n"] > MOST_REPS:
        told = _("The {count} sales reps with the most revenue of the last year, of {all}; {mart} has all of them.")
        note = told.format(count=MOST_REPS, all=entities[0]["n"], mart="kpi_scorecard")
    return Page(
        filters=("grain", "period", "rep"),
        sections=[compared],
        scores=scores,
        entities=entities,
        leaders=LEADERS,
        note=note,
    )


def _activity_and_revenue(painter: Painter) -> Figure:
    _ = painter.gettext
    rows = painter.snapshot(
        "with revenue as (select period_grain as g, period_start as t, dimension_value as member, "
        "dimension_label as label, metric_value as y from kpi.kpi_revenue where dimension = 'sales_rep' "
        f"and dimension_value <> 'unknown' and {painter.marts.shown(MEMBER_PERIODS)}), "
        "activity as (select period_grain as g, period_start as t, dimension_value as member, metric_value as v "
        "from kpi.kpi_calls_and_emails where dimension = 'sales_rep') "
        "select g, t, member, label, v, y from revenue inner join activity using (g, t, member) "
        f"qualify row_number() over (partition by g, t order by y desc nulls last, member) <= {MOST_REPS} "
        "order by g, t, member"
    )
    across, up = painter.name("calls_and_emails"), painter.name("revenue")
    words = {**titles(painter, "sales_rep"), "x": across, "y": up}
    title = _("Calls and emails against revenue, a dot a rep")
    most = max(Counter((row["g"], row["t"]) for row in rows).values(), default=0)
    spec = charts.scatter("count", "money", words, has_names=most <= MOST_NAMES)
    note = only_the_largest(painter, MOST_REPS, "kpi_revenue") if most == MOST_REPS else ""
    return painter.figure("activity_and_revenue", ["revenue"], title, spec, rows, note)
