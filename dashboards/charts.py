"""The charts, as Vega-Lite. A chart reads a data set `rows`; the page fills it in and sets the params.

The specifications are plain dictionaries, checked against Vega-Lite's schema by the tests: made and checked by Altair
at every build, they took longer than everything else on the pages.

Columns of `rows`, where a chart has them: g grain, t first day of the period, p the period's name, c is_complete,
d cut, k member (colour), m member's name, v value, y value a year before, x target.
Params: `grain`, `by` and `period`, which the page's filters set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
PERIOD_AXIS: Spec = {"field": "p", "type": "ordinal", "title": None, "sort": {"field": "t", "op": "min"}}
IN_GRAIN = "datum.g == grain"
IN_CUT = "datum.g == grain && datum.d == by"
IN_PERIOD = "datum.g == grain && datum.t == period"
PALE_WHILE_RUNNING: Spec = {"condition": {"test": "datum.c", "value": 1.0}, "value": 0.45}
COLUMN: Spec = {"type": "bar", "cornerRadiusEnd": 1, "stroke": "white", "strokeWidth": 0.5}
POINT: Spec = {"type": "circle", "size": 36}
STACKED_IN_ORDER: Spec = {"field": "o", "type": "quantitative"}


def finished(layers: Sequence[Spec], params: Sequence[str], height: int | Spec = HEIGHT) -> Spec:
    """The chart of these layers: as wide as its place on the page, with the params that the page sets."""
    defaults = {"grain": "month", "by": "all", "period": ""}
    return {
        "layer": list(layers),
        "data": {"name": "rows"},
        "config": CONFIG,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 2, "right": 22, "top": 8, "bottom": 4},  # the last period's name stands out to the right
        "params": [{"name": name, "value": defaults[name]} for name in params],
    }


def layer(shown: str, mark: Spec, **encoding: Any) -> Spec:
    """A mark for each row that is shown (an expression; "" is all of them)."""
    transform = {"transform": [{"filter": shown}]} if shown else {}
    return {"mark": mark, "encoding": encoding, **transform}


def text(field: str, title: str) -> Spec:
    """A name in the tooltip."""
    return {"field": field, "type": "nominal", "title": title}


def number(field: str, unit: str, title: str) -> Spec:
    """A number of the tooltip, written out in its unit."""
    return {"field": field, "type": "quantitative", "title": title, "format": unit, "formatType": "long"}


def short(field: str, unit: str) -> Spec:
    """A number written on the chart, short."""
    return {"field": field, "type": "quantitative", "format": unit, "formatType": "short"}


def measure(field: str, unit: str, *, zero: bool = True, stack: bool = False) -> Spec:
    """The axis of a value in its unit, written short."""
    return {
        "field": field,
        "type": "quantitative",
        "title": None,
        "axis": {"format": unit, "formatType": "short"},
        "scale": {"zero": zero},
        "stack": True if stack else None,
    }


def colours(members: dict[str, str], *, has_legend: bool = False) -> Spec:
    """Members (the column k) in their colours; the legend is the page's, unless the chart has its own."""
    scale = {"domain": list(members), "range": list(members.values())}
    return {"field": "k", "type": "nominal", "scale": scale, **({} if has_legend else {"legend": None})}


