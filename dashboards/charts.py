"""The charts, as Vega-Lite made with Altair. A chart reads a data set `rows`; the page fills it in and sets the params.

Columns of `rows`, where a chart has them: g grain, t first day of the period, p the period's name, c is_complete,
d cut, k member (colour), m member's name, v value, y value a year before, x target.
Params: `grain`, `by` and `period`, which the page's filters set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

# Told apart with any of the common colour vision deficiencies (after Okabe and Ito), and by lightness in print.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#6B4C2A", "#4C566A")
MAIN, PALE, QUIET, INK = "#0072B2", "#9BBFD6", "#9AA3AE", "#1F2933"
# Members without a name of their own: lighter than all that have one.
UNKNOWN_MEMBER, OTHER_MEMBERS = "#C3CAD2", "#E2E7EC"
UP, MORE, BACK, LESS, GONE, OTHER = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#9AA3AE"
HEIGHT = 200

CONFIG: dict[str, Any] = {
    "customFormatTypes": True,
    "background": "transparent",
    "font": "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans KR', 'Apple SD Gothic Neo', sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "#4A5563", "labelFontSize": 11, "titleColor": "#4A5563", "titleFontWeight": "normal",
        "domain": False, "ticks": False, "labelPadding": 6, "gridColor": "#E6E9ED",
    },
    "axisX": {"grid": False, "labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": 10},
    "axisY": {"tickCount": 4},
    "legend": {
        "orient": "bottom", "labelFontSize": 11, "labelLimit": 280, "title": None, "symbolType": "square",
        "columns": 3,
    },
    "line": {"strokeWidth": 2},
}  # fmt: skip

Spec = dict[str, Any]
ROWS = alt.NamedData(name="rows")
PERIOD_AXIS = alt.X("p:O", title=None, sort=alt.EncodingSortField(field="t", op="min"))
IN_GRAIN = "datum.g == grain"
IN_CUT = "datum.g == grain && datum.d == by"
IN_PERIOD = "datum.g == grain && datum.t == period"


def finished(chart: alt.TopLevelMixin, params: Sequence[str], height: int = HEIGHT) -> Spec:
    """The chart's specification: as wide as its place on the page, with the params that the page sets."""
    spec: Spec = chart.to_dict(validate=False)  # the tests validate: here it would take half the time
    for key in ("datasets", "config", "$schema"):
        spec.pop(key, None)
    defaults = {"grain": "month", "by": "all", "period": ""}
    return {
        **spec,
        "config": CONFIG,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 2, "right": 22, "top": 8, "bottom": 4},  # the last period's name stands out to the right
        "params": [*spec.get("params", []), *({"name": name, "value": defaults[name]} for name in params)],
    }


def number(field: str, unit: str, title: str) -> alt.Tooltip:
    """A number of the tooltip, written out in its unit."""
    return alt.Tooltip(f"{field}:Q", title=title, format=unit, formatType="long")


def measure(field: str, unit: str, *, zero: bool = True, stack: bool = False) -> alt.Y:
    """The axis of a value in its unit, written short."""
    return alt.Y(
        f"{field}:Q",
        title=None,
        axis=alt.Axis(format=unit, formatType="short"),
        scale=alt.Scale(zero=zero),
        stack=True if stack else None,
    )


def colours(members: dict[str, str]) -> alt.Color:
    """Members in the colours that the page has given them; its legend is the page's."""
    return alt.Color(
        "k:N", scale=alt.Scale(domain=list(members), range=list(members.values())), legend=None
    )  # fmt: skip


def metric(
    unit: str, *, is_additive: bool, members: dict[str, str], words: dict[str, str], has_target: bool = True
) -> Spec:
    """A metric over time: columns, stacked by member, where values add up; else lines.

    For the company also the year before (a grey line) and the target (a black tick).
    """
    base = alt.Chart(ROWS).transform_filter(IN_CUT)
    tooltip = [
        alt.Tooltip("p:N", title=words["period"]),
        alt.Tooltip("m:N", title=words["member"]),
        number("v", unit, words["value"]),
        number("y", unit, words["year_before"]),
        *([number("x", unit, words["target"])] if has_target else []),
    ]
    colour = colours(members)
    pale_while_running = alt.condition("datum.c", alt.value(1.0), alt.value(0.45))
    if is_additive:
        values: alt.Chart = base.mark_bar(cornerRadiusEnd=1, stroke="white", strokeWidth=0.5).encode(
            PERIOD_AXIS,
            measure("v", unit, stack=True),
            color=colour,
            opacity=pale_while_running,
            order=alt.Order("o:Q"),
            tooltip=tooltip,
        )
        layers = [values]
    else:
        lines = base.mark_line(strokeWidth=2).encode(PERIOD_AXIS, measure("v", unit, zero=False), color=colour)
        points = base.mark_circle(size=36).encode(
            PERIOD_AXIS, measure("v", unit, zero=False), color=colour, opacity=pale_while_running, tooltip=tooltip
        )
        layers = [lines, points]
    year = base.mark_line(strokeWidth=1.5, color=QUIET).encode(
        PERIOD_AXIS, measure("y", unit, zero=is_additive), tooltip=tooltip
    )
    target = base.mark_tick(color=INK, thickness=2, size=12).encode(
        PERIOD_AXIS, measure("x", unit, zero=is_additive), tooltip=tooltip
    )
    if has_target:
        layers.append(target)
    return finished(alt.layer(layers[0], year, *layers[1:]), ("grain", "by"))


