"""`kpi close`, `kpi export`, `kpi verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.markup import escape

from orchestration.close.closing import close_month, finance_folder
from orchestration.close.export import FORMATS, Format, export_month
from orchestration.commands.console import PLAIN, Warehouse, out
from orchestration.core.errors import BuildError, UsageError
from orchestration.core.settings import load_settings
from orchestration.finance import store, verification
from orchestration.finance.calendar import parse_month
from orchestration.finance.register import read_key
from orchestration.finance.tables import what_is_recorded
from orchestration.text.catalogue import LANGUAGES, Language

Month = Annotated[str, typer.Argument(metavar="MONTH", help="The month, as YYYY-MM.")]
Lang = Annotated[str, typer.Option(help="Language of the labels: en or ko.")]


def register(app: typer.Typer) -> None:
    """Add finance's commands to the `kpi` command."""
    for command in (close, export, verify):
        app.command()(command)


def close(
    month: Month,
    warehouse: Warehouse = None,
    restate: Annotated[
        bool, typer.Option("--restate", help="Write the next version of a closed month; needs --reason.")
    ] = False,
    reason: Annotated[str | None, typer.Option(help="Why the month is restated.")] = None,
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Who closes it. Default: the user.")] = None,
    lang: Lang = "en",
) -> None:
    """Freeze a month for good: its figures, the facts and inputs behind them, and a workbook."""
    if restate and not (reason or "").strip():
        raise UsageError("--restate needs --reason: say why the month is restated, such as --reason 'late invoices'")
    if reason is not None and not restate:
        raise UsageError("--reason goes with --restate: a month that is closed first needs none")
    settings = load_settings({"warehouse": warehouse})
    result = close_month(
        settings,
        parse_month(month),
        who=who,
        restate_reason=reason.strip() if reason else None,
        lang=_language(lang),
        on_wait=out.print,
    )
    closed = result.closed
    manifest = closed.manifest
    when = manifest.closed_at.replace("T", " ").removesuffix("+00:00")
    if not result.is_new:
        out.print(
            f"{month} is closed already: version {closed.version}, by {escape(manifest.closed_by)} at {when} UTC; "
            "nothing was changed",
            **PLAIN,
        )
        out.print(f'to write the next version: kpi close {month} --restate --reason "..."', **PLAIN)
        return
    out.print(
        f"closed {closed.label}: {len(manifest.files)} files from run {manifest.run_id}, "
        f"by {escape(manifest.closed_by)} at {when} UTC",
        **PLAIN,
    )
    for control in manifest.controls:
        out.print(f"checked: {control['name']} {float(control['mart']):,.2f} in the marts and in the facts", **PLAIN)
    out.print(f"manifest SHA-256 {closed.manifest_sha256}", **PLAIN)
    out.print("  write it down elsewhere: it vouches for this month and all before it", style="dim", **PLAIN)
    out.print(f"{closed.folder}", **PLAIN)


def export(
    month: Month,
    format_: Annotated[str, typer.Option("--format", help="xlsx, csv or parquet.")] = "xlsx",
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where to write. Default: here.")] = Path(),
    lang: Lang = "en",
    warehouse: Warehouse = None,
) -> None:
    """Write a month's figures as files: as they were closed, or of an open month as they are published."""
    if format_ not in FORMATS:
        raise UsageError(f"--format {format_}: formats are {', '.join(FORMATS)}")
    settings = load_settings({"warehouse": warehouse})
    paths = export_month(settings, parse_month(month), format_=cast(Format, format_), to=to, lang=_language(lang))
    for path in paths:
        out.print(f"{path}", **PLAIN)
    if "-open" in paths[0].name:
        out.print(f"{month} is not closed: these figures may still change", style="yellow", **PLAIN)


def verify(warehouse: Warehouse = None) -> None:
    """Check every closed month, file by file, and the chain they form."""
    settings = load_settings({"warehouse": warehouse})
    finance = finance_folder(settings)
    problems = verification.verify(finance, what_is_recorded(settings.paths, read_key(settings.close_key_file)))
    if problems:
        raise BuildError(
            f"{problems[0]}", [*problems[1:], "closed months are never written again: restore the files named"]
        )
    closed = store.closed_months(finance)
    if not closed:
        out.print(f"no month of {settings.warehouse} is closed yet", **PLAIN)
        return
    for one in closed:
        manifest = one.manifest
        why = f", restated: {escape(manifest.reason)}" if manifest.reason else ""
        when = manifest.closed_at.replace("T", " ").removesuffix("+00:00")
        out.print(
            f"{one.label}: {len(manifest.files)} files as they were closed at {when} UTC by "
            f"{escape(manifest.closed_by)}{why}",
            **PLAIN,
        )
        out.print(f"  manifest SHA-256 {one.manifest_sha256}", style="dim", **PLAIN)
    months = len({one.month for one in closed})
    out.print(f"the chain of {months} month{'s' if months != 1 else ''} is whole", **PLAIN)


def _language(lang: str) -> Language:
    if lang not in LANGUAGES:
        raise UsageError(f"--lang {lang}: languages are {', '.join(LANGUAGES)}")
    return cast(Language, lang)
