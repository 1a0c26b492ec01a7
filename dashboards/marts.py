"""Reads the published marts for the boards: one definition of every number, no arithmetic of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
from babel.dates import format_skeleton

from orchestration.core.catalog import metrics
from orchestration.core.errors import UsageError
from orchestration.show.published import GRAINS
from orchestration.text.catalogue import Language, translations
from orchestration.text.labels import cut_name

Row = dict[str, Any]

# How many periods back a board goes, for the company and for the members of a cut.
COMPANY_PERIODS = {"week": 26, "month": 25, "quarter": 12, "year": 6, "year_to_date": 13}
MEMBER_PERIODS = {"month": 13, "quarter": 8, "year": 4, "year_to_date": 13}
# As many members of a cut as there are colours; the rest of what adds up is shown as one.
MOST_MEMBERS = 8
MOST_REPS = 40
ALL, UNKNOWN, OTHERS = "all", "unknown", "others"
_ADD_UP = [metric.metric_id for metric in metrics().values() if metric.over_members == "sum"]


@dataclass(frozen=True)
class Metric:
    """A metric of the catalogue, named in the language of the page."""

    metric_id: str
    name: str
    category: str
    unit: str
    is_higher_better: bool
    formula: str
    # what it needs and never landed, in words
    missing_inputs: str | None


@dataclass(frozen=True)
class BuildInfo:
    """Which build is published, with the settings it was made with."""

    run_id: str
    as_of_date: date
    published_at: str
    settings: dict[str, Any]


class Marts:
    """The published marts through a connection in which `kpi.<mart>` names a mart (see `open_published`)."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, language: Language, other: Marts | None = None) -> None:
        """`other`: the marts in another language, whose answers these share."""
        self._connection = connection
        self._answers: dict[tuple[str, str], list[Row]] = other._answers if other else {}
        self._sorted: dict[str, dict[str, list[Row]]] = other._sorted if other else {}
        self.language: Language = language
        _ = translations(language).gettext
        self._members_without_a_name = {ALL: cut_name(ALL, language), UNKNOWN: _("unknown"), OTHERS: _("others")}
        self.build = self._build()
        self.metrics = self._metrics()
        self._cuts = self._cuts_of_metrics()
        self._empty = frozenset(self.metrics) - {row["metric_id"] for row in self._cuts if row["has_counted"]}
        self._period_labels = self._labels_of_periods()
        self._periods = self._periods_of_the_spine()
        self._starts = {grain: [row["t"] for row in rows] for grain, rows in self._periods.items()}

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query as JSON can hold them: decimals as floats, dates as YYYY-MM-DD.

        A query is asked once: its rows are shared, and nobody's to change.
        """
        asked = (sql, repr(parameters))
        if asked not in self._answers:
            cursor = self._connection.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or []]
            self._answers[asked] = [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]
        return self._answers[asked]

    def shown(self, periods: Mapping[str, int]) -> str:
        """A condition on a mart's rows: of so many periods a grain, the last of them the one that holds as_of_date."""
        firsts = {grain: self._starts[grain][: periods[grain]][-1] for grain in periods if self._starts[grain]}
        conditions = [f"(period_grain = '{grain}' and period_start >= date '{t}')" for grain, t in firsts.items()]
        return f"({' or '.join(conditions) or 'false'}) and period_start <= date '{self.build.as_of_date}'"

    def periods(self) -> dict[str, list[Row]]:
        """Per grain the periods of the spine, newest first: t first day, p name, c is_complete. None of the future."""
        return self._periods

    def period_label(self, grain: str, start: str) -> str:
        """A period's name on an axis: Oct 2026 or as the page's language writes it, 2026-Q4, 2026-W44."""
        if grain in ("month", "year_to_date"):
            return _month_label(start, self.language)
        return self._period_labels[grain, start]

    def member_label(self, value: str, label: str) -> str:
        """A member's name; the company and the unknown in the page's language."""
        return self._members_without_a_name.get(value, label)

    def members(self, dimensions: Iterable[str]) -> dict[str, list[Row]]:
        """Per cut its largest members, by revenue where the cut has it, else by what they count: k key, m name.

        As many as there are colours; one that is unknown has its own grey.
        """
        found: dict[str, list[Row]] = {dimension: [] for dimension in dimensions}
        for row in self._largest_members():
            if row["d"] in found:
                name = self.member_label(row["v"], row["label"])
                found[row["d"]].append({"k": f"{row['d']}:{row['v']}", "v": row["v"], "m": name})
        return found

    def company_rows(self, metric_id: str) -> list[Row]:
        """The company's value (v) of each period shown, with the year before (y) and the target (x), the oldest first.

        One query for all metrics.
        """
        rows = self.rows(
            "select metric_id, period_grain as g, period_start as t, is_complete as c, metric_value as v, "
            "prior_year_value as y, target_value as x from kpi.kpi_scorecard "
            f"where dimension = 'all' and {self.shown(COMPANY_PERIODS)} order by metric_id, period_grain, period_start"
        )
        return self._by_metric("company_rows", rows).get(metric_id, [])

    def member_rows(self, metric_id: str) -> list[Row]:
        """The values (v) of the largest members of each cut (d), the oldest first.

        Where the members of a metric add up, also the sum of all others of a period: their member is null. One query
        for all metrics, which answers with so many rows a metric however many members there are.
        """
        largest = self._largest_members()
        rows = self.rows(
            "with largest as (select unnest(?) as dimension, unnest(?) as dimension_value), "
            # largest.dimension_value is null in the rows of all others
            "shown as (select scorecard.*, largest.dimension_value as member from kpi.kpi_scorecard as scorecard "
            "left join largest using (dimension, dimension_value) where scorecard.dimension <> 'all' "
            f"and scorecard.metric_value is not null and {self.shown(MEMBER_PERIODS)} "
            "and (largest.dimension_value is not null or list_contains(?, scorecard.metric_id))) "
            "select metric_id, period_grain as g, period_start as t, bool_and(is_complete) as c, dimension as d, "
            # in one order, so that a sum of floats is the same in every build
            "member, sum(metric_value order by dimension_value) as v from shown "
            "group by metric_id, period_grain, period_start, dimension, member "
            "order by metric_id, period_grain, period_start, dimension, member nulls last",
            [[row["d"] for row in largest], [row["v"] for row in largest], _ADD_UP],
        )
        return self._by_metric("member_rows", rows).get(metric_id, [])

    def cuts_of(self, metric_ids: Iterable[str]) -> dict[str, list[str]]:
        """Per metric its cuts, sorted."""
        cuts = [row for row in self._cuts if row["dimension"] != ALL]
        return {metric: [row["dimension"] for row in cuts if row["metric_id"] == metric] for metric in metric_ids}

    def is_empty(self, metric_id: str) -> bool:
        """Whether a metric never had anything to count, or lacks what it needs."""
        return metric_id in self._empty or self.metrics[metric_id].missing_inputs is not None

    def cut_name(self, dimension: str) -> str:
        """A cut's name in the page's language."""
        return cut_name(dimension, self.language)

    def _build(self) -> BuildInfo:
        try:
            row = self._connection.execute(
                "select run_id, as_of_date, published_at, settings from meta.build_info"
            ).fetchone()
        except duckdb.BinderException as error:
            raise UsageError("what is published was built by an older version: run `kpi build` first") from error
        assert row is not None
        return BuildInfo(
            run_id=row[0],
            as_of_date=row[1],
            published_at=f"{row[2]:%Y-%m-%d %H:%M}",
            settings=json.loads(row[3]),
        )

    def _by_metric(self, what: str, rows: list[Row]) -> dict[str, list[Row]]:
        """Rows by their metric."""
        if what not in self._sorted:
            found: dict[str, list[Row]] = {}
            for row in rows:
                found.setdefault(row["metric_id"], []).append(row)
            self._sorted[what] = found
        return self._sorted[what]

    def _largest_members(self) -> list[Row]:
        """The largest members (v, label) of each cut (d), the unknown one last."""
        return self.rows(
            "with of_members as (select dimension as d, dimension_value as v, any_value(dimension_label) as label, "
            "sum(numerator) filter (where metric_id = 'revenue') as revenue, "
            "sum(numerator) filter (where metric_id in ('calls_and_emails', 'sales_opportunities', 'mrr', "
            "'social_media_engagement', 'referrals')) as counted, count(*) as periods "
            "from kpi.kpi_scorecard where dimension <> 'all' and period_grain = 'month' and is_complete "
            "and period_start > (select max(period_start) - interval 13 month from kpi.kpi_scorecard "
            "  where dimension = 'all' and period_grain = 'month' and is_complete) group by 1, 2), "
            "placed as (select *, row_number() over (partition by d, v = 'unknown' "
            "order by revenue desc nulls last, counted desc nulls last, periods desc, v) as place from of_members) "
            "select d, v, label from placed where v = 'unknown' or place <= ? order by d, v = 'unknown', place",
            [MOST_MEMBERS],
        )

    def _periods_of_the_spine(self) -> dict[str, list[Row]]:
        rows = self.rows(
            "select period_grain as g, period_start as t, bool_and(is_complete) as c from kpi.kpi_scorecard "
            "where dimension = 'all' and period_start <= ? and metric_id <> 'sales_forecast' "
            "group by period_grain, period_start order by period_grain, period_start desc",
            [self.build.as_of_date],
        )
        return {
            grain: [
                {"t": row["t"], "c": row["c"], "p": self.period_label(grain, row["t"])}
                for row in [row for row in rows if row["g"] == grain][: COMPANY_PERIODS[grain]]
            ]
            for grain in GRAINS
        }

    def _labels_of_periods(self) -> dict[tuple[str, str], str]:
        """Of every period: the company has a row of each."""
        rows = self.rows(
            "select period_grain, period_start, any_value(period_label) as label from kpi.kpi_scorecard "
            "where dimension = 'all' group by all"
        )
        return {(row["period_grain"], row["period_start"]): row["label"] for row in rows}

    def _cuts_of_metrics(self) -> list[Row]:
        """Each metric's cuts, the company among them, and whether there was ever anything to count (has_counted)."""
        return self.rows(
            "select metric_id, dimension, "
            "bool_or(coalesce(numerator, 0) <> 0 or coalesce(denominator, 0) <> 0) as has_counted "
            "from kpi.kpi_scorecard group by all order by metric_id, dimension"
        )

    def _metrics(self) -> dict[str, Metric]:
        rows = self._connection.execute(
            f"select metric_id, name_{self.language}, category, unit, is_higher_better, formula, missing_inputs "
            "from kpi.kpi_catalog "
            "where is_primary_name order by article_position nulls last, metric_id"
        ).fetchall()
        return {row[0]: Metric(*row) for row in rows}


@cache
def _month_label(start: str, language: Language) -> str:
    return str(format_skeleton("yMMM", date.fromisoformat(start), locale=language))


_AS_JSON: dict[type, Callable[[Any], Any]] = {Decimal: float, date: date.isoformat}


def _plain(value: Any) -> Any:
    as_json = _AS_JSON.get(type(value))
    return as_json(value) if as_json else value
