"""`kpi map`, `kpi doctor`, `kpi identities`: from the files that somebody has to sources, and what comes of them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.markup import escape
from rich.table import Table

from orchestration.commands.console import PLAIN, Warehouse, out
from orchestration.core.company import company_folder
from orchestration.core.contract import source_tables
from orchestration.core.errors import UsageError
from orchestration.core.settings import Settings, load_settings
from orchestration.mapping.doctor import Diagnosis, diagnose
from orchestration.mapping.known import KnownTable, known_tables
from orchestration.mapping.metrics import computable, told
from orchestration.mapping.proposal import CLEARLY_BETTER, Proposal, propose, rank_tables
from orchestration.mapping.sample_rows import FileSample, read_sample
from orchestration.mapping.writing import Target, before_and_after, files_of, object_name
from orchestration.warehouse.connections import read_build_file

DEFAULT_SYSTEM = "own"
MOST_TABLES_NAMED = 4


def register(app: typer.Typer) -> None:
    """Add the commands to the `kpi` command."""
    app.command("map")(map_file)
    app.command()(doctor)
    app.command()(identities)


def map_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file as somebody exported it.")],
    to: Annotated[
        str | None, typer.Option(help="The table it is, such as crm.deals, if its columns do not say.")
    ] = None,
    system: Annotated[str, typer.Option(help="The name of the source system it becomes a part of.")] = DEFAULT_SYSTEM,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook: the sheet, by name or number.")] = None,
    prefix: Annotated[
        bool, typer.Option("--prefix", help="Put the system before its ids, so that those of two systems differ.")
    ] = False,
) -> None:
    """Look at a file and write a first source for it: which table it is, which column is which, how values are read."""
    company = company_folder()
    if company is None:
        raise UsageError(
            "a source is written into a company's folder: `kpi init DIR` makes one; or name it: --company DIR"
        )
    tables = {known.table.label: known for known in known_tables()}
    if to is not None and to not in tables:
        raise UsageError(f"--to {to}: tables are {', '.join(tables)}")
    sample = read_sample(file, [known.probe() for known in known_tables()], sheet)
    known = tables[to] if to else _likeliest(sample, file, sheet)
    proposal = propose(sample, known)
    target = Target(company / "sources", system, object_name(file, known.table.name), prefix)
    _print_proposal(proposal, sample, file)
    written = files_of(proposal, sample, target, file.name)
    _write(written)
    _print_what_next(proposal, target, file, company)


def _likeliest(sample: FileSample, file: Path, sheet: str | None) -> KnownTable:
    ranked = rank_tables(sample, known_tables(), f"{file.stem} {sheet or ''}")
    (best, known), (second, _) = ranked[:2]
    if best < 1 or best < second * CLEARLY_BETTER:
        near = ", ".join(one.table.label for score, one in ranked[:MOST_TABLES_NAMED] if score > 0)
        raise UsageError(
            f"{file} may be {near or 'anything'}: say which with --to",
            [f"its columns are {', '.join(sample.columns)}"],
        )
    return known


def _print_proposal(proposal: Proposal, sample: FileSample, file: Path) -> None:
    out.print(
        f"[bold]{escape(file.name)}[/] is read as [bold]{proposal.known.table.label}[/]"
        + (f", below {sample.preamble_lines} lines that are no data" if sample.preamble_lines else "")
        + (f", a column a month: {proposal.months[0]} to {proposal.months[-1]}" if proposal.months else ""),
        **PLAIN,
    )
    table = Table(show_edge=False)
    for title in ("Ours", "In the file", "Because of", "Before", "After"):
        table.add_column(title, overflow="fold")
    for one in proposal.columns:
        if one.source is None and not one.column.required and one.assumed is None:
            continue
        pairs = before_and_after(one, sample)
        source = one.source if one.source is not None else f"(assumed {one.assumed})" if one.assumed else "-"
        table.add_row(
            one.column.name + ("*" if one.column.required else ""),
            escape(source),
            one.reason or ("open" if one.assumed is None else "nothing says so"),
            escape("\n".join(before for before, _ in pairs)),
            escape("\n".join(after for _, after in pairs)),
            style="yellow" if one.questions or (one.source is None and one.column.required) else None,
        )
    out.print(table)
    if proposal.unused:
        out.print(f"not read: {escape(', '.join(proposal.unused))}", **PLAIN)
    for one in proposal.columns:
        for question in one.questions:
            out.print(f"to decide: {escape(question)}", style="yellow", **PLAIN)
    for name in proposal.missing:
        out.print(f"missing: nothing is read as {name}, which every row must have", style="yellow", **PLAIN)


def _write(written: dict[Path, str]) -> None:
    for path, text in written.items():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            out.print(f"written: {path}", **PLAIN)
        elif path.read_text(encoding="utf-8") == text:
            out.print(f"as it was: {path}", **PLAIN)
        else:
            out.print(f"kept as it is: {path} (delete it to have it written anew)", **PLAIN)


def _print_what_next(proposal: Proposal, target: Target, file: Path, company: Path) -> None:
    settings = load_settings({})
    others = diagnose(settings).filled if _has_files(settings.landing) else set()
    label = proposal.known.table.label
    columns = {f"{label}.{one.column.name}" for one in proposal.columns if one.source is not None}
    possible, _ = computable({*others, label, *columns}, settings)
    before, _ = computable(others - {label, *columns}, settings)
    new = [metric.name_en for metric in possible if metric not in before]
    out.print(
        f"with this {len(possible)} metrics can be computed"
        + (f", among them by this file: {', '.join(new)}" if new else ""),
        **PLAIN,
    )
    folder = company / "landing" / target.system / target.name
    out.print(
        f"next: mkdir -p {shlex.quote(str(folder))} && cp {shlex.quote(str(file))} {shlex.quote(str(folder))}/ "
        "&& kpi build",
        **PLAIN,
    )


def _has_files(landing: Path) -> bool:
    return landing.is_dir() and any(path.is_file() for path in landing.glob("*/*/*"))


def doctor(
    landing: Annotated[
        Path | None,
        typer.Argument(metavar="LANDING", help="The landing folder. Default: the company's.", show_default=False),
    ] = None,
) -> None:
    """What of a landing folder is read as what, what is not and why, and which metrics it suffices for."""
    settings = load_settings({"landing": landing})
    diagnosis = diagnose(settings)
    _print_tables(diagnosis)
    for problem in diagnosis.problems:
        out.print(f"[red]not read:[/] {escape(problem)}", **PLAIN)
    _print_metrics(diagnosis, settings)
    if diagnosis.problems:
        raise typer.Exit(3)


def _print_tables(diagnosis: Diagnosis) -> None:
    for one in diagnosis.tables:
        first = one.files[0] + (f" and {len(one.files) - 1} more" if len(one.files) > 1 else "")
        fills = "" if one.table.is_contract else f" -> {', '.join(one.fills) or 'looked up by others'}"
        out.print(f"[bold]{one.table.label}[/]{fills}: {escape(first)}", **PLAIN)
        if one.table.is_contract and one.absent:
            out.print(f"    has no {', '.join(one.absent)}", style="dim", **PLAIN)
        for remark in one.remarks:
            out.print(f"    {escape(remark)}", style="yellow", **PLAIN)


def _print_metrics(diagnosis: Diagnosis, settings: Settings) -> None:
    possible, lacking = computable(diagnosis.filled, settings)
    out.print(f"\n[bold]{len(possible)} of {len(possible) + len(lacking)} metrics can be computed[/]", **PLAIN)
    if possible:
        out.print("    " + ", ".join(metric.name_en for metric in possible), **PLAIN)
    by_need: dict[tuple[str, ...], list[str]] = {}
    for metric, missing in lacking:
        by_need.setdefault(tuple(missing), []).append(metric.name_en)
    for needs, names in sorted(by_need.items(), key=lambda one: len(one[0])):
        out.print(f"[yellow]for[/] {', '.join(names)}:", **PLAIN)
        out.print(f"    {' and '.join(told(need) for need in needs)}", style="dim", **PLAIN)
    absent = [table.label for table in source_tables() if table.label not in diagnosis.filled]
    if absent:
        out.print(f"nothing lies there for {', '.join(absent)}", style="dim", **PLAIN)


def identities(
    warehouse: Warehouse = None,
    last: Annotated[int, typer.Option("--limit", min=1, help="How many links of a kind to list.")] = 20,
) -> None:
    """Which accounts and reps of source systems are one, by which rule, and which conflict."""
    settings = load_settings({"warehouse": warehouse})
    with read_build_file(settings.paths.build_file) as connection:
        try:
            accounts = connection.execute(
                "select is_conflict, rule, account_id, coalesce(linked_account_id, candidates) "
                "from sources.account_links order by is_conflict desc, rule, account_id"
            ).fetchall()
            reps = connection.execute(
                "select false, 'email', rep_id, linked_rep_id from sources.rep_links order by rep_id"
            ).fetchall()
        except duckdb.CatalogException:
            out.print("no source system has landed: there is nothing to link")
            return
    _print_links("accounts", accounts, last)
    _print_links("reps", reps, last)


def _print_links(what: str, links: list[tuple[bool, str, str, str]], last: int) -> None:
    by_kind: dict[tuple[bool, str], list[tuple[str, str]]] = {}
    for is_conflict, rule, one, other in links:
        by_kind.setdefault((is_conflict, rule), []).append((one, other))
    if not by_kind:
        out.print(f"no {what} are linked")
    for (is_conflict, rule), pairs in by_kind.items():
        if is_conflict:
            head = f"[yellow]{len(pairs):,} {what} stay apart: by {rule} each may be several[/]"
        else:
            head = f"{len(pairs):,} {what} are one with another by {rule}"
        out.print(head + (f", the first {last}:" if len(pairs) > last else ":"), **PLAIN)
        for one, other in pairs[:last]:
            out.print(f"    {escape(one)} {'may be' if is_conflict else 'is'} {escape(other)}", **PLAIN)
    if any(is_conflict for is_conflict, _ in by_kind) and what == "accounts":
        out.print(
            "a file landing/identities/account_links/links.csv decides: source_system,source_id,account_id", **PLAIN
        )
