"""Finance's workbook: a cover, a sheet per area, trends with charts, the bridges, and what differs from closed months.

Every number is written as the exact decimal that the marts hold; every text as text, whatever it begins with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter

from orchestration.close.content import Content, Cover
from orchestration.core.catalog import headlines
from orchestration.finance.calendar import month_name
from orchestration.finance.snapshot import MRR_MOVEMENTS, Control
from orchestration.show.published import period_name
from orchestration.text.catalogue import Language, translations
from orchestration.text.labels import cause_name, cut_name, line_name, unit_name

BOOKINGS_LINES = (
    ("bookings", 1), ("bookings_not_billed", -1), ("billed_of_earlier_bookings", 1), ("billed_before_won", 1),
    ("subscription_sales", 1), ("direct_sales", 1), ("refunds", -1),
)  # fmt: skip
# What a cell of a workbook can hold.
LONGEST_TEXT = 32767
NUMBER_FORMATS = {
    "money": "#,##0.00;[Red]-#,##0.00",
    "count": "#,##0",
    "rate": "0.0%",
}
OTHER_NUMBERS = "#,##0.0"
GREEN, RED, INK, PAPER = "#1E7B4A", "#B3261E", "#1F3A5F", "#E8EEF5"
SERIES = {
    "new_mrr": "#2E7D5B", "expansion_mrr": "#6FB98F", "reactivation_mrr": "#A9D6BE", "fx_mrr": "#9AA5B1",
    "contraction_mrr": "#E7A977", "churned_mrr": "#C0504D",
}  # fmt: skip


def write_workbook(path: Path, cover: Cover, content: Content, lang: Language) -> None:
    """Write the workbook; the same content gives the same bytes."""
    title = translations(lang).gettext("Monthly KPI report")
    workbook = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    try:
        workbook.set_properties(
            {
                "title": f"{title} {month_name(cover.month)}",
                "company": cover.company or "",
                "author": cover.closed_by or "",
                "created": (cover.closed_at or datetime(cover.as_of_date.year, 1, 1)).replace(tzinfo=None),
            }
        )
        _Writer(workbook, cover, lang).write(content)
    finally:
        workbook.close()


class _Writer:
    """Writes the sheets of one workbook."""

    def __init__(self, workbook: Any, cover: Cover, lang: Language) -> None:
        self._workbook = workbook
        self._cover = cover
        self._lang = lang
        self._ = translations(lang).gettext
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def write(self, content: Content) -> None:
        self._write_cover(content)
        _ = self._
        areas = {
            "performance": _("Performance"),
            "activity": _("Activity"),
            "productivity": _("Productivity"),
            "beyond": _("Beyond"),
        }
        for area, name in areas.items():
            self._write_area(name, [row for row in content.figures if row["category"] == area])
        self._write_trends(content.trends)
        self._write_bridges(content)
        self._write_restatements(content)

    def _line(self, column: str) -> str:
        return line_name(column, self._lang)

    def _format(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._workbook.add_format({"font_name": "Arial", "font_size": 10, **properties})
        return self._formats[key]

    def _text(self, sheet: Any, row: int, column: int, value: object, **properties: Any) -> None:
        """A text, never a formula: neither as it is nor after somebody has edited the cell."""
        told = "" if value is None else str(value)
        quoted = {"quote_prefix": True} if told[:1] in ("=", "+", "-", "@") else {}
        sheet.write_string(row, column, told[:LONGEST_TEXT], self._format(**quoted, **properties))

    def _number(
        self, sheet: Any, row: int, column: int, value: Decimal | int | None, unit: str, **properties: Any
    ) -> None:
        """An exact decimal in the format of its unit; nothing where there is no value."""
        look = self._format(num_format=NUMBER_FORMATS.get(unit, OTHER_NUMBERS), **properties)
        if value is None:
            sheet.write_blank(row, column, None, look)
        else:
            sheet.write_number(row, column, value, look)

    def _header(self, sheet: Any, row: int, names: Sequence[str], numbers_from: int) -> None:
        for column, name in enumerate(names):
            self._text(
                sheet, row, column, name, bold=True, font_color="#FFFFFF", bg_color=INK, text_wrap=True, valign="top",
                align="right" if column >= numbers_from else "left",
            )  # fmt: skip

    def _sheet(self, name: str, widths: Sequence[float]) -> Any:
        sheet = self._workbook.add_worksheet(name)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L{month_name(self._cover.month)}  {self._cover.run_id}&R&P / &N")
        sheet.hide_gridlines(2)
        return sheet

    def _name(self, row: dict[str, Any]) -> str:
        return str(row["name_ko"] if self._lang == "ko" else row["name_en"])

    # The cover

    def _write_cover(self, content: Content) -> None:
        cover = self._cover
        _ = self._
        sheet = self._sheet(_("Cover"), (34, 17, 17, 13, 17, 17))
        sheet.set_portrait()
        sheet.set_row(0, 28)
        sheet.set_row(1, 24)
        self._text(sheet, 0, 0, _("Monthly KPI report"), bold=True, font_size=20, font_color=INK)
        self._text(sheet, 1, 0, month_name(cover.month), bold=True, font_size=16, font_color=INK)
        if cover.version is None:
            status = _("OPEN: provisional, figures may still change")
        else:
            status = _("Closed, version {version}").format(version=cover.version)
        facts = [
            (_("Company"), cover.company or _("(not set: setting company)")),
            (_("Month"), month_name(cover.month)),
            (_("Status"), status),
            (_("Closed by"), cover.closed_by),
            (_("Closed at (UTC)"), f"{cover.closed_at:%Y-%m-%d %H:%M:%S}" if cover.closed_at else None),
            (_("Reason for restating"), cover.reason),
            (_("Build (run id)"), cover.run_id),
            (_("Books as of"), cover.as_of_date.isoformat()),
            (_("Code version"), cover.code_version),
            (_("Currency"), cover.currency),
        ]
        row = 3
        for name, value in facts:
            if value is not None:
                self._text(sheet, row, 0, name, bold=True, bg_color=PAPER)
                self._text(sheet, row, 1, value)
                row += 1
        row = self._write_headlines(sheet, row + 1, content.figures)
        if content.controls:
            self._write_controls(sheet, row + 1, content.controls)

    def _write_headlines(self, sheet: Any, row: int, figures: Iterable[dict[str, Any]]) -> int:
        _ = self._
        self._text(sheet, row, 0, _("At a glance"), bold=True, font_size=12, font_color=INK)
        names = (_("Metric"), _("Value"), _("Prior month"), _("Change %"), _("Prior year"), _("Target"))
        self._header(sheet, row + 1, names, 1)
        row += 2
        company = {
            figure["metric_id"]: figure
            for figure in figures
            if figure["period_grain"] == "month" and figure["dimension"] == "all"
        }
        for figure in (company[metric] for metric in headlines() if metric in company):
            unit = figure["unit"]
            self._text(sheet, row, 0, self._name(figure))
            self._number(sheet, row, 1, figure["metric_value"], unit, bold=True)
            self._number(sheet, row, 2, figure["prior_period_value"], unit)
            self._share(sheet, row, 3, figure, "prior_period_value")
            self._number(sheet, row, 4, figure["prior_year_value"], unit)
            self._number(sheet, row, 5, figure["target_value"], unit)
            row += 1
        return row

    def _write_controls(self, sheet: Any, row: int, controls: Iterable[Control]) -> None:
        _ = self._
        told = _("Controls: marts against the frozen facts")
        self._text(sheet, row, 0, told, bold=True, font_size=12, font_color=INK)
        self._header(sheet, row + 1, (_("Total"), _("Marts"), _("Facts"), _("Difference")), 1)
        for number, control in enumerate(controls, start=row + 2):
            self._text(sheet, number, 0, self._line(control.name))
            for column, value in enumerate((control.mart, control.facts, control.difference), start=1):
                self._number(sheet, number, column, value, "money")

    # The areas

    def _write_area(self, name: str, figures: Sequence[dict[str, Any]]) -> None:
        _ = self._
        sheet = self._sheet(name, (34, 16, 24, 11, 9, *9 * (15,)))
        names = (
            _("Metric"), _("Cut"), _("Member"), _("Period"), _("Unit"), _("Value"), _("Prior period"), _("Change"),
            _("Change %"), _("Prior year"), _("Change on year"), _("Change on year %"), _("Target"), _("To target"),
        )  # fmt: skip
        self._header(sheet, 0, names, 5)
        for row, figure in enumerate(figures, start=1):
            self._write_figure(sheet, row, figure)
        sheet.freeze_panes(1, 3)
        sheet.repeat_rows(0)
        sheet.autofilter(0, 0, max(len(figures), 1), len(names) - 1)

    def _write_figure(self, sheet: Any, row: int, figure: dict[str, Any]) -> None:
        unit = figure["unit"]
        whole = {"bold": True, "bg_color": PAPER} if figure["dimension"] == "all" else {}
        self._text(sheet, row, 0, self._name(figure), **whole)
        cut = cut_name(figure["dimension"], self._lang)
        self._text(sheet, row, 1, cut, **whole)
        member = cut if figure["dimension"] == "all" else figure["dimension_label"]
        self._text(sheet, row, 2, member, **whole)
        self._text(sheet, row, 3, period_name(figure["period_grain"], figure["period_start"]), **whole)
        self._text(sheet, row, 4, self._cover.currency if unit == "money" else unit_name(unit, self._lang), **whole)
        self._number(sheet, row, 5, figure["metric_value"], unit, **whole)
        for column, earlier in ((6, "prior_period_value"), (9, "prior_year_value")):
            self._number(sheet, row, column, figure[earlier], unit, **whole)
            self._change(sheet, row, column + 1, figure, earlier, whole)
            self._share(sheet, row, column + 2, figure, earlier, whole)
        self._number(sheet, row, 12, figure["target_value"], unit, **whole)
        self._change(sheet, row, 13, figure, "target_value", whole)

    def _change(
        self, sheet: Any, row: int, column: int, figure: dict[str, Any], against: str, properties: dict[str, Any]
    ) -> None:
        """The difference in the metric's unit, green where it is for the better."""
        difference = _difference(figure["metric_value"], figure[against])
        colour = _colour(difference, figure["is_higher_better"])
        look = NUMBER_FORMATS.get(figure["unit"], OTHER_NUMBERS).partition(";")[0]
        shape = self._format(num_format=f"+{look};-{look};{look}", **properties, **colour)
        if difference is None:
            sheet.write_blank(row, column, None, shape)
        else:
            sheet.write_number(row, column, difference, shape)

    def _share(
        self,
        sheet: Any,
        row: int,
        column: int,
        figure: dict[str, Any],
        against: str,
        properties: dict[str, Any] | None = None,
    ) -> None:
        """The difference as a share of the earlier value, where that is above 0; rates have the difference alone."""
        difference = _difference(figure["metric_value"], figure[against])
        colour = _colour(difference, figure["is_higher_better"])
        shape = self._format(num_format="+0.0%;-0.0%;0.0%", **(properties or {}), **colour)
        if difference is None or figure["unit"] == "rate" or figure[against] <= 0:
            sheet.write_blank(row, column, None, shape)
        else:
            sheet.write_number(row, column, difference / figure[against], shape)

    # Trends

    def _write_trends(self, trends: Sequence[dict[str, Any]]) -> None:
        name = self._("Trends")
        columns = ("revenue", "target", *MRR_MOVEMENTS, "closing_mrr")
        sheet = self._sheet(name, (12, *len(columns) * (14,)))
        sheet.fit_to_pages(1, 1)
        self._header(sheet, 0, [self._("Month"), *map(self._line, columns)], 1)
        for row, month in enumerate(trends, start=1):
            self._text(sheet, row, 0, month_name(month["month"]))
            for column, key in enumerate(columns, start=1):
                self._number(sheet, row, column, month[key], "money")
        sheet.freeze_panes(1, 1)
        last = len(trends)
        if not last:
            return
        place = {key: column for column, key in enumerate(columns, start=1)}

        def series(key: str, **look: Any) -> dict[str, Any]:
            return {
                "name": [name, 0, place[key]],
                "categories": [name, 1, 0, last, 0],
                "values": [name, 1, place[key], last, place[key]],
                **look,
            }

        revenue = self._workbook.add_chart({"type": "column"})
        revenue.add_series(series("revenue", fill={"color": INK}, gap=60))
        target = self._workbook.add_chart({"type": "line"})
        target.add_series(
            series("target", line={"color": "#E08A1E", "width": 2.25}, marker={"type": "diamond", "size": 6})
        )
        revenue.combine(target)
        self._finish_chart(revenue, f"{self._line('revenue')} ({self._cover.currency})")
        sheet.insert_chart(last + 2, 0, revenue)

        movements = self._workbook.add_chart({"type": "column", "subtype": "stacked"})
        for key, colour in SERIES.items():
            movements.add_series(series(key, fill={"color": colour}, gap=60))
        closing = self._workbook.add_chart({"type": "line"})
        closing.add_series(series("closing_mrr", line={"color": INK, "width": 2.25}, y2_axis=True))
        closing.set_y2_axis({"num_format": "#,##0", "min": 0, "name": self._line("closing_mrr")})
        movements.combine(closing)
        title = self._("MRR movements")
        self._finish_chart(movements, f"{title} ({self._cover.currency})")
        sheet.insert_chart(last + 24, 0, movements)

    def _finish_chart(self, chart: Any, title: str) -> None:
        chart.set_title({"name": title, "name_font": {"size": 13, "color": INK}, "overlay": False})
        chart.set_x_axis({"label_position": "low", "num_font": {"rotation": -45}})
        chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9DEE5"}}})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 980, "height": 400})

    # Bridges

    def _write_bridges(self, content: Content) -> None:
        _ = self._
        sheet = self._sheet(_("Bridges"), (40, 18))
        row = 0
        if content.mrr_bridge:
            bridge = content.mrr_bridge
            restated = ["restated_mrr"] if bridge.get("restated_mrr") else []
            lines = [(key, bridge[key]) for key in ("opening_mrr", *restated, *MRR_MOVEMENTS)]
            row = self._write_bridge(sheet, row, _("MRR bridge"), lines, ("closing_mrr", bridge["closing_mrr"])) + 2
        if content.bookings_to_revenue:
            booked = content.bookings_to_revenue
            lines = [(key, sign * booked[key]) for key, sign in BOOKINGS_LINES]
            self._write_bridge(sheet, row, _("From bookings to revenue"), lines, ("revenue", booked["revenue"]))

    def _write_bridge(
        self, sheet: Any, row: int, title: str, lines: Sequence[tuple[str, Decimal]], total: tuple[str, Decimal]
    ) -> int:
        """The lines of a bridge and what they add up to; returns the row after it."""
        amount = self._("Amount")
        self._header(sheet, row, [title, f"{amount} ({self._cover.currency})"], 1)
        for number, (key, value) in enumerate(lines, start=row + 1):
            self._text(sheet, number, 0, self._line(key))
            self._number(sheet, number, 1, value, "money")
        row += len(lines) + 1
        self._text(sheet, row, 0, self._line(total[0]), bold=True, top=1)
        self._number(sheet, row, 1, total[1], "money", bold=True, top=1)
        return row + 1

    # Restatements

    def _write_restatements(self, content: Content) -> None:
        _ = self._
        sheet = self._sheet(_("Restatements"), (12, 34, 11, 16, 24, 16, 16, 16, 20, 12, 46, 20))
        names = (
            _("Closed month"), _("Metric"), _("Period"), _("Cut"), _("Member"), _("Reported"), _("Now"),
            _("Difference"), _("Cause"), _("Rows behind it"), _("First of them"), _("Arrived (UTC)"),
        )  # fmt: skip
        self._header(sheet, 0, names, len(names))
        for row, entry in enumerate(content.restatements, start=1):
            unit = entry["unit"]
            first = entry["changed_rows"][0] if entry["changed_rows"] else None
            cut = cut_name(entry["dimension"], self._lang)
            texts = {
                0: month_name(entry["close_month"]),
                1: self._name(entry),
                2: period_name(entry["period_grain"], entry["period_start"]),
                3: cut,
                4: cut if entry["dimension"] == "all" else entry["dimension_label"],
                8: cause_name(entry["cause"], self._lang),
                10: f"{first['system_table']} {first['row_key']} {first['file_name']}:{first['line']}" if first else "",
                11: f"{first['arrived_at']:%Y-%m-%d %H:%M:%S}" if first else "",
            }
            for column, told in texts.items():
                self._text(sheet, row, column, told)
            for column, key in ((5, "reported_value"), (6, "current_value"), (7, "difference")):
                self._number(sheet, row, column, entry[key], unit)
            self._number(sheet, row, 9, entry["changed_row_count"], "count")
        if not content.restatements:
            self._text(sheet, 1, 0, _("No closed figure differs from today's data."))
        if (more := content.restatement_count - len(content.restatements)) > 0:
            told = _("{count} more: finance.kpi_restatements in marts.duckdb").format(count=more)
            self._text(sheet, len(content.restatements) + 1, 0, told)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)


def _difference(value: Decimal | None, earlier: Decimal | None) -> Decimal | None:
    return None if value is None or earlier is None else value - earlier


def _colour(difference: Decimal | None, is_higher_better: bool) -> dict[str, str]:
    if not difference:
        return {}
    return {"font_color": GREEN if (difference > 0) == is_higher_better else RED}