def metric(
    unit: str, *, is_additive: bool, members: dict[str, str], words: dict[str, str], has_target: bool = True
) -> Spec:
    """A metric over time: columns, stacked by member, where values add up; else lines.

    For the company also the year before (a grey line) and the target (a black tick).
    """
    tooltip = [
        text("p", words["period"]),
        text("m", words["member"]),
        number("v", unit, words["value"]),
        number("y", unit, words["year_before"]),
        *([number("x", unit, words["target"])] if has_target else []),
    ]
    colour = colours(members)
    year = layer(
        IN_CUT, {"type": "line", "strokeWidth": 1.5, "color": QUIET},
        x=PERIOD_AXIS, y=measure("y", unit, zero=is_additive), tooltip=tooltip,
    )  # fmt: skip
    target = layer(
        IN_CUT, {"type": "tick", "color": INK, "thickness": 2, "size": 12},
        x=PERIOD_AXIS, y=measure("x", unit, zero=is_additive), tooltip=tooltip,
    )  # fmt: skip
    if is_additive:
        values = layer(
            IN_CUT, COLUMN, x=PERIOD_AXIS, y=measure("v", unit, stack=True), color=colour,
            opacity=PALE_WHILE_RUNNING, order=STACKED_IN_ORDER, tooltip=tooltip,
        )  # fmt: skip
        layers = [values, year]
    else:
        y = measure("v", unit, zero=False)
        lines = layer(IN_CUT, {"type": "line", "strokeWidth": 2}, x=PERIOD_AXIS, y=y, color=colour)
        points = layer(
            IN_CUT, POINT, x=PERIOD_AXIS, y=y, color=colour, opacity=PALE_WHILE_RUNNING, tooltip=tooltip
        )  # fmt: skip
        layers = [lines, year, points]
    return finished([*layers, target] if has_target else layers, ("grain", "by"))


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
    y = {"field": "m", "type": "nominal", "title": None, "sort": {"field": "o", "op": "min"},
         "axis": {"labelLimit": 130}}  # fmt: skip
    # the values stand at the ends of the bars, which leave them room
    scale = {"zero": True, "nice": False, "range": [0, {"expr": "width - 64"}]}
    x = {"field": "v", "type": "quantitative", "title": None, "axis": None, "scale": scale}
    tooltip = [
        text("m", words["member"]),
        number("v", unit, words["value"]),
        *(number(field, its_unit, title) for field, its_unit, title in extra),
    ]
    bar = {"type": "bar", "color": colour, "cornerRadiusEnd": 1, "height": {"band": 0.7}}
    told = {"type": "text", "align": "left", "dx": 4, "color": INK, "fontSize": 11}
    layers = [layer(IN_PERIOD, bar, x=x, y=y, tooltip=tooltip), layer(IN_PERIOD, told, x=x, y=y, text=short("v", unit))]
    if rule >= 0:
        drawn = layer("", {"type": "rule", "color": INK, "strokeDash": [4, 3]}, x={"datum": rule})
        layers.append({**drawn, "transform": [{"aggregate": [{"op": "count", "as": "count"}]}]})  # once, not a row
    return finished(layers, ("grain", "period"), {"step": 24})


def series(unit: str, names: dict[str, str], words: dict[str, str], *, zero: bool = True) -> Spec:
    """Several values over time as lines, `k` telling which; with a legend of their own. `names`: k to colour."""
    colour = colours(names, has_legend=True)
    tooltip = [text("p", words["period"]), text("k", words["metric"]), number("v", unit, words["value"])]
    y = measure("v", unit, zero=zero)
    lines = layer(IN_GRAIN, {"type": "line"}, x=PERIOD_AXIS, y=y, color=colour)
    points = layer(
        IN_GRAIN, POINT, x=PERIOD_AXIS, y=y, color=colour, opacity=PALE_WHILE_RUNNING, tooltip=tooltip
    )  # fmt: skip
    return finished([lines, points], ("grain",))


def stacked(
    unit: str, names: dict[str, str], words: dict[str, str], *, has_target: bool = False, running_pale: bool = True
) -> Spec:
    """Parts of a whole over time as stacked columns, `k` telling which part; parts below zero hang below the line."""
    columns = layer(
        IN_GRAIN,
        COLUMN,
        x=PERIOD_AXIS,
        y=measure("v", unit, stack=True),
        color=colours(names, has_legend=True),
        order=STACKED_IN_ORDER,
        tooltip=[text("p", words["period"]), text("k", words["part"]), number("v", unit, words["value"])],
        **({"opacity": PALE_WHILE_RUNNING} if running_pale else {}),
    )
    target = layer(
        IN_GRAIN, {"type": "tick", "color": INK, "thickness": 2, "size": 26},
        x=PERIOD_AXIS, y=measure("x", unit), tooltip=[number("x", unit, words.get("target", ""))],
    )  # fmt: skip
    return finished([columns, target] if has_target else [columns], ("grain",), 240)