def bars(
    unit: str,
    words: dict[str, str],
    *,
    colour: str = MAIN,
    extra: Sequence[tuple[str, str, str]] = (),
    rule: float = -1,
) -> Spec:
    """Members of a period as horizontal bars, in the order `o`, each with its value at its end.

    `extra` are further fields of the tooltip: field, unit, title. A `rule` from 0 up is drawn across, a yardstick.
    """
    base = alt.Chart(ROWS).transform_filter(IN_PERIOD)
    y = alt.Y("m:N", title=None, sort=alt.EncodingSortField(field="o", op="min"), axis=alt.Axis(labelLimit=130))
    # the values stand at the ends of the bars, which leave them room
    scale = alt.Scale(zero=True, nice=False, range=[0, alt.ExprRef("width - 64")])
    x = alt.X("v:Q", title=None, axis=None, scale=scale)
    tooltip = [
        alt.Tooltip("m:N", title=words["member"]),
        number("v", unit, words["value"]),
        *(number(field, its_unit, title) for field, its_unit, title in extra),
    ]
    drawn = base.mark_bar(color=colour, cornerRadiusEnd=1, height={"band": 0.7}).encode(x=x, y=y, tooltip=tooltip)
    told = base.mark_text(align="left", dx=4, color=INK, fontSize=11).encode(
        x=x, y=y, text=alt.Text("v:Q", format=unit, formatType="short")
    )
    layers: list[alt.Chart] = [drawn, told]
    if rule >= 0:
        one = alt.Chart(ROWS).transform_aggregate(count="count()")
        layers.append(one.mark_rule(color=INK, strokeDash=[4, 3]).encode(x=alt.XDatum(rule)))
    spec = finished(alt.layer(*layers), ("grain", "period"))
    return {**spec, "height": {"step": 24}, "autosize": {"type": "fit-x", "contains": "padding"}}


def series(unit: str, names: dict[str, str], words: dict[str, str], *, zero: bool = True) -> Spec:
    """Several values over time as lines, `k` telling which; with a legend of their own. `names`: k to colour."""
    base = alt.Chart(ROWS).transform_filter(IN_GRAIN)
    colour = alt.Color("k:N", scale=alt.Scale(domain=list(names), range=list(names.values())))
    tooltip = [
        alt.Tooltip("p:N", title=words["period"]), alt.Tooltip("k:N", title=words["metric"]),
        number("v", unit, words["value"]),
    ]  # fmt: skip
    lines = base.mark_line().encode(PERIOD_AXIS, measure("v", unit, zero=zero), color=colour)
    points = base.mark_circle(size=36).encode(
        PERIOD_AXIS,
        measure("v", unit, zero=zero),
        color=colour,
        opacity=alt.condition("datum.c", alt.value(1.0), alt.value(0.45)),
        tooltip=tooltip,
    )
    return finished(alt.layer(lines, points), ("grain",))


def stacked(
    unit: str, names: dict[str, str], words: dict[str, str], *, has_target: bool = False, running_pale: bool = True
) -> Spec:
    """Parts of a whole over time as stacked columns, `k` telling which part; parts below zero hang below the line."""
    base = alt.Chart(ROWS).transform_filter(IN_GRAIN)
    tooltip = [
        alt.Tooltip("p:N", title=words["period"]), alt.Tooltip("k:N", title=words["part"]),
        number("v", unit, words["value"]),
    ]  # fmt: skip
    columns = base.mark_bar(cornerRadiusEnd=1, stroke="white", strokeWidth=0.5).encode(
        PERIOD_AXIS,
        measure("v", unit, stack=True),
        color=alt.Color("k:N", scale=alt.Scale(domain=list(names), range=list(names.values()))),
        order=alt.Order("o:Q"),
        tooltip=tooltip,
    )
    if running_pale:
        columns = columns.encode(opacity=alt.condition("datum.c", alt.value(1.0), alt.value(0.45)))
    layers = [columns]
    if has_target:
        layers.append(
            base.mark_tick(color=INK, thickness=2, size=26).encode(
                PERIOD_AXIS, measure("x", unit), tooltip=[number("x", unit, words["target"])]
            )
        )
    return finished(alt.layer(*layers), ("grain",), 240)


