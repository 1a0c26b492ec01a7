"""`kpi show`, `kpi dashboard`, `kpi mf`, `kpi quarantine`: what is published, and what was set aside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import duckdb
import typer
from rich.markup import escape
from rich.table import Table

from orchestration.commands.console import PLAIN, Warehouse, out
from orchestration.core.contract import landed_tables
from orchestration.core.errors import InterruptedByError, UsageError
from orchestration.core.paths import MARTS_FILE
from orchestration.core.process import keep_files_private
from orchestration.core.settings import load_settings
from orchestration.publish.releases import release_folder
from orchestration.show import export, published
from orchestration.show.restated import restated_values
from orchestration.warehouse.connections import open_published, read_build_file

# As many values that were reported otherwise are listed.
MOST_RESTATED = 5


def register(app: typer.Typer) -> None:
    """Add the commands to the `kpi` command."""
    for command in (show, dashboard, quarantine):
        app.command()(command)
    app.command(
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}
    )(mf)


def show(
    metric: Annotated[str, typer.Argument(help="A metric's id or name, such as revenue or win_rate.")],
    by: Annotated[list[str] | None, typer.Option(metavar="CUT", help="A cut, such as sales_rep or region.")] = None,
    grain: Annotated[str, typer.Option(help="week, month, quarter, year or year_to_date.")] = "month",
    last: Annotated[int, typer.Option(min=1, help="How many periods.")] = 12,
    format_: Annotated[
        export.Format, typer.Option("--format", help="A table for people, or rows for another program.")
    ] = export.Format.table,
    warehouse: Warehouse = None,
) -> None:
    """A metric as a table and a sparkline; or its rows, exact, as CSV, JSON or Markdown."""
    settings = load_settings({"warehouse": warehouse})
    cut = _one_cut(metric, by or [])
    with open_published(settings.paths.marts_file) as connection:
        found = published.find_metric(connection, metric)
        if format_ is not export.Format.table:
            columns, rows = export.read_rows(connection, found, cut=cut, grain=grain, last=last)
            typer.echo(export.written(columns, rows, format_), nl=False)
            return
        series = published.read_series(connection, found, cut=cut, grain=grain, last=last)
        starts = [row["period_start"] for row in series[0].rows]
        restated = restated_values(connection, found, cut=cut, grain=grain, starts=starts)
    if cut is None:
        _print_periods(found, series[0], grain)
    else:
        _print_members(found, series, cut, grain)
    if found.missing_inputs:
        out.print(f"not known: no {found.missing_inputs} landed", **PLAIN)
    for line in restated[:MOST_RESTATED]:
        out.print(escape(line), style="yellow", **PLAIN)
    if len(restated) > MOST_RESTATED:
        out.print(f"and {len(restated) - MOST_RESTATED} more in finance.kpi_restatements", style="yellow", **PLAIN)


def _one_cut(metric: str, cuts: list[str]) -> str | None:
    if len(cuts) > 1:
        raise UsageError(
            f"--by {' --by '.join(cuts)}: a mart has one cut at a time",
            [f"several at once: kpi mf query --metrics {metric} --group-by ...; kpi mf list dimensions names them"],
        )
    return cuts[0] if cuts else None


def _spoken(grain: str) -> str:
    return grain.replace("_", " ")


def _columns(grain: str) -> dict[str, str]:
    """Headings and columns beside a metric's value; a year is compared with the year before alone."""
    before = {} if grain in ("year", "year_to_date") else {f"{grain.capitalize()} before": "prior_period_value"}
    return {**before, "Year before": "prior_year_value", "Target": "target_value"}


def mf(
    arguments: Annotated[list[str] | None, typer.Argument(help="What MetricFlow is to do.")] = None,
    warehouse: Warehouse = None,
) -> None:
    """MetricFlow on the published facts: `kpi mf query --metrics win_rate --group-by metric_time__month`."""
    from orchestration.show.metricflow import run_metricflow

    run_metricflow(load_settings({"warehouse": warehouse}).paths, arguments or ["--help"])


def _print_periods(metric: published.Metric, series: published.Series, grain: str) -> None:
    table = Table(title=f"{metric.name_en} by {_spoken(grain)}", title_justify="left")
    table.add_column(_spoken(grain).capitalize())
    columns = {"Value": "metric_value", **_columns(grain)}
    for heading in columns:
        table.add_column(heading, justify="right")
    for row in series.rows:
        name = row["period_label"] + ("" if row["is_complete"] else " (so far)")
        table.add_row(name, *(published.formatted(row[column], metric.unit) for column in columns.values()))
    out.print(table)
    out.print(published.sparkline([row["metric_value"] for row in series.rows]))


def _print_members(metric: published.Metric, series: list[published.Series], cut: str, grain: str) -> None:
    latest = series[0].rows[-1]["period_label"]
    table = Table(title=f"{metric.name_en} by {cut} and {_spoken(grain)}", title_justify="left")
    table.add_column(cut)
    columns = {latest: "metric_value", **_columns(grain)}
    for heading in columns:
        table.add_column(heading, justify="right")
    table.add_column(f"Last {len(series[0].rows)}")
    for one in series:
        last = one.rows[-1]
        table.add_row(
            escape(one.label),
            *(published.formatted(last[column], metric.unit) for column in columns.values()),
            published.sparkline([row["metric_value"] for row in one.rows]),
        )
    out.print(table)