def bridge(unit: str, names: dict[str, str], words: dict[str, str]) -> Spec:
    """From the opening to the closing value of a period, a step a kind of movement. `a` and `b` are a step's ends.

    The axis is cut, so that the steps are seen beside what they change: it has no numbers, the steps have.
    """
    x = {"field": "k", "type": "nominal", "title": None, "sort": {"field": "o", "op": "min"}}
    # on a narrow screen the names of the steps stand aslant
    aslant = {
        "labelAngle": {"expr": "width < 520 ? -40 : 0"}, "labelAlign": {"expr": "width < 520 ? 'right' : 'center'"},
        "labelOverlap": False,
    }  # fmt: skip
    steps = layer(
        IN_PERIOD,
        {"type": "bar"},
        x={**x, "axis": aslant},
        y={"field": "a", "type": "quantitative", "axis": None, "scale": {"zero": False, "nice": False}},
        y2={"field": "b"},
        color=colours(names),
        tooltip=[text("k", words["part"]), number("v", unit, words["value"])],
    )
    told = layer(
        IN_PERIOD, {"type": "text", "dy": -8, "fontSize": 11, "color": INK},
        x={**x, "axis": {"labelOverlap": False}}, y={"field": "top", "type": "quantitative"}, text=short("v", unit),
    )  # fmt: skip
    told["transform"].append({"calculate": "max(datum.a, datum.b)", "as": "top"})
    return finished([steps, told], ("grain", "period"), 260)


def heat_map(words: dict[str, str]) -> Spec:
    """Cohorts down, months since the first purchase across, the share still active as lightness and as a number."""
    x = {"field": "n", "type": "ordinal", "title": words["months_since"],
         "axis": {"labelOverlap": "greedy", "orient": "top"}}  # fmt: skip
    cells = layer(
        "",
        {"type": "rect"},
        x=x,
        y=PERIOD_AXIS,
        color={"field": "v", "type": "quantitative", "legend": None, "scale": {"scheme": "blues", "domain": [0, 1]}},
        tooltip=[
            text("p", words["cohort"]),
            {"field": "n", "type": "ordinal", "title": words["months_since"]},
            number("v", "rate", words["value"]),
            number("z", "count", words["customers"]),
        ],
    )
    told = layer(
        "",
        {"type": "text", "fontSize": 10, "opacity": {"expr": "width < 620 ? 0 : 1"}},
        x=x,
        y=PERIOD_AXIS,
        text=short("v", "whole_rate"),
        color={"condition": {"test": "datum.v > 0.6", "value": "white"}, "value": INK},
    )
    return finished([cells, told], (), {"step": 20})


def scatter(x_unit: str, y_unit: str, words: dict[str, str], *, has_names: bool = True) -> Spec:
    """Members of a period by two metrics, `v` across and `y` up, each with its name where there is room for names."""
    x = {"field": "v", "type": "quantitative", "title": words["x"],
         "axis": {"format": x_unit, "formatType": "short", "tickCount": 5}}  # fmt: skip
    y = {"field": "y", "type": "quantitative", "title": words["y"], "axis": {"format": y_unit, "formatType": "short"}}
    tooltip = [text("m", words["member"]), number("v", x_unit, words["x"]), number("y", y_unit, words["y"])]
    dots = layer(
        IN_PERIOD, {"type": "circle", "size": 90, "color": MAIN, "opacity": 0.85}, x=x, y=y, tooltip=tooltip
    )  # fmt: skip
    told = layer(
        IN_PERIOD, {"type": "text", "align": "left", "dx": 8, "fontSize": 11, "color": INK},
        x=x, y=y, text={"field": "m", "type": "nominal"},
    )  # fmt: skip
    return finished([dots, told] if has_names else [dots], ("grain", "period"), 280)
