"""The customers board: won, kept and lost, and what they are worth against what they cost."""

from __future__ import annotations

from dashboards import charts
from dashboards.figures import by_member, company_series, over_time, titles
from dashboards.marts import MEMBER_PERIODS, Row
from dashboards.painter import Figure, Page, Painter, Section

# Cohorts on the heat map, and how many months of each.
MOST_COHORTS = 18


def customers(painter: Painter) -> Page:
    """Customers won, kept and lost, and what they are worth against what they cost."""
    _ = painter.gettext
    won = Section(
        _("Won"),
        [
            over_time(painter, "new_customers"),
            by_member(painter, "new_customers", "lead_source", _("New customers, by lead source")),
            over_time(painter, "customer_acquisition_cost"),
            _clv_and_cac(painter),
        ],
    )  # fmt: skip
    kept = Section(
        _("Kept and lost"),
        [_cohorts(painter), _retention(painter), over_time(painter, "repeat_purchase_rate"),
         over_time(painter, "csat")],
    )  # fmt: skip
    recurring = Section(
        _("Recurring revenue"),
        [_mrr_bridge(painter), _mrr_movements(painter), over_time(painter, "average_revenue_per_account")],
    )
    return Page(filters=("grain", "period"), sections=[won, kept, recurring])


def _clv_and_cac(painter: Painter) -> Figure:
    _ = painter.gettext
    value, cost = painter.name("customer_lifetime_value"), painter.name("customer_acquisition_cost")
    rows = company_series(painter, "kpi_customer_lifetime_value", {"metric_value": value})
    rows += company_series(painter, "kpi_customer_acquisition_cost", {"metric_value": cost})
    title = _("What a customer has brought against what one costs")
    spec = charts.series("money", {value: charts.MAIN, cost: charts.GONE}, titles(painter))
    return painter.figure(
        "clv_and_cac", ["customer_lifetime_value", "customer_acquisition_cost"], title, spec, rows
    )  # fmt: skip


def _retention(painter: Painter) -> Figure:
    _ = painter.gettext
    kept, lost = painter.name("customer_retention_rate"), painter.name("customer_churn_rate")
    rows = company_series(painter, "kpi_customer_retention_rate", {"metric_value": kept})
    rows += company_series(painter, "kpi_customer_churn_rate", {"metric_value": lost})
    title = _("Share of the customers kept and lost in each period")
    spec = charts.series("rate", {kept: charts.MAIN, lost: charts.GONE}, titles(painter))
    return painter.figure("retention_and_churn", ["customer_retention_rate"], title, spec, rows)


def _cohorts(painter: Painter) -> Figure:
    """The newest cohorts; a month of a cohort that is not over yet is left out by the mart."""
    _ = painter.gettext
    rows = painter.marts.rows(
        "select period_start as t, cast(dimension_value as integer) as n, metric_value as v, denominator as z "
        "from kpi.kpi_cohort_retention where dimension = 'months_since' and metric_value is not null "
        "and cast(dimension_value as integer) < ? "
        "qualify dense_rank() over (order by period_start desc) <= ? order by period_start, n",
        [MOST_COHORTS, MOST_COHORTS],
    )
    words = painter.titles(
        months_since=_("months since the first purchase"),
        cohort=_("Customers of"),
        customers=_("of so many customers"),
    )
    title = _("Share of each month's new customers still active so many months later")
    return painter.figure(
        "cohorts", ["cohort_retention"], title, charts.heat_map(words), painter.labelled(rows, "month"), is_wide=True
    )  # fmt: skip


def _movements(painter: Painter) -> dict[str, tuple[str, str]]:
    """The movements of MRR: the mart's column to its name and colour."""
    _ = painter.gettext
    return {
        "new_mrr": (_("new"), charts.UP),
        "expansion_mrr": (_("expansion"), charts.MORE),
        "reactivation_mrr": (_("reactivated"), charts.BACK),
        "contraction_mrr": (_("contraction"), charts.LESS),
        "churned_mrr": (_("churned"), charts.GONE),
        "fx_mrr": (_("exchange rates"), charts.OTHER),
    }


def _mrr_movements(painter: Painter) -> Figure:
    _ = painter.gettext
    movements = _movements(painter)
    rows = company_series(painter, "kpi_mrr", {column: told for column, (told, _) in movements.items()})
    title = _("What made MRR grow and shrink, over time")
    spec = charts.stacked("money", dict(movements.values()), titles(painter))
    return painter.figure("mrr_movements", ["mrr"], title, spec, [row for row in rows if row["v"] is not None])


def _mrr_bridge(painter: Painter) -> Figure:
    """Opening MRR, its movements, closing MRR: every step stands where the one before ended."""
    _ = painter.gettext
    movements = _movements(painter)
    opening, closing = _("opening"), _("closing")
    rows: list[Row] = []
    for grain, count in MEMBER_PERIODS.items():
        found = painter.marts.rows(
            f"select period_grain as g, period_start as t, metric_value, {', '.join(movements)} from kpi.kpi_mrr "
            "where period_grain = ? and dimension = 'all' and period_start <= ? and metric_value is not null "
            "and new_mrr is not null order by period_start desc limit ?",
            [grain, painter.marts.build.as_of_date, count],
        )
        for row in found:
            rows += _bridge_steps(row, {column: told for column, (told, _) in movements.items()}, opening, closing)
    colours = {opening: charts.INK, closing: charts.INK} | dict(movements.values())
    title = _("MRR from the opening to the closing of the period")
    spec = charts.bridge("money", colours, titles(painter))
    note = _("The axis is cut: read the numbers.")
    return painter.figure("mrr_bridge", ["mrr"], title, spec, rows, note, is_wide=True)


def _bridge_steps(row: Row, movements: dict[str, str], opening: str, closing: str) -> list[Row]:
    """The steps of one period: from a to b, worth v; the first and the last stand on a foot below the others."""
    moved = [(told, row[column] or 0.0) for column, told in movements.items()]
    height = row["metric_value"] - sum(value for _, value in moved)
    heights = [height, *(height + sum(value for _, value in moved[: place + 1]) for place in range(len(moved)))]
    lowest, highest = min(heights), max(heights)
    foot = lowest - 0.6 * (highest - lowest)
    common = {"g": row["g"], "t": row["t"]}
    steps = [{**common, "k": opening, "o": 0, "a": foot, "b": height, "v": height}]
    for place, (told, value) in enumerate(moved, start=1):
        steps.append({**common, "k": told, "o": place, "a": height, "b": height + value, "v": value})
        height += value
    return [*steps, {**common, "k": closing, "o": len(steps), "a": foot, "b": height, "v": row["metric_value"]}]
