"""The pipeline board: open deals, where they stand, what leaks, how old they are, what they promise."""

from __future__ import annotations

from dashboards import charts
from dashboards.figures import by_member, company_series, members, over_time, titles
from dashboards.marts import Row
from dashboards.painter import Figure, Page, Painter, Section


def pipeline(painter: Painter) -> Page:
    """Open deals: where they stand, what leaks, how old they are, what they promise."""
    _ = painter.gettext
    now = Section(
        _("Where the open deals stand"),
        [_open_by_stage(painter), _value_by_stage(painter), _age_by_stage(painter), _pipeline_over_time(painter)],
    )
    flow = Section(
        _("What moves and what leaks"),
        [
            by_member(painter, "funnel_leakage", "stage", _("Share of the exits from each stage that were lost")),
            by_member(painter, "stage_duration", "stage", _("Mean days spent in each stage"),
                [("median", _("median")), ("p90", _("90th percentile"))]),
            by_member(painter, "lost_reasons", "lost_reason", _("Deals lost, by reason"),
                colour=charts.GONE),
            over_time(painter, "sales_velocity"),
        ],
    )  # fmt: skip
    ahead = Section(
        _("What it promises"), [_forecast(painter), over_time(painter, "pipeline_coverage")]
    )  # fmt: skip
    return Page(filters=("grain", "period"), sections=[now, flow, ahead])


def _open_by_stage(painter: Painter) -> Figure:
    _ = painter.gettext
    rows = members(painter, "kpi_sales_pipeline", "stage", "metric_value")
    title = _("Open deals at the period's end, by stage")
    spec = charts.bars("count", titles(painter, "stage"))
    return painter.figure("open_deals_by_stage", ["sales_pipeline"], title, spec, rows)


def _value_by_stage(painter: Painter) -> Figure:
    _ = painter.gettext
    rows = members(painter, "kpi_pipeline_value", "stage", "metric_value", ["weighted_value"])
    title = _("Value of the open deals, by stage")
    weighted = _("weighted by probability")
    spec = charts.bars("money", titles(painter, "stage"), extra=[("weighted_value", "money", weighted)])
    return painter.figure("open_value_by_stage", ["pipeline_value"], title, spec, rows)


def _age_by_stage(painter: Painter) -> Figure:
    _ = painter.gettext
    rows = members(painter, "kpi_sales_pipeline", "stage", "average_age_days", ["average_days_in_stage"])
    title = _("Mean age of the open deals, by stage")
    in_stage = _("of it in this stage")
    spec = charts.bars("days", titles(painter, "stage"), extra=[("average_days_in_stage", "days", in_stage)])
    return painter.figure("age_by_stage", ["sales_pipeline"], title, spec, rows)


def _pipeline_over_time(painter: Painter) -> Figure:
    _ = painter.gettext
    whole = _("all open deals")
    weighted = _("weighted by probability")
    rows = company_series(painter, "kpi_pipeline_value", {"metric_value": whole, "weighted_value": weighted})
    title = _("Value of the open deals over time")
    spec = charts.series("money", {whole: charts.MAIN, weighted: charts.LESS}, titles(painter))
    return painter.figure("pipeline_value", ["pipeline_value"], title, spec, rows)


def _forecast(painter: Painter) -> Figure:
    _ = painter.gettext
    parts = {
        "won_amount": _("won so far"),
        "weighted_open_amount": _("open, by probability"),
        "open_amount - weighted_open_amount": _("open, the rest"),
    }
    rows: list[Row] = []
    for place, (column, told) in enumerate(parts.items()):
        found = painter.marts.rows(
            f"select period_grain as g, period_start as t, true as c, {column} as v, target_value as x "
            "from kpi.kpi_sales_forecast where dimension = 'all' and period_grain in ('month', 'quarter') "
            "and period_end >= ? order by period_start",
            [painter.marts.build.as_of_date],
        )
        rows += [{**row, "k": told, "o": place} for row in found]
    colours = dict(zip(parts.values(), (charts.MAIN, charts.PALE, charts.OTHER_MEMBERS), strict=True))
    spec = charts.stacked("money", colours, titles(painter), has_target=True, running_pale=False)
    title = _("Forecast for the periods ahead (tick: target)")
    return painter.figure("sales_forecast", ["sales_forecast"], title, spec, painter.labelled(rows))
