"""`kpi build`, `kpi status`, `kpi rollback`: a build, what came of it, and the way back."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, Any

import duckdb
import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.table import Table

from orchestration.build.only import build_only
from orchestration.build.pipeline import run_build
from orchestration.build.record import RunRecord
from orchestration.build.staged import BOOK_COLUMNS
from orchestration.commands.console import (
    PLAIN,
    AsOf,
    Landing,
    TerminalProgress,
    Warehouse,
    out,
    parse_date,
    progress_bars,
)
from orchestration.core.paths import WarehousePaths
from orchestration.core.settings import Settings, load_settings, parse_vars
from orchestration.publish.postgres import without_password
from orchestration.publish.releases import current_release, roll_back, rolled_back
from orchestration.show import published
from orchestration.show.restated import closed_month_lines
from orchestration.warehouse.connections import open_published
from orchestration.warehouse.lock import is_building, read_json, read_running, warehouse_lock

MOST_FINDINGS = 6
MOST_WARNINGS = 6


def register(app: typer.Typer) -> None:
    """Add the commands to the `kpi` command."""
    for command in (build, status, rollback):
        app.command()(command)


def build(
    landing: Landing = None,
    warehouse: Warehouse = None,
    as_of: AsOf = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild every model from raw, incremental state included.")
    ] = False,
    publish_earlier: Annotated[
        bool,
        typer.Option("--publish-earlier", help="Publish even if what is published counts to a later day than --as-of."),
    ] = False,
    var: Annotated[
        list[str] | None,
        typer.Option(help="A setting as NAME=VALUE, such as revenue_basis=bookings; repeatable."),
    ] = None,
    acknowledge: Annotated[
        list[str] | None,
        typer.Option(help="A metric whose past months may differ from what is published by any amount; repeatable."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="While editing: build these models alone (as dbt selects them: kpi_win_rate+ with all made of it) on "
            "a copy of the last build, and say what changes. Publishes nothing; repeatable."
        ),
    ] = None,
) -> None:
    """Load, transform, gate and publish. Exit 0: published; 2: bad usage; 3: bad files; 4: a gate closed; 5: else."""
    if only:
        _build_only(load_settings({**parse_vars(var or []), "warehouse": warehouse, **_given_date(as_of)}), only)
        return
    settings = load_settings(
        {
            **parse_vars(var or []),
            "landing": landing,
            "warehouse": warehouse,
            "acknowledged": tuple(acknowledge) if acknowledge else None,
            **_given_date(as_of),
        }
    )
    with progress_bars(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()) as bars:
        record = run_build(
            settings,
            full_refresh=full_refresh,
            publish_earlier=publish_earlier,
            progress=TerminalProgress(bars, out.is_terminal),
            gates_apart=True,
        )
    _print_build(settings, record)


def _build_only(settings: Settings, select: Sequence[str]) -> None:
    """Build some models on a copy, by the day of the last build where none is given, and print what differs."""
    last = read_json(settings.paths.last_run_file)
    if settings.as_of_date is None and last is not None:
        settings = settings.model_copy(update={"as_of_date": parse_date(last["as_of_date"])})
    with progress_bars(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()) as bars:
        progress = TerminalProgress(bars, out.is_terminal)
        edited = build_only(settings, select, progress.step, progress.advance)
    for one in edited.marts:
        told = f"{one.mart}: {one.differing:,} of {one.cells:,} cells differ from what is published"
        if one.month is not None:
            value, before = (published.formatted(value, one.unit) for value in (one.value, one.published))
            told += f"; {published.period_name('month', one.month)} is {value}, published {before}"
        out.print(escape(told), **PLAIN)
    out.print(
        f"{len(edited.models)} models built in {edited.build_file}; nothing is published (`kpi build` does that)",
        **PLAIN,
    )


def _given_date(as_of: str | None) -> dict[str, Any]:
    return {} if as_of is None else {"as_of_date": parse_date(as_of)}


def _print_build(settings: Settings, record: RunRecord) -> None:
    read = sum(book["read"] for book in record.tables.values())
    quarantined = sum(book["quarantined"] for book in record.tables.values())
    repaired = sum(book["repaired"] for book in record.tables.values())
    out.print(
        f"{record.files['loaded']} files loaded ({record.files['known_already']} known already), "
        + (f"{record.files['blank_lines']:,} blank lines skipped, " if record.files["blank_lines"] else "")
        + f"{read:,} rows read so far, {quarantined:,} set aside"
        + (f", {repaired:,} of them repaired since" if repaired else "")
        + (" (see `kpi quarantine`)" if quarantined else ""),
        **PLAIN,
    )
    _print_findings(record, settings.reporting_currency)
    _print_warnings(record)
    _print_closed_months(record.closed_months)
    with open_published(settings.paths.marts_file) as connection:
        _print_scorecard(connection)
    seconds = ", ".join(f"{step} {spent:.1f}" for step, spent in record.seconds.items())
    out.print(f"seconds: {seconds}", style="dim", **PLAIN)
    out.print(
        f"published {settings.paths.marts_file} and {settings.paths.parquet / 'kpi'}, as of {record.as_of_date}",
        **PLAIN,
    )
    if "dashboard" in record.seconds:
        out.print(f"dashboard: {settings.paths.dashboard_file} (or `kpi dashboard --serve`)", **PLAIN)
    if "postgres" in record.seconds and settings.postgres_url:
        out.print(f"copied to {without_password(settings.postgres_url)}", **PLAIN)


def _print_findings(record: RunRecord, currency: str) -> None:
    """What was kept but deserves a look, most money first, then most rows."""
    if not record.findings:
        return
    top = record.findings[:MOST_FINDINGS]
    told = ", ".join(
        f"{entry['table']} {entry['finding']} {entry['rows']:,}"
        + (f" ({entry['amount']:,.2f} {currency})" if entry["amount"] is not None else "")
        for entry in top
    )
    rest = len(record.findings) - len(top)
    out.print(f"kept, but look at: {told}" + (f" and {rest} more in last_run.json" if rest > 0 else ""), **PLAIN)


def _print_warnings(record: RunRecord) -> None:
    """What the gates let pass with a warning; those that stood there at the last published run are counted alone."""
    warnings = [warning for gate in record.gates for warning in gate["warnings"]]
    new = [warning for warning in warnings if not warning["is_standing"]]
    for warning in new[:MOST_WARNINGS]:
        told = f" ({warning['told']})" if warning["told"] else ""
        out.print(
            f"warning: {escape(warning['table'])}: {escape(warning['expectation'])} observed "
            f"{escape(warning['observed'])}, limit {escape(warning['limit'])}{escape(told)}",
            style="yellow",
            **PLAIN,
        )
    if len(new) > MOST_WARNINGS:
        out.print(f"and {len(new) - MOST_WARNINGS} more warnings in last_run.json", style="yellow", **PLAIN)
    if standing := len(warnings) - len(new):
        out.print(
            f"{standing} warning{'s' if standing > 1 else ''} as at the last published run (`kpi status` lists them)",
            style="yellow",
            **PLAIN,
        )


def _print_closed_months(lines: Sequence[str]) -> None:
    """Closed months that are damaged, or that today's data changes."""
    for line in lines[:MOST_WARNINGS]:
        out.print(line, style="yellow", **PLAIN)
    if len(lines) > MOST_WARNINGS:
        out.print(f"and {len(lines) - MOST_WARNINGS} more closed months", style="yellow", **PLAIN)
    if lines:
        out.print(
            "finance.kpi_restatements says why, kpi verify what is damaged; kpi close MONTH --restate takes it up",
            style="yellow",
            **PLAIN,
        )


