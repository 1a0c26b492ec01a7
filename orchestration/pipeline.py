"""One build: load, transform, gate, publish. What `kpi build` runs in one process."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock, Timeout

from orchestration import gates, loader
from orchestration.errors import BuildError, GateClosedError, KpiError
from orchestration.publish import publish
from orchestration.settings import Settings
from orchestration.transform import DbtProject

LAYERS = (("facts", ("intermediate", "facts")), ("kpi", ("kpis",)))


@dataclass
class RunRecord:
    """What a build did, as it is written to last_run.json."""

    run_id: str
    as_of_date: str
    started_at: str
    settings: dict[str, Any]
    finished_at: str | None = None
    exit_code: int | None = None
    error: str | None = None
    error_details: list[str] = field(default_factory=list)
    published: str | None = None
    files: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Progress:
    """Where a build tells how far it is. The base class is silent."""

    def step(self, name: str, total: int | None = None) -> None:
        """A step begins; `total` is how many items it has, where that is known."""

    def advance(self, item: str) -> None:
        """One item of the step is done, or (for a load) begins."""


def run_build(settings: Settings, *, full_refresh: bool = False, progress: Progress | None = None) -> RunRecord:
    """Run a whole build and write last_run.json, whatever comes of it.

    Raises a KpiError where it stops early; what was published before then stays as it was.
    """
    started = datetime.now(UTC)
    record = RunRecord(
        run_id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        as_of_date=settings.as_of.isoformat(),
        started_at=started.isoformat(timespec="seconds"),
        settings=settings.dbt_vars(),
    )
    with _warehouse_lock(settings.warehouse):
        try:
            _build(settings, record, full_refresh, progress or Progress())
            record.exit_code = 0
        except KpiError as error:
            record.exit_code, record.error, record.error_details = error.exit_code, str(error), error.details
            raise
        except BaseException as error:
            record.exit_code, record.error = BuildError.exit_code, f"{type(error).__name__}: {error}"
            raise
        finally:
            record.finished_at = datetime.now(UTC).isoformat(timespec="seconds")
            _write_json(settings.last_run_file, vars(record))
    return record


@contextmanager
def _warehouse_lock(warehouse: Path) -> Iterator[None]:
    """Hold the warehouse for one build; the lock ends with the process, however that ends."""
    try:
        warehouse.mkdir(parents=True, exist_ok=True)
        lock = FileLock(warehouse / ".build.lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise BuildError(f"another build is running on {warehouse}: wait for it to end") from error
    except OSError as error:
        raise BuildError(f"warehouse folder {warehouse} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _build(settings: Settings, record: RunRecord, full_refresh: bool, progress: Progress) -> None:
    with _timed(record, "load"):
        progress.step("Loading landing files")
        report = _load(settings, record.run_id, progress.advance)
        record.files = {
            "seen": report.files_seen, "loaded": report.files_loaded, "known_already": report.files_known,
        }  # fmt: skip
        record.notes = report.notes
    with _timed(record, "parse"):
        progress.step("Reading the dbt project")
        project = DbtProject(settings, progress.advance)
    with _timed(record, "staging"):
        progress.step("Staging and quarantine", project.nodes(["staging"]))
        project.build(["path:seeds", "path:models/staging"], full_refresh)
    with _timed(record, "gate after staging"):
        _gate_after_staging(settings, record)
    for layer, folders in LAYERS:
        with _timed(record, layer):
            progress.step(f"Building {layer}", project.nodes(folders))
            project.build([f"path:models/{folder}" for folder in folders], full_refresh)
    with _timed(record, "publish"):
        tables = project.kpi_models()
        progress.step("Publishing")
        published = publish(
            settings.build_file,
            settings.warehouse,
            tables,
            run_id=record.run_id,
            as_of=record.as_of_date,
            code_version=version("sales-kpi-warehouse"),
        )
        record.published = str(published)


def _load(settings: Settings, run_id: str, progress: Callable[[str], None]) -> loader.LoadReport:
    try:
        with duckdb.connect(str(settings.build_file)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return loader.load(connection, settings.landing, run_id, progress)
    except duckdb.IOException as error:
        raise BuildError(
            f"{settings.build_file} cannot be opened: {str(error).splitlines()[0]}",
            ["close the other program that has it open for writing, or look at the folder's permissions"],
        ) from error


def _gate_after_staging(settings: Settings, record: RunRecord) -> None:
    with duckdb.connect(str(settings.build_file), read_only=True) as connection:
        record.tables = gates.books(connection)
        record.findings = gates.findings(connection)
        breaches = gates.quarantine_breaches(connection, record.tables, settings.quarantine_threshold)
    record.gates.append({"gate": "after staging", "passed": not breaches, "breaches": breaches})
    if breaches:
        raise GateClosedError(
            f"the gate after staging closed: {breaches[0]}; the limit is {settings.quarantine_threshold:.2%}",
            [
                *(f"also {breach}" for breach in breaches[1:]),
                "nothing was published; `kpi quarantine` lists the rows, quarantine_threshold sets the limit",
            ],
        )


@contextmanager
def _timed(record: RunRecord, step: str) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    finally:
        record.seconds[step] = round(time.monotonic() - start, 3)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    temporary.replace(path)
