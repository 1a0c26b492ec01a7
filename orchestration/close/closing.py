"""Closes a month: the rules, then everything into one folder that appears whole or not at all."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from orchestration.close.content import Cover, frozen_sources, read_content
from orchestration.close.workbook import write_workbook
from orchestration.core.errors import BuildError, GateClosedError, KpiError, TransientError, UsageError
from orchestration.core.process import keep_files_private
from orchestration.core.settings import Settings
from orchestration.finance import snapshot, store, verification
from orchestration.finance.calendar import (
    close_due_on,
    month_end,
    month_name,
    months_after,
    read_holidays,
)
from orchestration.finance.project import read_project
from orchestration.finance.register import Entry, append, read_key
from orchestration.finance.snapshot import Control, Freezer
from orchestration.finance.store import ClosedMonth, Link, Manifest
from orchestration.finance.tables import complete_register, recorded_months, what_is_recorded
from orchestration.publish.marts import republish_finance
from orchestration.text.catalogue import Language
from orchestration.warehouse.connections import attach
from orchestration.warehouse.lock import warehouse_lock

LOCK = ".close.lock"


@dataclass(frozen=True)
class CloseResult:
    """A closed month. `is_new`: closed by this call, rather than before."""

    closed: ClosedMonth
    is_new: bool


@dataclass(frozen=True)
class PublishedBuild:
    """The build that is published, and the record of its run."""

    run_id: str
    as_of_date: date
    published_at: datetime
    code_version: str
    record: dict[str, Any]


def finance_folder(settings: Settings) -> Path:
    """Where the closed months of a warehouse lie."""
    return settings.paths.finance


def close_month(
    settings: Settings,
    month: date,
    *,
    who: str | None = None,
    restate_reason: str | None = None,
    lang: Language = "en",
    on_wait: Callable[[str], None] = lambda _: None,
) -> CloseResult:
    """Freeze a month (its first day), or with `restate_reason` write the next version of one that is closed.

    A month that is closed already stays as it is and is returned. `who` defaults to the user who runs this.
    Raises UsageError where the month may not be closed (yet), GateClosedError or BuildError where the published build
    is not fit to close from, TransientError where somebody else is closing a month of this warehouse now.
    """
    month = month.replace(day=1)
    keep_files_private(settings.umask)
    with _close_lock(settings.warehouse):
        if restate_reason is None and (done := _latest(settings, month)):
            _ensure_queryable(settings, done, on_wait)
            return CloseResult(done, is_new=False)
        with warehouse_lock(settings.paths, settings.wait_minutes, on_wait):
            build = published_build(settings)
            key = read_key(settings.close_key_file)
            complete_register(settings.paths, key)
            if restate_reason is None and (done := _latest(settings, month)):  # its close had died at the last step
                _republish(settings, done)
                return CloseResult(done, is_new=False)
            closed = store.closed_months(finance_folder(settings))
            version, previous, restates = _check_rules(settings, build, closed, month, restate_reason)
            partial = store.new_partial(finance_folder(settings), month, version)
            entered: list[Entry] = []

            def register(link: Link) -> None:
                entered.append(append(finance_folder(settings), link, manifest.closed_at, manifest.closed_by, key))

            try:
                manifest = _write(settings, build, partial, month, version, who or user_name(), lang, restate_reason)
                manifest = replace(manifest, previous=previous, restates=restates)
                final = finance_folder(settings) / store.folder_name(month, version)
                sealed = store.seal(partial, manifest, final, register)
            except OSError as error:
                raise BuildError(
                    f"{month_name(month)} cannot be closed: {error}", ["nothing of it was kept"]
                ) from error
            finally:
                # a close that is on the register is finished by the next build or close
                if partial.exists() and not entered:
                    store.remove_partial(partial)
            _republish(settings, sealed)
    return CloseResult(sealed, is_new=True)


def user_name() -> str:
    """Who runs this, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def _close_lock(warehouse: Path) -> Iterator[None]:
    """One close at a time; a second one is told at once. The lock ends with the process."""
    if not warehouse.is_dir():
        raise UsageError(f"there is no warehouse {warehouse}: run `kpi build` first, or name another --warehouse")
    lock = FileLock(warehouse / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TransientError(
            f"somebody else is closing a month in {warehouse} right now; nothing was done",
            ["`kpi verify` lists the closed months; try again when the other close has ended"],
        ) from error
    except OSError as error:
        raise BuildError(f"warehouse folder {warehouse} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _latest(settings: Settings, month: date) -> ClosedMonth | None:
    """The last version of a month, if it is closed. Raises DamagedMonthError where its manifest cannot be read."""
    entries = [entry for entry in store.closed_folders(finance_folder(settings)) if entry[0] == month]
    return store.read_closed(*entries[-1]) if entries else None


def published_build(settings: Settings) -> PublishedBuild:
    """The build that is published, if the build file still holds the same one. The warehouse's lock must be held.

    Raises GateClosedError where a gate stopped the last build, BuildError where it failed otherwise or died: its half
    tables are not those of the published figures.
    """
    way_out = ["run `kpi build`, then close again"]
    if not settings.paths.marts_file.exists() or not settings.paths.last_run_file.exists():
        raise UsageError(f"nothing is published in {settings.warehouse} yet: run `kpi build` first")
    if settings.paths.running_file.exists():
        raise BuildError(
            f"the last build in {settings.warehouse} died halfway: its tables are not those published", way_out
        )
    record: dict[str, Any] = json.loads(settings.paths.last_run_file.read_text(encoding="utf-8"))
    if record["exit_code"] != 0:
        kind = GateClosedError if record["exit_code"] == GateClosedError.exit_code else BuildError
        raise kind(
            f"the last build, {record['run_id']}, failed: {record['error']}",
            ["a month is closed from a build that passed every gate", *way_out],
        )
    if closed_gates := [entry["gate"] for entry in record["gates"] if not entry["passed"]]:
        raise GateClosedError(f"the gate {closed_gates[0]} did not let build {record['run_id']} pass", way_out)
    with _published(settings.paths.marts_file) as connection:
        row = connection.execute(
            "select run_id, as_of_date, published_at, code_version from published.meta.build_info"
        ).fetchone()
        has_finance = connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'finance' and table_name = 'kpi_restatements'"
        ).fetchone()
    assert row is not None
    if not has_finance:
        raise BuildError(f"{settings.paths.marts_file} was published by a version without finance's tables", way_out)
    if row[0] != record["run_id"]:
        raise BuildError(f"published is build {row[0]}, but the last one is {record['run_id']}, which is not", way_out)
    return PublishedBuild(row[0], row[1], row[2], row[3], record)


@contextmanager
def _published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        attach(connection, path, "published")
        yield connection


def _check_rules(
    settings: Settings, build: PublishedBuild, closed: list[ClosedMonth], month: date, restate_reason: str | None
) -> tuple[int, Link | None, Link | None]:
    """Whether the month may be closed; its version, the month before and the version it takes over from."""
    if month_end(month) >= build.as_of_date:
        raise UsageError(
            f"{month_name(month)} is not over in the published build, whose books end on {build.as_of_date}",
            [f"build as of {months_after(month, 1)} or later, then close again"],
        )
    _check_all_is_there(settings)
    latest = store.latest_versions(closed)
    own = latest.get(month)
    if restate_reason is not None and own is None:
        raise UsageError(
            f"{month_name(month)} is not closed, so there is nothing to restate: `kpi close {month_name(month)}`"
        )
    before = months_after(month, -1)
    previous = latest.get(before)
    if latest and previous is None and month != min(latest):
        first, last = month_name(min(latest)), max(latest)
        if month < min(latest):
            raise UsageError(
                f"{month_name(month)} cannot be closed any more: the chain of closed months begins with {first}"
            )
        raise UsageError(
            f"{month_name(before)} must be closed before {month_name(month)}: "
            f"the last closed month is {month_name(last)}",
            [f"kpi close {month_name(months_after(last, 1))}"],
        )
    _check_month_has_data(settings, month)
    for one in filter(None, (previous, own)):
        if problems := verification.verify_files(one):
            raise BuildError(
                f"{one.label} is not as it was closed: {problems[0]}", ["`kpi verify` names every problem"]
            )
    version = own.version + 1 if own else 1
    return version, previous.link if previous else None, own.link if own else None


def _check_all_is_there(settings: Settings) -> None:
    """What was closed must be there as it was closed; a month that is gone is not closed a second time."""
    _, problems = verification.manifest_problems(
        finance_folder(settings), what_is_recorded(settings.paths, read_key(settings.close_key_file))
    )
    if problems:
        raise BuildError(problems[0].text, ["put it back from a backup; `kpi verify` names every problem"])


def _check_month_has_data(settings: Settings, month: date) -> None:
    with _published(settings.paths.marts_file) as connection:
        row = connection.execute(
            "select min(period_start) from published.kpi.kpi_revenue where period_grain = 'month' and dimension = 'all'"
        ).fetchone()
    first = row[0] if row else None
    if first is None or month < first:
        begin = f"the first month with any is {month_name(first)}" if first else "there is none at all"
        raise UsageError(f"{month_name(month)} has no data to close: {begin}")


def _write(
    settings: Settings,
    build: PublishedBuild,
    partial: Path,
    month: date,
    version: int,
    who: str,
    lang: Language,
    reason: str | None,
) -> Manifest:
    """Write all files of the month but manifest and checksums; returns the manifest, not linked yet."""
    vars_: dict[str, Any] = build.record["settings"]
    project = read_project(settings.paths)
    closed_at = datetime.now(UTC).replace(microsecond=0)
    with _published(settings.paths.marts_file) as connection:
        _attach_build(connection, settings)
        freezer = Freezer(connection, partial, month, version, vars_)
        freezer.freeze(project)
        freezer.copy("restatements", _open_restatements(connection))
        controls = snapshot.controls(connection, partial, month)
        if off := [control for control in controls if not control.agrees]:
            raise BuildError(
                f"{month_name(month)} was not closed: {off[0].name} is {off[0].mart} in the marts, "
                f"{off[0].facts} in the facts",
                [f"{control.name} too: {control.mart}, {control.facts}" for control in off[1:]],
            )
        cover = Cover(
            company=settings.company, month=month, version=version, run_id=build.run_id, as_of_date=build.as_of_date,
            code_version=build.code_version, closed_by=who, closed_at=closed_at, reason=reason,
            currency=vars_["reporting_currency"],
        )  # fmt: skip
        content = read_content(connection, frozen_sources(partial), freezer.periods, controls)
        write_workbook(partial / workbook_name(month, version), cover, content, lang)
    return Manifest(
        month=month_name(month),
        version=version,
        closed_at=closed_at.isoformat(),
        closed_by=who,
        run_id=build.run_id,
        as_of_date=build.as_of_date.isoformat(),
        published_at=build.published_at.isoformat(timespec="seconds"),
        code_version=build.code_version,
        models_sha256=project.sha256,
        lang=lang,
        settings=vars_,
        company=settings.company,
        reason=reason,
        periods=[
            {"period_grain": grain, "period_start": start.isoformat(), "period_end": month_end(month).isoformat()}
            for grain, start in freezer.periods
        ],
        gates=build.record["gates"],
        controls=[_told(control) for control in controls],
        files=store.file_entries(partial, freezer.rows),
    )


def workbook_name(month: date, version: int) -> str:
    """Name of a month's workbook, in its folder."""
    return f"kpi-{month_name(month)}" + (f"-v{version}" if version > 1 else "") + ".xlsx"


def _attach_build(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    try:
        attach(connection, settings.paths.build_file, "build")
    except duckdb.IOException as error:
        raise TransientError(
            f"{settings.paths.build_file} cannot be opened: {str(error).splitlines()[0]}",
            ["close the other program that has it open"],
        ) from error


def _open_restatements(connection: duckdb.DuckDBPyConnection) -> str:
    """What is known at the time of the close of closed months that differ; published with the build."""
    return "from published.finance.kpi_restatements where restated_in_version is null order by all"


def _told(control: Control) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(control).items()}


def _republish(settings: Settings, closed: ClosedMonth) -> None:
    """Put the closed month into what is published. The warehouse's lock must be held."""
    try:
        republish_finance(settings.paths, read_key(settings.close_key_file))
    except (OSError, duckdb.Error, KpiError) as error:
        first = str(error).splitlines()[0]
        raise BuildError(
            f"{closed.label} is closed, but {settings.paths.marts_file} could not be brought up to date: {first}",
            ["the next `kpi build` does it"],
        ) from error


def _ensure_queryable(settings: Settings, closed: ClosedMonth, on_wait: Callable[[str], None]) -> None:
    """After a crash between closing and publishing: publish the month, if the build still allows it."""
    known = {(link.month, link.version) for link, _ in recorded_months(settings.paths.marts_file)}
    if (closed.link.month, closed.version) in known or not settings.paths.marts_file.exists():
        return
    with warehouse_lock(settings.paths, settings.wait_minutes, on_wait):
        try:
            published_build(settings)
        except KpiError:
            return  # the next build does it
        _republish(settings, closed)


def due_month(settings: Settings, today: date) -> date | None:
    """The month that is due to be closed today or was before: the one after the last closed, or the last that is over.

    None where nothing is due. For the monthly schedule.
    """
    months = [month for month, _, _ in store.closed_folders(finance_folder(settings))]
    month = months_after(max(months), 1) if months else months_after(today.replace(day=1), -1)
    return month if close_due_on(month, read_holidays(), settings.close_business_day) <= today else None
