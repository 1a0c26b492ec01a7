"""Figures that several boards have: a metric over time, its members in one period, columns of its mart."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards import charts
from dashboards.marts import ALL, COMPANY_PERIODS, MEMBER_PERIODS, Row
from dashboards.painter import Figure, Painter
from orchestration.core.company import seed_rows

# As many names have room beside their dots, and as many bars above each other.
MOST_NAMES = 20


def over_time(painter: Painter, metric_id: str) -> Figure:
    """The company's metric over time, as on the boards of its category."""
    return painter.metric(metric_id, (), {}, {ALL: charts.MAIN})


def by_member(
    painter: Painter,
    metric_id: str,
    cut: str,
    title: str,
    extra: Sequence[tuple[str, str]] = (),
    *,
    colour: str = charts.MAIN,
    rule: float = -1,
) -> Figure:
    """A metric by the members of a cut, the stages in their order, other cuts by value. `extra`: columns, titles."""
    unit = painter.marts.metrics[metric_id].unit
    spec = charts.bars(
        unit, titles(painter, cut), colour=colour, rule=rule, extra=[(column, unit, told) for column, told in extra]
    )
    rows = members(painter, f"kpi_{metric_id}", cut, "metric_value", [column for column, _ in extra])
    is_cut = any(row["o"] == MOST_NAMES for row in rows)
    note = only_the_largest(painter, MOST_NAMES, f"kpi_{metric_id}") if is_cut else ""
    return painter.figure(f"{metric_id}_by_{cut}", [metric_id], title, spec, rows, note)


def only_the_largest(painter: Painter, count: int, mart: str) -> str:
    """Says that a figure leaves members out, and where they are."""
    return painter.gettext("The {count} largest at most; {mart} has all of them.").format(count=count, mart=mart)


def members(painter: Painter, mart: str, cut: str, value: str, extra: Sequence[str] = ()) -> list[Row]:
    """The members of a mart's cut, of every period shown, with a column as v; ordered for bars (column o)."""
    # the stages are few, and have an order of their own
    most = "" if cut == "stage" else f"qualify o <= {MOST_NAMES} "
    rows = painter.snapshot(
        f"select period_grain as g, period_start as t, dimension_value as member, dimension_label as label, "
        f"{value} as v{''.join(f', {column}' for column in extra)}, "
        f"row_number() over (partition by period_grain, period_start order by {value} desc, dimension_value) as o "
        f"from kpi.{mart} where dimension = ? and {value} is not null and {painter.marts.shown(MEMBER_PERIODS)} "
        f"{most}order by period_grain, period_start, o",
        [cut],
    )
    if cut == "stage":
        places = _stage_places(painter)
        rows = [{**row, "o": places.get(row["m"], len(places))} for row in rows]
    return [row for row in rows if row["o"] <= MOST_NAMES]


def company_series(painter: Painter, mart: str, columns: dict[str, str]) -> list[Row]:
    """Columns of a mart for the company over time, as rows of k (the column's name on the chart) and v."""
    found = painter.marts.rows(
        f"select period_grain as g, period_start as t, is_complete as c, {', '.join(columns)} from kpi.{mart} "
        f"where dimension = 'all' and {painter.marts.shown(COMPANY_PERIODS)} order by period_grain, period_start"
    )
    rows = [
        {"g": row["g"], "t": row["t"], "c": row["c"], "v": row[column], "k": told, "o": place}
        for place, (column, told) in enumerate(columns.items())
        for row in found
    ]
    return painter.labelled(rows)


def titles(painter: Painter, member: str = ALL) -> dict[str, str]:
    """The titles of a chart whose members are those of a cut."""
    return painter.titles(member=painter.marts.cut_name(member), part=painter.gettext("Metric"))


def _stage_places(painter: Painter) -> dict[str, int]:
    """The stages of the business in their order: those of its seed, and those that deals passed through beside them."""
    passed = painter.marts.rows(
        "select stage, max(stage_order) as place from facts.fct_deal_stage_changes group by stage"
    )
    listed = {row["stage"]: int(row["stage_order"]) for row in seed_rows("deal_stages")}
    return {row["stage"]: row["place"] for row in passed} | listed
