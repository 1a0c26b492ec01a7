"""Makes the figures of the boards from the marts: titles, rows, colours, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards import charts
from dashboards.charts import Spec
from dashboards.marts import ALL, OTHERS, UNKNOWN, Marts, Row
from orchestration.core.catalog import metrics
from orchestration.text.catalogue import translations

CATALOG = metrics()


@dataclass(frozen=True)
class Figure:
    """A chart with its title and its rows; or, where nothing landed for it, what is missing."""

    key: str
    title: str
    note: str
    spec: Spec
    rows: list[Row]
    missing: list[str] = field(default_factory=list)
    is_empty: bool = False
    is_wide: bool = False


@dataclass(frozen=True)
class Section:
    """Figures under a heading."""

    title: str
    figures: list[Figure]


@dataclass(frozen=True)
class Page:
    """What a board shows: its filters by name, figures, and tables that its script fills.

    `scores` is what `Painter.scores` gives: where there is one, a table of all metrics of an entity is shown; with
    `leaders` a table of those metrics by entity, under which the `note` stands; with `tiles` a tile for each of them.
    `members` are those of each cut that `by` may choose.
    """

    filters: tuple[str, ...]
    sections: list[Section] = field(default_factory=list)
    members: dict[str, list[Row]] = field(default_factory=dict)
    scores: list[Row] = field(default_factory=list)
    entities: list[Row] = field(default_factory=list)
    leaders: tuple[str, ...] = ()
    note: str = ""
    tiles: tuple[str, ...] = ()


class Painter:
    """Makes figures in one language, with one colour for a member on all of them."""

    def __init__(self, marts: Marts) -> None:
        self.marts = marts
        # a message in the page's language
        self.gettext = translations(marts.language).gettext

    def titles(self, **more: str) -> dict[str, str]:
        """What the axes and tooltips of the charts are titled, by what they show; `more` adds to it."""
        _ = self.gettext
        return {
            "period": _("Which"),
            "value": _("Value"),
            "year_before": _("Year before"),
            "target": _("Target"),
            "metric": _("Metric"),
            **more,
        }

    def name(self, metric_id: str) -> str:
        """A metric's name in the catalogue."""
        return self.marts.metrics[metric_id].name

    def missing(self, metric_ids: Sequence[str]) -> list[str]:
        """What these metrics need and never landed, in words."""
        lacking = (self.marts.metrics[metric].missing_inputs for metric in metric_ids)
        return sorted({name for names in lacking if names for name in names.split(", ")})

    def figure(
        self,
        key: str,
        metric_ids: Sequence[str],
        title: str,
        spec: Spec,
        rows: list[Row],
        note: str = "",
        *,
        is_wide: bool = False,
    ) -> Figure:
        """A figure of some metrics; an empty one where none of them ever had what it needs, or anything to count."""
        if all(self.marts.is_empty(metric) for metric in metric_ids):
            missing = self.missing(metric_ids)
            return Figure(key, title, note, {}, [], missing=missing, is_empty=True, is_wide=is_wide)
        return Figure(key, title, note, spec, rows, is_wide=is_wide)

    def labelled(self, rows: list[Row], grain: str | None = None) -> list[Row]:
        """Rows with the period's name p; of one grain, or of the grain g of each."""
        return [{**row, "p": self.marts.period_label(row.get("g") or grain or "month", row["t"])} for row in rows]

    def metric_sections(self, titles: dict[str, Sequence[str]]) -> tuple[list[Section], dict[str, list[Row]]]:
        """A figure a metric, under headings; and the members of all their cuts with their colours."""
        ids = [metric for group in titles.values() for metric in group]
        cuts = self.marts.cuts_of(ids)
        dimensions = sorted({cut for of_metric in cuts.values() for cut in of_metric})
        members = self.marts.members(dimensions)
        for of_cut in members.values():
            coloured = iter(charts.PALETTE)
            for member in of_cut:
                member["colour"] = charts.UNKNOWN_MEMBER if member["v"] == UNKNOWN else next(coloured)
        colours = {ALL: charts.MAIN, OTHERS: charts.OTHER_MEMBERS}
        colours |= {member["k"]: member["colour"] for of_cut in members.values() for member in of_cut}
        sections = [
            Section(title, [self.metric(metric, cuts[metric], members, colours) for metric in group])
            for title, group in titles.items()
        ]
        return sections, members

    def metric(
        self, metric_id: str, cuts: Sequence[str], members: dict[str, list[Row]], colours: dict[str, str]
    ) -> Figure:
        """A metric over time, of the company and of the members of each cut."""
        metric = self.marts.metrics[metric_id]
        is_additive = CATALOG[metric_id].over_members == "sum"
        words = self.titles(member=self.gettext("Show by"))
        rows = self._company_rows(metric_id) + self._member_rows(metric_id, cuts, members)
        spec = charts.metric(
            metric.unit,
            is_additive=is_additive,
            members=colours,
            words=words,
            has_target=any(row.get("x") is not None for row in rows),
        )
        return self.figure(metric_id, [metric_id], metric.name, spec, self.labelled(rows), metric.formula)

    def _company_rows(self, metric_id: str) -> list[Row]:
        company = {"d": ALL, "k": ALL, "m": self.marts.member_label(ALL, ALL), "o": 0}
        return [
            {**{key: row[key] for key in ("g", "t", "c", "v", "y", "x")}, **company}
            for row in self.marts.company_rows(metric_id)
        ]

    def _member_rows(self, metric_id: str, cuts: Sequence[str], members: dict[str, list[Row]]) -> list[Row]:
        """Rows of the members shown; of what adds up, also the sum of all others."""
        looks = {
            (cut, member["v"]): {"k": member["k"], "m": member["m"], "o": place}
            for cut in cuts
            for place, member in enumerate(members[cut])
        }
        name_of_rest = self.marts.member_label(OTHERS, OTHERS)
        looks |= {(cut, None): {"k": OTHERS, "m": name_of_rest, "o": len(members[cut])} for cut in cuts}
        return [
            {
                "g": row["g"],
                "t": row["t"],
                "c": row["c"],
                "d": row["d"],
                "v": row["v"],
                **looks[row["d"], row["member"]],
            }
            for row in self.marts.member_rows(metric_id)
            if row["d"] in cuts
        ]

    def snapshot(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of members of single periods (columns g, t, member, label, v, o, ...) with the members' names m."""
        rows = self.marts.rows(sql, parameters)
        return [
            {key: value for key, value in row.items() if key not in ("member", "label")}
            | {"m": self.marts.member_label(row["member"], row["label"])}
            for row in rows
        ]

    def scores(self, dimension: str, periods: dict[str, int], most: int) -> tuple[list[Row], list[Row]]:
        """Of each entity (member of a cut), metric and period its value, that before, the year before and the target.

        As rows of e, i, g, t, v, b, y, x and c, newest first; and the entities, with how many there are in all (n). At
        most `most` of them, the ones with the most revenue in the last year first, the unknown last.
        """
        entities = self.marts.rows(
            "select dimension_value as v, any_value(dimension_label) as m, count(*) over () as n "
            "from kpi.kpi_scorecard where dimension = ? group by 1 order by dimension_value = 'unknown', "
            "sum(numerator) filter (where metric_id = 'revenue' and period_grain = 'month' "
            "and period_start > ?::date - interval 1 year) desc nulls last, 1 limit ?",
            [dimension, self.marts.build.as_of_date, most],
        )
        entities = [{**row, "m": self.marts.member_label(row["v"], row["m"])} for row in entities]
        rows = self.marts.rows(
            "select dimension_value as e, metric_id as i, period_grain as g, period_start as t, metric_value as v, "
            "prior_period_value as b, prior_year_value as y, target_value as x, is_complete as c "
            "from kpi.kpi_scorecard where dimension = ? and list_contains(?, dimension_value) "
            f"and {self.marts.shown(periods)} order by metric_id, dimension_value, period_grain, period_start desc",
            [dimension, [row["v"] for row in entities]],
        )
        return rows, entities
