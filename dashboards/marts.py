"""Reads the published marts for the boards: one definition of every number, no arithmetic of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
from babel.dates import format_skeleton

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
MOST_REPS = 60
ALL, UNKNOWN, OTHERS = "all", "unknown", "others"


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
        self._answers: dict[tuple[str, tuple[Any, ...]], list[Row]] = other._answers if other else {}
        self.language: Language = language
        _ = translations(language).gettext
        self._members_without_a_name = {ALL: cut_name(ALL, language), UNKNOWN: _("unknown"), OTHERS: _("others")}
        self.build = self._build()
        self.metrics = self._metrics()
        self._empty = self._metrics_that_counted_nothing()
        self._period_labels = self._labels_of_periods()
        self._starts = {grain: [row["t"] for row in rows] for grain, rows in self.periods().items()}

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a query as JSON can hold them: decimals as floats, dates as YYYY-MM-DD."""
        asked = (sql, tuple(parameters))
        if asked not in self._answers:
            cursor = self._connection.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or []]
            self._answers[asked] = [
                {name: _plain(value) for name, value in zip(names, row, strict=True)} for row in cursor.fetchall()
            ]
        return [dict(row) for row in self._answers[asked]]

    def shown(self, periods: Mapping[str, int]) -> str:
        """A condition on a mart's rows: of so many periods a grain, the last of them the one that holds as_of_date."""
        firsts = {grain: self._starts[grain][: periods[grain]][-1] for grain in periods if self._starts[grain]}
        conditions = [f"(period_grain = '{grain}' and period_start >= date '{t}')" for grain, t in firsts.items()]
        return f"({' or '.join(conditions) or 'false'}) and period_start <= date '{self.build.as_of_date}'"

    def periods(self) -> dict[str, list[Row]]:
        """Per grain the periods of the spine, newest first: t first day, p name, c is_complete. None of the future."""
        found: dict[str, list[Row]] = {}
        for grain in GRAINS:
            rows = self.rows(
                "select period_start as t, bool_and(is_complete) as c from kpi.kpi_scorecard "
                "where period_grain = ? and dimension = 'all' and period_start <= ? and metric_id <> 'sales_forecast' "
                "group by period_start order by period_start desc limit ?",
                [grain, self.build.as_of_date, COMPANY_PERIODS[grain]],
            )
            found[grain] = [{**row, "p": self.period_label(grain, row["t"])} for row in rows]
        return found

    def period_label(self, grain: str, start: str) -> str:
        """A period's name on an axis: Oct 2026 or as the page's language writes it, 2026-Q4, 2026-W44."""
        if grain in ("month", "year_to_date"):
            return str(format_skeleton("yMMM", date.fromisoformat(start), locale=self.language))
        return self._period_labels[grain, start]

    def member_label(self, value: str, label: str) -> str:
        """A member's name; the company and the unknown in the page's language."""
        return self._members_without_a_name.get(value, label)

    def members(self, dimensions: Iterable[str]) -> dict[str, list[Row]]:
        """Per cut its largest members, by revenue where the cut has it, else by what they count: k key, m name."""
        found: dict[str, list[Row]] = {}
        for dimension in dimensions:
            rows = self.rows(
                "select dimension_value as v, any_value(dimension_label) as label from kpi.kpi_scorecard "
                "where dimension = ? and period_grain = 'month' and is_complete "
                "and period_start > (select max(period_start) - interval 13 month from kpi.kpi_scorecard "
                "  where period_grain = 'month' and is_complete) "
                "group by 1 order by sum(numerator) filter (where metric_id = 'revenue') desc nulls last, "
                "sum(numerator) filter (where metric_id in ('calls_and_emails', 'sales_opportunities', 'mrr', "
                "'social_media_engagement', 'referrals')) desc nulls last, count(*) desc, 1",
                [dimension],
            )
            found[dimension] = [
                {"k": f"{dimension}:{row['v']}", "v": row["v"], "m": self.member_label(row["v"], row["label"])}
                for row in _shown_members(rows)
            ]
        return found

    def cuts_of(self, metric_ids: Iterable[str]) -> dict[str, list[str]]:
        """Per metric its cuts, sorted."""
        rows = self.rows(
            "select metric_id, dimension from kpi.kpi_scorecard where dimension <> 'all' group by all order by all"
        )
        return {metric: [row["dimension"] for row in rows if row["metric_id"] == metric] for metric in metric_ids}

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

    def _labels_of_periods(self) -> dict[tuple[str, str], str]:
        rows = self.rows(
            "select period_grain, period_start, any_value(period_label) as label from kpi.kpi_scorecard group by all"
        )
        return {(row["period_grain"], row["period_start"]): row["label"] for row in rows}

    def _metrics_that_counted_nothing(self) -> frozenset[str]:
        rows = self.rows(
            "select metric_id from kpi.kpi_scorecard group by 1 "
            "having bool_or(coalesce(numerator, 0) <> 0 or coalesce(denominator, 0) <> 0)"
        )
        return frozenset(self.metrics) - {row["metric_id"] for row in rows}

    def _metrics(self) -> dict[str, Metric]:
        rows = self._connection.execute(
            f"select metric_id, name_{self.language}, category, unit, is_higher_better, formula, missing_inputs "
            "from kpi.kpi_catalog "
            "where is_primary_name order by article_position nulls last, metric_id"
        ).fetchall()
        return {row[0]: Metric(*row) for row in rows}


def _shown_members(rows: list[Row]) -> list[Row]:
    """The first members, as many as there are colours; one that is unknown has its own grey."""
    named = [row for row in rows if row["v"] != UNKNOWN]
    return named[:MOST_MEMBERS] + [row for row in rows if row["v"] == UNKNOWN]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value