def _print_scorecard(connection: duckdb.DuckDBPyConnection) -> None:
    """The headline metrics of the last complete month (or of the current one, where none is complete)."""
    rows = connection.execute(
        """
        with months as (
            select period_start, is_complete from kpi.kpi_scorecard
            where period_grain = 'month' and dimension = 'all' group by all
        ),
        chosen as (
            select coalesce(max(period_start) filter (where is_complete), max(period_start)) as period_start from months
        )
        select s.name_en, s.unit, s.period_start, s.metric_value, s.prior_period_value, s.prior_year_value,
            s.target_value
        from kpi.kpi_scorecard as s
        inner join chosen using (period_start)
        inner join kpi.kpi_catalog as c on s.metric_id = c.metric_id and c.is_primary_name
        where s.period_grain = 'month' and s.dimension = 'all' and c.headline_position is not null
        order by c.headline_position
        """
    ).fetchall()
    if not rows:
        return
    month = published.period_name("month", rows[0][2])
    table = Table(title=f"Scorecard {month}", title_justify="left")
    for heading, justify in (
        ("Metric", "left"),
        (month, "right"),
        ("Month before", "right"),
        ("Year before", "right"),
        ("Target", "right"),
    ):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for name, unit, _, *values in rows:
        # a target says nothing of what is not known
        told = values if values[0] is not None else [*values[:-1], None]
        table.add_row(name, *(published.formatted(value, unit) for value in told))
    out.print(table)