def dashboard(
    warehouse: Warehouse = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show it on this machine until Ctrl-C is pressed.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve; 0 for any free one.")] = 8050,
) -> None:
    """Render the boards over what is published into the warehouse folder, and serve them if asked."""
    from dashboards.serve import Serving  # with the boards, which take a while to import
    from dashboards.site import render_site

    settings = load_settings({"warehouse": warehouse})
    keep_files_private(settings.umask)
    render_site(release_folder(settings.paths) / MARTS_FILE, settings.company)
    out.print(f"dashboard: {settings.paths.dashboard_file}", **PLAIN)
    if serve:
        server = Serving(settings.paths.dashboard, port)
        out.print(f"serving http://127.0.0.1:{server.port}/ - Ctrl-C ends it", **PLAIN)
        with suppress(InterruptedByError):
            server.serve()


def quarantine(
    warehouse: Warehouse = None,
    table: Annotated[
        str | None, typer.Option(help="One table only, as system.table: of the contract, or of a source system.")
    ] = None,
    left_out: Annotated[
        bool,
        typer.Option("--left-out", help="What source systems have that is on purpose not read, by reason, instead."),
    ] = False,
    last: Annotated[int, typer.Option("--limit", min=1, help="How many rows to list.")] = 50,
) -> None:
    """What was set aside and why: table, file, line, reasons, text."""
    settings = load_settings({"warehouse": warehouse})
    known = [known_table.label for known_table in landed_tables(settings.company_sources)]
    if table is not None and table not in known:
        raise UsageError(f"--table {table}: tables are {', '.join(known)}")
    with read_build_file(settings.paths.build_file) as connection:
        if left_out:
            _print_left_out(connection, table)
            return
        total, rows = _quarantined(connection, table, last)
    if not rows:
        out.print("nothing is quarantined" + (f" in {table}" if table else ""))
        return
    out.print(f"{total:,} rows quarantined" + (f", the first {last}:" if total > last else ":"))
    for system_table, place, reasons, text, read_as, is_repaired in rows:
        out.print(
            f"[bold]{system_table}[/] {escape(place)} [red]{escape(reasons.replace(',', ', '))}[/]"
            + (" (repaired: a good row or file came for it)" if is_repaired else ""),
            **PLAIN,
        )
        out.print(f"    {escape(text)}", style="dim", **PLAIN)
        if read_as:
            out.print(f"    read as {escape(read_as)}", style="dim", **PLAIN)


def _print_left_out(connection: duckdb.DuckDBPyConnection, table: str | None) -> None:
    rows = _of_staging(
        connection,
        f"""
        select system_table, source_table, reason, count(*), min_by(file_name || ':' || line, (file_name, line))
        from staging.left_out_rows {"where ? in (system_table, source_table)" if table else ""}
        group by system_table, source_table, reason order by system_table, source_table, reason
        """,
        [table] if table else [],
    )
    if not rows:
        out.print("nothing is left out" + (f" of {table}" if table else ""))
    for system_table, source_table, reason, count, place in rows:
        out.print(
            f"[bold]{system_table}[/] {count:,} rows of {source_table} left out: {reason} (first {escape(place)})",
            **PLAIN,
        )


def _quarantined(
    connection: duckdb.DuckDBPyConnection, table: str | None, limit: int
) -> tuple[int, list[tuple[Any, ...]]]:
    where, parameters = ("where ? in (system_table, source_table)", [table]) if table else ("", [])
    [(total,)] = _of_staging(connection, f"select count(*) from staging.quarantined_rows {where}", parameters)
    # a source system's row is shown where it lies, its faults by the columns that it has there
    rows = _of_staging(
        connection,
        f"""
        with faults as (
            select rows.*, unnest(string_split(reasons, ',')) as reason, generate_subscripts(
                string_split(reasons, ','), 1) as number
            from staging.quarantined_rows as rows {where}
        )
        select
            faults.system_table,
            case when source_table <> faults.system_table then replace(source_table, '.', '/') || '/' else '' end
                || file_name || ':' || line as place,
            string_agg(reason || coalesce(' (' || source_column || ')', ''), ',' order by number),
            row_text,
            case when source_table <> faults.system_table and reasons <> 'malformed_line' then read_as end,
            is_repaired
        from faults left join staging.source_columns as columns
            on faults.system_table = columns.system_table
            and regexp_replace(reason, '^(invalid|missing)_', '') = columns.column_name
            and split_part(source_table, '.', 1) = columns.source_system
        group by all
        order by is_repaired, faults.system_table, place limit {limit}
        """,
        parameters,
    )
    return total, rows


def _of_staging(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object]
) -> list[tuple[Any, ...]]:
    """What a query of schema staging gives. Raises UsageError where no build of this version got that far."""
    try:
        return connection.execute(query, parameters).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise UsageError("no build of this version has got as far as staging yet: run `kpi build` first") from error
