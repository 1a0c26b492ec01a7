"""The `kpi` command."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import duckdb
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from orchestration.build.pipeline import Progress, RunRecord, is_building, read_running, run_build
from orchestration.close import commands as finance_commands
from orchestration.core.contract import source_tables
from orchestration.core.errors import KpiError, UsageError
from orchestration.core.settings import Settings, load_settings, parse_vars
from orchestration.publish.postgres import publish_postgres, without_password
from orchestration.sample import DEFAULT_AS_OF, write_sample
from orchestration.show import export, published

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The sales metrics of a small business, from landed files to published KPI marts.",
)
# Text of the data must come out as it is: no `:smile:` turned into a picture.
out = Console(emoji=False)
err = Console(stderr=True, emoji=False)

# What the scorecard at the end of a build shows: one of each kind.
HEADLINES = (
    "revenue", "new_customers", "mrr", "average_order_value", "win_rate", "sales_cycle_length", "quota_attainment",
    "pipeline_value", "lead_conversion_rate", "calls_and_emails", "csat",
)  # fmt: skip
MOST_FINDINGS = 6
MOST_WARNINGS = 6
# For lines that people copy or grep: no wrapping, no colouring of numbers.
PLAIN: dict[str, Any] = {"soft_wrap": True, "highlight": False}

Landing = Annotated[Path | None, typer.Option(help="Folder of the landed files: <system>/<table>/<file>.")]
Warehouse = Annotated[Path | None, typer.Option(help="Folder of build.duckdb, kpi.duckdb, parquet/ and last_run.json.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Last day that counts, YYYY-MM-DD. Default: today.")]


class _TerminalProgress(Progress):
    """Progress bars in a terminal; one line a step elsewhere."""

    def __init__(self, bars: Bars, is_terminal: bool) -> None:
        self._bars = bars
        self._is_terminal = is_terminal
        self._task = bars.add_task("", total=None, visible=False)

    def step(self, name: str, total: int | None = None) -> None:
        if self._is_terminal:
            self._bars.remove_task(self._task)
            self._task = self._bars.add_task(name, total=total)
        else:
            out.print(f"{name} ...")

    def advance(self, item: str) -> None:
        self._bars.advance(self._task)


@app.command()
def build(
    landing: Landing = None,
    warehouse: Warehouse = None,
    as_of: AsOf = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild every model from raw, incremental state included.")
    ] = False,
    var: Annotated[
        list[str] | None,
        typer.Option(help="A setting as NAME=VALUE, such as revenue_basis=bookings; repeatable."),
    ] = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(help="A metric whose past months may differ from what is published by any amount; repeatable."),
    ] = None,
) -> None:
    """Load, transform, gate and publish. Exit 0: published; 2: bad usage; 3: bad files; 4: a gate closed; 5: else."""
    settings = load_settings(
        {
            **parse_vars(var or []),
            "landing": landing,
            "warehouse": warehouse,
            "acknowledged": tuple(acknowledge) if acknowledge else None,
            **_given_date(as_of),
        }
    )
    bars = Bars(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=out, transient=True,
    )  # fmt: skip
    with bars:
        record = run_build(settings, full_refresh=full_refresh, progress=_TerminalProgress(bars, out.is_terminal))
    _print_build(settings, record)


def _given_date(as_of: str | None) -> dict[str, Any]:
    return {} if as_of is None else {"as_of_date": _date(as_of)}


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise UsageError(f"--as-of {text}: write the date as YYYY-MM-DD") from error


def _print_build(settings: Settings, record: RunRecord) -> None:
    for note in record.notes:
        out.print(f"note: {escape(note)}", style="yellow", **PLAIN)
    read = sum(book["read"] for book in record.tables.values())
    quarantined = sum(book["quarantined"] for book in record.tables.values())
    out.print(
        f"{record.files['loaded']} files loaded ({record.files['known_already']} known already), "
        f"{read:,} rows read so far, {quarantined:,} set aside" + (" (see `kpi quarantine`)" if quarantined else ""),
        **PLAIN,
    )
    if record.findings:
        top = sorted(record.findings, key=lambda entry: -entry["rows"])[:MOST_FINDINGS]
        told = ", ".join(f"{entry['table']} {entry['finding']} {entry['rows']:,}" for entry in top)
        rest = len(record.findings) - len(top)
        out.print(f"kept, but look at: {told}" + (f" and {rest} more in last_run.json" if rest > 0 else ""), **PLAIN)
    _print_warnings(record)
    with published.open_published(settings.published_file) as connection:
        _print_scorecard(connection)
    seconds = ", ".join(f"{step} {spent:.1f}" for step, spent in record.seconds.items())
    out.print(f"seconds: {seconds}", style="dim", **PLAIN)
    out.print(
        f"published {settings.published_file} and {settings.warehouse / 'parquet' / 'kpi'}, as of {record.as_of_date}",
        **PLAIN,
    )
    if "dashboard" in record.seconds:
        out.print(f"dashboard: {settings.dashboard_file} (or `kpi dashboard --serve`)", **PLAIN)
    if "postgres" in record.seconds and settings.postgres_url:
        out.print(f"copied to {without_password(settings.postgres_url)}", **PLAIN)


def _print_warnings(record: RunRecord) -> None:
    """What the gates let pass with a warning."""
    warnings = [warning for gate in record.gates for warning in gate["warnings"]]
    for warning in warnings[:MOST_WARNINGS]:
        told = f" ({warning['told']})" if warning["told"] else ""
        out.print(
            f"warning: {escape(warning['table'])}: {escape(warning['expectation'])} observed "
            f"{escape(warning['observed'])}, limit {escape(warning['limit'])}{escape(told)}",
            style="yellow",
            **PLAIN,
        )
    if len(warnings) > MOST_WARNINGS:
        out.print(f"and {len(warnings) - MOST_WARNINGS} more warnings in last_run.json", style="yellow", **PLAIN)


def _print_scorecard(connection: duckdb.DuckDBPyConnection) -> None:
    """The headline metrics of the last complete month (or of the current one, where none is complete)."""
    placeholders = ", ".join("?" for _ in HEADLINES)
    rows = connection.execute(
        f"""
        with months as (
            select period_start, is_complete from kpi.kpi_scorecard
            where period_grain = 'month' and dimension = 'all' group by all
        ),
        chosen as (
            select coalesce(max(period_start) filter (where is_complete), max(period_start)) as period_start from months
        )
        select s.metric_id, s.name_en, s.unit, s.period_start, s.metric_value, s.prior_period_value,
            s.prior_year_value, s.target_value
        from kpi.kpi_scorecard as s inner join chosen using (period_start)
        where s.period_grain = 'month' and s.dimension = 'all' and s.metric_id in ({placeholders})
        """,
        list(HEADLINES),
    ).fetchall()
    by_id = {row[0]: row for row in rows}
    if not by_id:
        return
    month = published.period_name("month", rows[0][3])
    table = Table(title=f"Scorecard {month}", title_justify="left")
    for heading, justify in (
        ("Metric", "left"),
        (month, "right"),
        ("Month before", "right"),
        ("Year before", "right"),
        ("Target", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for metric_id in HEADLINES:
        if metric_id in by_id:
            _, name, unit, _, *values = by_id[metric_id]
            table.add_row(name, *(published.formatted(value, unit) for value in values))
    out.print(table)


@app.command()
def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write; must be empty or not exist.")],
    scale: Annotated[int, typer.Option(help="Size of the business: 1 is one of ten reps.")] = 1,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 1,
    as_of: Annotated[str, typer.Option("--as-of", help="Last day of its three years.")] = DEFAULT_AS_OF.isoformat(),
) -> None:
    """Write the landing files of the sample company, the dirt of real exports included."""
    bars = Bars(
        SpinnerColumn(), TextColumn("Writing the sample company"), BarColumn(), TimeElapsedColumn(),
        console=out, transient=True,
    )  # fmt: skip
    with bars:
        task = bars.add_task("", total=scale)
        try:
            rows = write_sample(
                directory,
                scale=scale,
                seed=seed,
                as_of=_date(as_of),
                progress=lambda done, total: bars.update(task, completed=done, total=total),
            )
        except (ValueError, OSError) as error:
            raise UsageError(str(error)) from error
    out.print(f"{sum(rows.values()):,} rows of {len(rows)} tables written to {directory}", **PLAIN)
    out.print(f"build it with: kpi build --landing {directory} --as-of {as_of}", **PLAIN)


@app.command()
def show(
    metric: Annotated[str, typer.Argument(help="A metric's id or name, such as revenue or win_rate.")],
    by: Annotated[str | None, typer.Option(metavar="CUT", help="A cut, such as sales_rep or region.")] = None,
    grain: Annotated[str, typer.Option(help="week, month, quarter or year.")] = "month",
    last: Annotated[int, typer.Option(min=1, help="How many periods.")] = 12,
    format_: Annotated[
        export.Format, typer.Option("--format", help="A table for people, or rows for another program.")
    ] = export.Format.table,
    warehouse: Warehouse = None,
) -> None:
    """A metric as a table and a sparkline; or its rows, exact, as CSV, JSON or Markdown."""
    settings = load_settings({"warehouse": warehouse})
    with published.open_published(settings.published_file) as connection:
        found = published.find_metric(connection, metric)
        if format_ is not export.Format.table:
            columns, rows = export.read_rows(connection, found, cut=by, grain=grain, last=last)
            typer.echo(export.written(columns, rows, format_), nl=False)
            return
        series = published.read_series(connection, found, cut=by, grain=grain, last=last)
    if by is None:
        _print_periods(found, series[0], grain)
    else:
        _print_members(found, series, by, grain)


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}
)
def mf(
    arguments: Annotated[list[str] | None, typer.Argument(help="What MetricFlow is to do.")] = None,
    warehouse: Warehouse = None,
) -> None:
    """MetricFlow on the published facts: `kpi mf query --metrics win_rate --group-by metric_time__month`."""
    from orchestration.publish.semantic import run_metricflow

    run_metricflow(load_settings({"warehouse": warehouse}), arguments or ["--help"])


def _print_periods(metric: published.Metric, series: published.Series, grain: str) -> None:
    table = Table(title=f"{metric.name_en} by {grain}", title_justify="left")
    table.add_column(grain.capitalize())
    for heading in ("Value", f"{grain.capitalize()} before", "Year before", "Target"):
        table.add_column(heading, justify="right")
    columns = ("metric_value", "prior_period_value", "prior_year_value", "target_value")
    for row in series.rows:
        name = published.period_name(grain, row["period_start"]) + ("" if row["is_complete"] else " (so far)")
        table.add_row(name, *(published.formatted(row[column], metric.unit) for column in columns))
    out.print(table)
    out.print(published.sparkline([row["metric_value"] for row in series.rows]))


def _print_members(metric: published.Metric, series: list[published.Series], cut: str, grain: str) -> None:
    latest = published.period_name(grain, series[0].rows[-1]["period_start"])
    table = Table(title=f"{metric.name_en} by {cut} and {grain}", title_justify="left")
    table.add_column(cut)
    for heading in (latest, f"{grain.capitalize()} before", "Year before", "Target"):
        table.add_column(heading, justify="right")
    table.add_column(f"Last {len(series[0].rows)}")
    columns = ("metric_value", "prior_period_value", "prior_year_value", "target_value")
    for one in series:
        last = one.rows[-1]
        table.add_row(
            escape(one.label),
            *(published.formatted(last[column], metric.unit) for column in columns),
            published.sparkline([row["metric_value"] for row in one.rows]),
        )
    out.print(table)


@app.command()
def dashboard(
    warehouse: Warehouse = None,
    serve: Annotated[bool, typer.Option("--serve", help="Show it on this machine until Ctrl-C is pressed.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve; 0 for any free one.")] = 8050,
) -> None:
    """Render the boards over what is published into the warehouse folder, and serve them if asked."""
    from dashboards.serve import serving  # with the boards, which take a while to import
    from dashboards.site import render_site

    settings = load_settings({"warehouse": warehouse})
    render_site(settings.published_file, settings.company)
    out.print(f"dashboard: {settings.dashboard_file}", **PLAIN)
    if serve:
        with serving(settings.dashboard_file.parent, port) as server:
            out.print(f"serving http://127.0.0.1:{server.server_port}/ - Ctrl-C ends it", **PLAIN)
            with suppress(KeyboardInterrupt):
                server.serve_forever()


@app.command("publish-postgres")
def to_postgres(
    url: Annotated[
        str | None, typer.Argument(help="postgresql://user:password@host:port/database. Default: KPI_POSTGRES_URL.")
    ] = None,
    warehouse: Warehouse = None,
    schema: Annotated[str | None, typer.Option(help="Schema of the views. Default: kpi.")] = None,
    reader: Annotated[str | None, typer.Option(help="Role that may read them. Default: kpi_reader.")] = None,
    recreate: Annotated[
        bool, typer.Option("--recreate", help="Drop views that lost columns, with what depends on them.")
    ] = False,
) -> None:
    """Copy what is published into PostgreSQL, for tools that speak ODBC or JDBC only; all of it or nothing."""
    settings = load_settings(
        {"warehouse": warehouse, "postgres_url": url, "postgres_schema": schema, "postgres_reader": reader}
    )
    if settings.postgres_url is None:
        raise UsageError("no database is named: give its URL, or set KPI_POSTGRES_URL")
    copied = publish_postgres(
        settings.published_file,
        settings.postgres_url,
        schema=settings.postgres_schema,
        reader=settings.postgres_reader,
        recreate=recreate,
    )
    out.print(
        f"{copied.tables} tables, {copied.rows:,} rows of run {copied.run_id} copied to schemas "
        f"{' and '.join(copied.schemas)}; role {copied.reader} may read them",
        **PLAIN,
    )


@app.command()
def quarantine(
    warehouse: Warehouse = None,
    table: Annotated[str | None, typer.Option(help="One table only, as system.table.")] = None,
    last: Annotated[int, typer.Option("--limit", min=1, help="How many rows to list.")] = 50,
) -> None:
    """What was set aside and why: table, file, line, reasons, text."""
    settings = load_settings({"warehouse": warehouse})
    known = [known_table.label for known_table in source_tables()]
    if table is not None and table not in known:
        raise UsageError(f"--table {table}: tables are {', '.join(known)}")
    with _open_build_file(settings) as connection:
        total, rows = _quarantined(connection, table, last)
    if not rows:
        out.print("nothing is quarantined" + (f" in {table}" if table else ""))
        return
    out.print(f"{total:,} rows quarantined" + (f", the first {last}:" if total > last else ":"))
    for system_table, file_name, line, reasons, text in rows:
        out.print(
            f"[bold]{system_table}[/] {escape(file_name)}:{line} [red]{reasons.replace(',', ', ')}[/]",
            **PLAIN,
        )
        out.print(f"    {escape(text)}", style="dim", **PLAIN)


def _open_build_file(settings: Settings) -> duckdb.DuckDBPyConnection:
    if not settings.build_file.exists():
        raise UsageError(f"there is no {settings.build_file} yet: run `kpi build` first, or name another --warehouse")
    try:
        return duckdb.connect(str(settings.build_file), read_only=True)
    except duckdb.IOException as error:
        raise UsageError(f"{settings.build_file} is in use: wait until the build that runs has ended") from error


def _quarantined(
    connection: duckdb.DuckDBPyConnection, table: str | None, limit: int
) -> tuple[int, list[tuple[Any, ...]]]:
    where, parameters = ("where system_table = ?", [table]) if table else ("", [])
    try:
        found = connection.execute(f"select count(*) from staging.quarantined_rows {where}", parameters).fetchone()
        rows = connection.execute(
            f"select system_table, file_name, line, reasons, row_text from staging.quarantined_rows {where} "
            f"order by system_table, file_name, line limit {limit}",
            parameters,
        ).fetchall()
    except duckdb.CatalogException as error:
        raise UsageError("no build has got as far as staging yet: run `kpi build` first") from error
    return (found[0] if found else 0), rows


@app.command()
def status(warehouse: Warehouse = None) -> None:
    """What is published, from when, and how the last build ended."""
    settings = load_settings({"warehouse": warehouse})
    if settings.published_file.exists():
        with published.open_published(settings.published_file) as connection:
            row = connection.execute("select run_id, as_of_date, published_at from kpi.build_info").fetchone()
            count = connection.execute(
                "select count(*) from duckdb_tables() where schema_name = 'kpi' and table_name <> 'build_info'"
            ).fetchone()
        assert row is not None and count is not None
        out.print(
            f"published: {settings.published_file}, {count[0]} marts as of {row[1]}, "
            f"{row[2]:%Y-%m-%d %H:%M} UTC, run {row[0]}",
            **PLAIN,
        )
    else:
        out.print(f"published: nothing in {settings.warehouse} yet")
    if (running := read_running(settings)) is not None:
        is_alive = is_building(settings.warehouse)
        verb = "under way" if is_alive else "died; the next `kpi build` starts clean"
        out.print(
            f"build {running['run_id']}, started {running['started_at']}, step {running['step']}: {verb}", **PLAIN
        )
    if not settings.last_run_file.exists():
        out.print("last build: none")
        return
    run = json.loads(settings.last_run_file.read_text(encoding="utf-8"))
    verdict = "published" if run["exit_code"] == 0 else f"failed with exit {run['exit_code']}: {run['error']}"
    out.print(f"last build: {run['run_id']}, ended {run['finished_at']}, {escape(verdict)}", **PLAIN)
    for detail in run["error_details"]:
        out.print(f"  {escape(detail)}", **PLAIN)
    for gate in run["gates"]:
        verdict = "passed" if gate["passed"] else "closed"
        out.print(
            f"gate {gate['gate'].replace('_', ' ')}: {verdict}, {gate['expectations']} expectations, "
            f"{len(gate['failures'])} failed, {len(gate['warnings'])} warned",
            **PLAIN,
        )
    if run["gates"]:
        out.print(f"data docs: {run['gates'][-1]['data_docs']}", **PLAIN)


finance_commands.register(app)


def _fail(error: KpiError) -> NoReturn:
    err.print(f"kpi: {escape(str(error))}", style="bold red", highlight=False, soft_wrap=True)
    for detail in error.details:
        err.print(f"  {escape(detail)}", highlight=False, soft_wrap=True)
    raise SystemExit(error.exit_code)


def main() -> None:
    """Run the command; a user's mistake ends in a line or two and its exit code, never in a stack trace."""
    try:
        app()
    except KpiError as error:
        _fail(error)
    except KeyboardInterrupt:
        err.print("kpi: interrupted; what was published stays as it was")
        sys.exit(130)
    except Exception as error:
        if os.environ.get("KPI_DEBUG"):
            raise
        err.print(
            f"kpi: {type(error).__name__}: {escape(str(error).splitlines()[0] if str(error) else '')}",
            style="bold red",
        )
        err.print("  this is a bug: run again with KPI_DEBUG=1 for the stack trace")
        sys.exit(5)
