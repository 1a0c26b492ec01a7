"""A month's figures as files for people and other systems: the workbook, CSV or Parquet.

A closed month is exported as it was closed; an open one from what is published, and marked as open.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb

from orchestration.close.closing import finance_folder, workbook_name
from orchestration.close.content import Cover, Sources, frozen_sources, read_content
from orchestration.close.workbook import write_workbook
from orchestration.core.errors import BuildError, UsageError
from orchestration.core.settings import Settings
from orchestration.finance import snapshot, store, verification
from orchestration.finance.calendar import month_name, periods_ending_with
from orchestration.finance.snapshot import MRR_MOVEMENTS, Control
from orchestration.finance.store import ClosedMonth
from orchestration.text.catalogue import Language
from orchestration.text.labels import cut_name
from orchestration.warehouse.connections import open_published
from orchestration.warehouse.sql import literal

Format = Literal["xlsx", "csv", "parquet"]
FORMATS: tuple[Format, ...] = ("xlsx", "csv", "parquet")
# What a spreadsheet takes for the start of a formula, or skips before one; the last four are full-width forms.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
FIGURE_COLUMNS = (
    "metric_id", "metric_name", "category", "unit", "period_grain", "period_start", "period_end", "dimension",
    "dimension_name", "dimension_value", "dimension_label", "metric_value", "prior_period_value", "change",
    "prior_year_value", "change_on_year", "target_value", "to_target", "numerator", "denominator",
)  # fmt: skip


def export_month(settings: Settings, month: date, *, format_: Format, to: Path, lang: Language = "en") -> list[Path]:
    """Write a month's files into a folder, replacing those of an earlier export; returns their paths.

    Raises UsageError where the month has no figures or the folder is among the closed months, BuildError where the
    closed month is damaged or the folder cannot be written.
    """
    finance = finance_folder(settings).resolve()
    if to.resolve() == finance or finance in to.resolve().parents:
        raise UsageError(f"--to {to}: closed months are never written to; name a folder outside {finance}")
    closed = store.latest_versions(store.closed_months(finance_folder(settings))).get(month)
    if closed and (problems := verification.verify_files(closed)):
        raise BuildError(f"{closed.label} is not as it was closed: {problems[0]}", ["`kpi verify` names every problem"])
    try:
        to.mkdir(parents=True, exist_ok=True)
        if closed:
            return _export_closed(closed, to, format_, lang)
        return _export_open(settings, month, to, format_, lang)
    except OSError as error:
        raise BuildError(f"--to {to}: cannot be written: {error.strerror or error}") from error


def _export_closed(closed: ClosedMonth, to: Path, format_: Format, lang: Language) -> list[Path]:
    manifest = closed.manifest
    frozen = closed.file(workbook_name(closed.month, closed.version))
    name = f"kpi-{store.folder_name(closed.month, closed.version).replace('.', '-')}"
    if format_ == "xlsx" and lang == manifest.lang and frozen.exists():
        return [_written(to / f"{name}.xlsx", lambda path: shutil.copyfile(frozen, path))]
    periods = [(entry["period_grain"], date.fromisoformat(entry["period_start"])) for entry in manifest.periods]
    cover = Cover(
        company=manifest.company, month=closed.month, version=closed.version, run_id=manifest.run_id,
        as_of_date=date.fromisoformat(manifest.as_of_date), code_version=manifest.code_version,
        closed_by=manifest.closed_by, closed_at=datetime.fromisoformat(manifest.closed_at), reason=manifest.reason,
        currency=manifest.settings["reporting_currency"],
    )  # fmt: skip
    controls = [Control(one["name"], Decimal(one["mart"]), Decimal(one["facts"])) for one in manifest.controls]
    measures = f"read_parquet({literal(closed.file('measures.parquet'))})"
    with duckdb.connect() as connection:
        return _write(
            connection, frozen_sources(closed.folder), measures, periods, cover, to / name, format_, lang, controls
        )


def _export_open(settings: Settings, month: date, to: Path, format_: Format, lang: Language) -> list[Path]:
    with _open_published(settings.paths.marts_file) as connection:
        info = connection.execute(
            "select run_id, as_of_date, code_version, settings from published.meta.build_info"
        ).fetchone()
        known = connection.execute(
            "select min(period_start), max(period_start) from published.kpi.kpi_revenue where period_grain = 'month'"
        ).fetchone()
        assert info is not None and known is not None
        if known[0] is None or not known[0] <= month <= known[1]:
            told = f"{month_name(known[0])} to {month_name(known[1])}" if known[0] else "no month at all"
            raise UsageError(f"{month_name(month)} has no figures: what is published has {told}")
        vars_ = json.loads(info[3])
        periods = periods_ending_with(month, vars_["fiscal_year_start_month"])
        marts = snapshot.read_marts(connection, "published")
        condition = snapshot.periods_sql(periods)
        own = f"month = date '{month}'"
        sources = Sources(
            figures=f"({snapshot.figures_sql(marts, 'published', condition)})",
            trends=f"({snapshot.trends_sql('published', month)})",
            mrr_bridge=f"(from published.finance.mrr_bridge where {own})",
            bookings_to_revenue=f"(from published.finance.bookings_to_revenue where {own})",
            restatements="(from published.finance.kpi_restatements where restated_in_version is null)",
        )
        cover = Cover(
            company=settings.company, month=month, version=None, run_id=info[0], as_of_date=info[1],
            code_version=info[2], closed_by=None, closed_at=None, reason=None,
            currency=vars_["reporting_currency"],
        )  # fmt: skip
        measures = f"({snapshot.measures_sql(marts, 'published', condition)})"
        path = to / f"kpi-{month_name(month)}-open"
        return _write(connection, sources, measures, periods, cover, path, format_, lang)


@contextmanager
def _open_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(path) as connection:
        connection.execute("set TimeZone = 'UTC'")
        if not connection.execute(
            "select 1 from duckdb_columns() where table_name = 'build_info' and column_name = 'settings'"
        ).fetchone():
            raise BuildError(f"{path} was published by an older version of this program", ["run `kpi build`"])
        yield connection


def _write(
    connection: duckdb.DuckDBPyConnection,
    sources: Sources,
    measures: str,
    periods: list[tuple[str, date]],
    cover: Cover,
    path: Path,
    format_: Format,
    lang: Language,
    controls: list[Control] | None = None,
) -> list[Path]:
    """Write the files; `path` is their common beginning."""
    if format_ == "xlsx":
        content = read_content(connection, sources, periods, controls or [])
        return [_written(path.with_name(f"{path.name}.xlsx"), lambda file: write_workbook(file, cover, content, lang))]
    tables = {
        "figures": _figures_sql(connection, sources.figures, lang),
        "measures": f"select * from {measures} order by all",
        "mrr_bridge": f"select month, dimension, dimension_value, opening_mrr, {', '.join(MRR_MOVEMENTS)}, closing_mrr "
        f"from {sources.mrr_bridge} order by all",
        "bookings_to_revenue": f"select * from {sources.bookings_to_revenue}",
    }
    writer = _write_csv if format_ == "csv" else _write_parquet
    return [
        _written(path.with_name(f"{path.name}-{name}.{format_}"), _with(writer, connection, query))
        for name, query in tables.items()
    ]


def _figures_sql(connection: duckdb.DuckDBPyConnection, figures: str, lang: Language) -> str:
    """The figures with their labels in a language, and the changes."""
    dimensions = [row[0] for row in connection.execute(f"select distinct dimension from {figures}").fetchall()]
    names = ", ".join(f"{literal(dimension)}: {literal(cut_name(dimension, lang))}" for dimension in dimensions)
    return f"""
        with named as (
            select *, name_{lang} as metric_name,
                metric_value - prior_period_value as change,
                metric_value - prior_year_value as change_on_year,
                metric_value - target_value as to_target,
                {f"map {{{names}}}[dimension]" if names else "dimension"} as dimension_name
            from {figures}
        )
        select {", ".join(FIGURE_COLUMNS)} from named
        order by metric_order, period_grain, dimension <> 'all', dimension, dimension_label, dimension_value
    """


def _with(
    writer: Callable[[duckdb.DuckDBPyConnection, str, Path], None], connection: duckdb.DuckDBPyConnection, query: str
) -> Callable[[Path], None]:
    return lambda path: writer(connection, query, path)


def _write_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"copy ({query}) to {literal(path)} (format parquet, compression zstd)")


def _write_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    cursor = connection.execute(query)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow([column[0] for column in cursor.description or []])
        while rows := cursor.fetchmany(10_000):
            writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> str:
    """A value as CSV: decimals exact and without idle zeros, texts such that no spreadsheet runs them."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain_decimal(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return safe_text(value)
    return str(value)


def plain_decimal(value: Decimal) -> str:
    """A decimal written out exactly, with two decimals at least where it has any: 12, 12.50, 0.0001."""
    told = f"{value:f}"
    if "." not in told:
        return told
    told = told.rstrip("0").rstrip(".")
    whole, _, decimals = told.partition(".")
    return f"{whole}.{decimals:0<2}" if decimals else ("0" if whole == "-0" else whole)


def safe_text(value: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe goes before what would begin one."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _written(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file beside its place, then move it there: nobody reads half of it."""
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