def status(warehouse: Warehouse = None) -> None:
    """What is published, from when, and how the last build ended."""
    paths = load_settings({"warehouse": warehouse}).paths
    _print_published(paths)
    run = read_json(paths.last_run_file)
    if (running := read_running(paths)) is not None:
        release = current_release(paths)
        if is_building(paths):
            verdict = "under way"
        elif release is not None and release.run_id == running["run_id"]:
            verdict = "died after it had published"
        else:
            verdict = "died; the next `kpi build` starts clean"
        out.print(
            f"build {running['run_id']}, started {running['started_at']}, step {running['step']}: {verdict}", **PLAIN
        )
    if run is None:
        out.print("last build: none")
        return
    failed = f"failed with exit {run['exit_code']}: {run['error']}" if run["exit_code"] else None
    parts = ["published" if run["published"] else None, failed]
    verdict = ", then ".join(part for part in parts if part) or "ended without publishing"
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
        for warning in gate["warnings"]:
            told = f" ({warning['told']})" if warning["told"] else ""
            out.print(f"  {escape(warning['table'])}: {escape(warning['observed'])}{escape(told)}", **PLAIN)
    if run["tables"]:
        rows = {name: sum(book[name] for book in run["tables"].values()) for name in BOOK_COLUMNS}
        out.print(
            f"rows: {rows['read']:,} read = {rows['current']:,} current + {rows['superseded']:,} superseded + "
            f"{rows['deleted']:,} deleted + {rows['quarantined']:,} quarantined (of these {rows['repaired']:,} "
            f"repaired) + {rows['left_out']:,} left out",
            **PLAIN,
        )
    if run["gates"] and run["gates"][-1]["data_docs"]:
        out.print(f"data docs: {run['gates'][-1]['data_docs']}", **PLAIN)


def _print_published(paths: WarehousePaths) -> None:
    if not paths.marts_file.exists():
        out.print(f"published: nothing in {paths.root} yet", **PLAIN)
        return
    with open_published(paths.marts_file) as connection:
        info = connection.execute("select run_id, as_of_date, published_at from meta.build_info").fetchone()
        count = connection.execute("select count(*) from duckdb_tables() where schema_name = 'kpi'").fetchone()
        lines = closed_month_lines(connection)
    assert info is not None and count is not None
    out.print(
        f"published: {paths.marts_file}, {count[0]} marts as of {info[1]}, {info[2]:%Y-%m-%d %H:%M} UTC, run {info[0]}",
        **PLAIN,
    )
    _print_closed_months(lines)
    if (back := rolled_back(paths)) is not None:
        out.print(
            f"rolled back from {back.replaced} at {back.at} by {escape(back.by or 'unknown')}: "
            "holds until the next good build",
            style="yellow",
            **PLAIN,
        )


def rollback(
    warehouse: Warehouse = None,
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Who rolls back. Default: the user.")] = None,
) -> None:
    """Make the release before the current one current again, until the next good build."""
    settings = load_settings({"warehouse": warehouse})
    with warehouse_lock(settings.paths, settings.wait_minutes, out.print):
        now, before = roll_back(settings.paths, who or getpass.getuser())
    out.print(f"published is run {now.run_id} again, as of {now.as_of_date}; it was {before.run_id}", **PLAIN)
    out.print("the next good build publishes over it; months are closed from a build that is published", **PLAIN)
    if settings.postgres_url is not None:
        out.print("the copy in PostgreSQL is as it was: `kpi publish-postgres` brings it along", **PLAIN)