def bridge(unit: str, names: dict[str, str], words: dict[str, str]) -> Spec:
    """From the opening to the closing value of a period, a step a kind of movement. `a` and `b` are a step's ends.

    The axis is cut, so that the steps are seen beside what they change: it has no numbers, the steps have.
    """
    base = alt.Chart(ROWS).transform_filter(IN_PERIOD)
    x = alt.X("k:N", title=None, sort=alt.EncodingSortField(field="o", op="min"), axis=alt.Axis(labelOverlap=False))
    tooltip = [alt.Tooltip("k:N", title=words["part"]), number("v", unit, words["value"])]
    steps = base.mark_bar().encode(
        x=x,
        y=alt.Y("a:Q", axis=None, scale=alt.Scale(zero=False, nice=False)),
        y2="b:Q",
        color=alt.Color("k:N", scale=alt.Scale(domain=list(names), range=list(names.values())), legend=None),
        tooltip=tooltip,
    )
    told = base.mark_text(dy=-8, fontSize=11, color=INK).encode(
        x=x, y="top:Q", text=alt.Text("v:Q", format=unit, formatType="short")
    )
    # on a narrow screen the names of the steps stand aslant
    spec = finished(alt.layer(steps, told.transform_calculate(top="max(datum.a, datum.b)")), ("grain", "period"), 260)
    spec["layer"][0]["encoding"]["x"]["axis"] = {
        "labelAngle": {"expr": "width < 520 ? -40 : 0"}, "labelAlign": {"expr": "width < 520 ? 'right' : 'center'"},
        "labelOverlap": False,
    }  # fmt: skip
    return spec


def heat_map(words: dict[str, str]) -> Spec:
    """Cohorts down, months since the first purchase across, the share still active as lightness and as a number."""
    base = alt.Chart(ROWS)
    x = alt.X("n:O", title=words["months_since"], axis=alt.Axis(labelOverlap="greedy", orient="top"))
    y = alt.Y("p:O", title=None, sort=alt.EncodingSortField(field="t", op="min"))
    cells = base.mark_rect().encode(
        x=x,
        y=y,
        color=alt.Color("v:Q", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None),
        tooltip=[
            alt.Tooltip("p:N", title=words["cohort"]),
            alt.Tooltip("n:O", title=words["months_since"]),
            number("v", "rate", words["value"]),
            number("z", "count", words["customers"]),
        ],
    )
    told = base.mark_text(fontSize=10).encode(
        x=x,
        y=y,
        text=alt.Text("v:Q", format="whole_rate", formatType="short"),
        color=alt.condition("datum.v > 0.6", alt.value("white"), alt.value(INK)),
    )
    spec = finished(alt.layer(cells, told), ())
    spec["layer"][1]["mark"]["opacity"] = {"expr": "width < 620 ? 0 : 1"}
    return {**spec, "height": {"step": 20}}


def scatter(x_unit: str, y_unit: str, words: dict[str, str], *, has_names: bool = True) -> Spec:
    """Members of a period by two metrics, `v` across and `y` up, each with its name where there is room for names."""
    base = alt.Chart(ROWS).transform_filter(IN_PERIOD)
    x = alt.X("v:Q", title=words["x"], axis=alt.Axis(format=x_unit, formatType="short", tickCount=5))
    y = alt.Y("y:Q", title=words["y"], axis=alt.Axis(format=y_unit, formatType="short"))
    tooltip = [
        alt.Tooltip("m:N", title=words["member"]), number("v", x_unit, words["x"]), number("y", y_unit, words["y"])
    ]  # fmt: skip
    dots = base.mark_circle(size=90, color=MAIN, opacity=0.85).encode(x=x, y=y, tooltip=tooltip)
    told = base.mark_text(align="left", dx=8, fontSize=11, color=INK).encode(x=x, y=y, text="m:N")
    return finished(alt.layer(dots, told) if has_names else alt.layer(dots), ("grain", "period"), 280)
