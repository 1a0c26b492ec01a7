"""One build: load, transform, gate, publish. What `kpi build` runs in one process, and Dagster step by step."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from expectations.apart import GateProcess
from expectations.runner import GateResult, GateRunner
from orchestration.build import gates, staged
from orchestration.build.progress import Progress
from orchestration.build.record import RunRecord, warnings_of
from orchestration.build.systems import objects_of
from orchestration.build.transform import DbtProject, LayerResult
from orchestration.core.contract import landed_tables
from orchestration.core.errors import BuildError, InterruptedByError, KpiError, UsageError, no_room
from orchestration.core.process import interruption, keep_files_private, limit_memory, undisturbed
from orchestration.core.settings import Settings
from orchestration.finance.register import read_key
from orchestration.load import loader
from orchestration.load.landing_folder import landed_bytes
from orchestration.load.loader import check_landing
from orchestration.publish import marts
from orchestration.publish.postgres import Copied, publish_postgres
from orchestration.publish.releases import current_release, remove_leftovers
from orchestration.show.restated import closed_month_lines
from orchestration.warehouse.connections import open_build_file, open_published
from orchestration.warehouse.lock import read_json, read_running, warehouse_lock, write_json, write_last_run

# What dbt selects for each layer of models.
LAYERS: dict[str, tuple[str, ...]] = {
    "staging": ("path:seeds", "path:models/sources", "path:models/staging"),
    "facts": ("path:models/intermediate", "path:models/facts"),
    "kpi": ("path:models/kpis", "path:models/finance"),
}
# A build in order: a layer, then the gate behind it; then the release, and its copy in PostgreSQL where it is wanted.
STEPS = (
    "load", "after_load", "staging", "after_staging", "facts", "after_facts", "kpi", "after_kpi", "publish", "postgres",
)  # fmt: skip
TOLD = {
    "load": "Loading landing files",
    "parse": "Reading the dbt project",
    "staging": "Staging and quarantine",
    "facts": "Building facts",
    "kpi": "Building KPI marts",
    "publish": "Publishing",
    "dashboard": "Rendering the dashboard",
    "postgres": "Copying the marts to PostgreSQL",
}
# Loading so much keeps all cores busy; the process of the gates gets ready behind it.
LARGE_BYTES = 64 << 20


class Build:
    """One build of a warehouse. Enter `running()`, then take the steps in the order of STEPS."""

    def __init__(
        self,
        settings: Settings,
        *,
        full_refresh: bool = False,
        progress: Progress | None = None,
        gates_apart: bool = False,
    ) -> None:
        started = datetime.now(UTC)
        self.settings = settings
        self.record = RunRecord(
            run_id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            as_of_date=settings.as_of.isoformat(),
            started_at=started.isoformat(timespec="seconds"),
            settings=settings.dbt_vars(),
        )
        self._full_refresh = full_refresh
        self._gate_process = GateProcess() if gates_apart else None
        self._progress = progress or Progress()

    @contextmanager
    def running(self) -> Iterator[Build]:
        """Hold the warehouse, and write last_run.json whatever comes of the steps taken meanwhile."""
        keep_files_private(self.settings.umask)
        limit_memory(self.settings.memory_limit)
        with warehouse_lock(self.settings.paths, self.settings.wait_minutes, self._progress.step):
            remove_leftovers(self.settings.paths)
            self._note_a_dead_run()
            self._remember_warnings()
            if self._gate_process is not None and landed_bytes(self.settings.landing) < LARGE_BYTES:
                self._gate_process.begin(*self._gate_arguments)
            try:
                yield self
                # where steps are taken by others, what failed is on the record already
                self.record.exit_code = self.record.exit_code or 0
            except BaseException as error:
                with undisturbed():
                    failure = interruption() or no_room(error) or error
                    self._end(failure)
                raise failure from (None if failure is error else error)
            finally:
                if self._gate_process is not None:
                    self._gate_process.close()
            with undisturbed():
                self._end()
            if (ended_by := interruption()) is not None:
                ended_by.outcome = "the build had ended"
                raise ended_by

    def _end(self, failure: BaseException | None = None) -> None:
        """Write last_run.json. What was published by now was, whatever came after."""
        record, paths = self.record, self.settings.paths
        if isinstance(failure, KpiError):
            self.fail(failure)
        elif isinstance(failure, InterruptedByError):
            record.exit_code, record.error = failure.exit_code, f"ended by {failure.signal_name}"
        elif failure is not None:
            record.exit_code, record.error = BuildError.exit_code, f"{type(failure).__name__}: {failure}"
        release = current_release(paths)
        if release is not None and release.run_id == record.run_id:
            record.published = str(paths.marts_file)
            record.published_warnings = warnings_of(record.gates)
            if isinstance(failure, InterruptedByError):
                failure.outcome = "this build is published"
        record.finished_at = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            write_last_run(paths, vars(record))
        except OSError as error:
            # .running.json stays: it says that a build ended here without a record
            if failure is None:
                raise
            if isinstance(failure, KpiError):
                failure.details.append(f"last_run.json could not be written: {error.strerror}")
            return
        paths.running_file.unlink(missing_ok=True)

    def resume(self, orchestrator_run_id: str) -> bool:
        """Take over what the gates said in an earlier run, if that was the last one on this warehouse and its settings.

        For a run that is continued where it failed: the steps it does not take again were taken then.
        """
        last = read_json(self.settings.paths.last_run_file)
        if (
            last is None
            or last["orchestrator_run_id"] != orchestrator_run_id
            or last["settings"] != self.record.settings
        ):
            return False
        for name in ("files", "touched", "notes", "tables", "findings", "gates", "seconds"):
            setattr(self.record, name, last.get(name, getattr(self.record, name)))
        return True

    def fail(self, error: KpiError) -> None:
        """Put an error on the record."""
        self.record.exit_code, self.record.error = error.exit_code, str(error)
        self.record.error_details = error.details

    def step(self, name: str) -> loader.LoadReport | LayerResult | GateResult | Path | Copied:
        """Take one step of STEPS. Raises a KpiError where it fails; a gate that is closed is a GateClosedError."""
        if name == "load":
            return self.load()
        if name in LAYERS:
            return self.transform(name)
        if name == "publish":
            return self.publish()
        if name == "postgres":
            return self.copy_to_postgres()
        result = self.gate(name)
        if not result.passed:
            raise gates.closed(result)
        return result

    def load(self) -> loader.LoadReport:
        """Load every new landing file into schema raw."""
        with self._timed("load"), open_build_file(self.settings.paths.build_file) as connection:
            report = loader.load(
                connection,
                self.settings.landing,
                self.record.run_id,
                self._progress.advance,
                landed_tables(self.settings.company_sources),
            )
        self.record.files = {
            "seen": report.files_seen, "loaded": report.files_loaded, "known_already": report.files_known,
            "blank_lines": report.blank_rows,
        }  # fmt: skip
        self.record.touched = {
            label: {
                "rows": one.rows,
                "first_day": one.first_day and one.first_day.isoformat(),
                "last_day": one.last_day and one.last_day.isoformat(),
            }
            for label, one in report.touched.items()
        }
        self._note(*report.notes)
        return report

    def transform(self, layer: str, only: Sequence[str] | None = None) -> LayerResult:
        """Build the models of a layer (all, or some by name) and run their data tests."""
        project = self.project
        select = list(only or LAYERS[layer])
        total = project.nodes([path.rpartition("/")[2].rpartition(":")[2] for path in select])
        with self._timed(layer, total):
            return project.build(select, self._full_refresh)

    def gate(self, gate: str) -> GateResult:
        """Evaluate a gate and put it on the record. Whether it is closed stands in the result."""
        if self._gate_process is not None:
            self._gate_process.begin(*self._gate_arguments)
            _ = self.project  # both take a while to get ready
        with self._timed(gate):
            objects = objects_of(self.settings)
            with open_build_file(self.settings.paths.build_file) as connection:
                gates.prepare(connection, gate, self.settings, objects)
                if gate == "after_staging":
                    self.record.tables = staged.books(connection)
                    self.record.findings = staged.findings(connection)
            runner = self._gate_process or self._gate_runner
            result = runner.run(gate, gates.families(gate, objects))
        told = result.to_dict()
        for warning, key in zip(told["warnings"], warnings_of([told]), strict=True):
            # one that stood there, alike, when the last run was published
            warning["is_standing"] = key in self.record.published_warnings
        self.record.gates = [entry for entry in self.record.gates if entry["gate"] != gate] + [told]
        gates.forget_old_data_docs(self.settings.paths.data_docs)
        return result

    def publish(self) -> Path:
        """Replace the published files by this build's marts. Raises BuildError where a gate did not let it pass."""
        passed = {entry["gate"] for entry in self.record.gates if entry["passed"]}
        if missing := [step for step in STEPS if step.startswith("after_") and step not in passed]:
            raise BuildError(
                f"nothing is published that did not pass the gate {missing[0].replace('_', ' ')}",
                ["run all steps of the build again"],
            )
        project, build, before = self.project, self._published_build(), self._closed_months()
        with self._timed("publish"):
            project.write_built_project()
            marts_file = marts.publish(
                self.settings.paths,
                build,
                semantic_manifest=project.semantic_manifest,
                render=self._render if self.settings.dashboard else None,
                close_key=read_key(self.settings.close_key_file),
            )
            self.record.published = str(marts_file)
        self.record.closed_months = self._closed_months()
        self.record.closed_months_are_news = bool(self.record.closed_months) and self.record.closed_months != before
        seconds = self.record.seconds
        seconds["publish"] = round(seconds["publish"] - seconds.get("dashboard", 0), 3)
        return marts_file

    def _closed_months(self) -> list[str]:
        """What is to be said of the closed months of what is published."""
        if not self.settings.paths.marts_file.exists():
            return []
        with open_published(self.settings.paths.marts_file) as connection:
            return closed_month_lines(connection)

    def _published_build(self) -> marts.Build:
        return marts.Build(
            run_id=self.record.run_id,
            as_of_date=self.record.as_of_date,
            code_version=version("sales-kpi-warehouse"),
            settings=self.record.settings,
            books=self.record.tables,
            tables={schema: self.project.models_of(schema) for schema in ("facts", "kpi")},
        )

    def _render(self, marts_file: Path) -> None:
        """Render the boards beside a database. Raises BuildError where they can't be."""
        from dashboards.site import render_site  # not needed by most commands

        with self._timed("dashboard"):
            try:
                render_site(marts_file, self.settings.company)
            except Exception as error:
                raise BuildError(
                    f"the dashboard is not rendered, so nothing is published: {str(error).splitlines()[0]}",
                    ["`--var dashboard=false` publishes without it"],
                ) from error

    def copy_to_postgres(self) -> Copied:
        """Copy what is published to the database of `postgres_url`; the marts stay published if it fails."""
        settings = self.settings
        assert settings.postgres_url is not None
        with self._timed("postgres"):
            try:
                return publish_postgres(
                    settings.paths.marts_file,
                    settings.postgres_url,
                    schema=settings.postgres_schema,
                    reader=settings.postgres_reader,
                )
            except KpiError as error:
                raise type(error)(f"the marts are published, but not to PostgreSQL: {error}", error.details) from error

    @cached_property
    def project(self) -> DbtProject:
        """The dbt project, parsed at first use."""
        with self._timed("parse"):
            return DbtProject(self.settings, self._progress.advance)

    @cached_property
    def _gate_runner(self) -> GateRunner:
        return GateRunner(*self._gate_arguments)

    @property
    def _gate_arguments(self) -> tuple[Path, Path, str, Mapping[str, Any], bool]:
        paths, run_id = self.settings.paths, self.record.run_id
        always = self.settings.data_docs == "always"
        return paths.build_file, paths.data_docs / run_id, run_id, gates.gate_parameters(self.settings), always

    @contextmanager
    def _timed(self, step: str, total: int | None = None) -> Iterator[None]:
        if (ended_by := interruption()) is not None:
            raise ended_by  # it was lost on the way
        self._progress.step(TOLD.get(step, f"Gate {step.replace('_', ' ')}"), total)
        write_json(
            self.settings.paths.running_file,
            {"run_id": self.record.run_id, "pid": os.getpid(), "started_at": self.record.started_at, "step": step},
        )
        start = time.monotonic()
        try:
            yield
        finally:
            self.record.seconds[step] = round(time.monotonic() - start, 3)

    def _remember_warnings(self) -> None:
        """Take over from the record of the last run what the gates warned of at the last published one."""
        if (last := read_json(self.settings.paths.last_run_file)) is not None:
            self.record.published_warnings = last.get("published_warnings", [])

    def _note_a_dead_run(self) -> None:
        if (dead := read_running(self.settings.paths)) is not None:
            release = current_release(self.settings.paths)
            was_published = release is not None and release.run_id == dead["run_id"]
            self._note(
                f"run {dead['run_id']}, started {dead['started_at']}, died in step {dead['step']}; "
                + ("it had published" if was_published else "nothing of it was published")
                + ", this run starts clean"
            )

    def _note(self, *notes: str) -> None:
        """Put notes on the record, and tell them: a gate may close before the end."""
        self.record.notes += notes
        for note in notes:
            self._progress.note(note)


def run_build(
    settings: Settings,
    *,
    full_refresh: bool = False,
    publish_earlier: bool = False,
    progress: Progress | None = None,
    gates_apart: bool = False,
) -> RunRecord:
    """Run a whole build and write last_run.json, whatever comes of it. `gates_apart`: gates get a process of their own.

    Raises a KpiError where it stops early; what was published before then stays as it was. A build that may not begin
    (no landing folder, or an as-of date before that of what is published without `publish_earlier`) is no last run.
    """
    check_landing(settings.landing)
    if not publish_earlier:
        _check_it_goes_forward(settings)
    build = Build(settings, full_refresh=full_refresh, progress=progress, gates_apart=gates_apart)
    with build.running():
        for step in steps_of(settings):
            build.step(step)
    return build.record


def _check_it_goes_forward(settings: Settings) -> None:
    """Raises UsageError where later days that are published would be taken away."""
    release = current_release(settings.paths)
    if release is not None and date.fromisoformat(release.as_of_date) > settings.as_of:
        raise UsageError(
            f"what is published counts up to {release.as_of_date}, this build would only up to {settings.as_of}",
            ["name another --warehouse for a look back, or say --publish-earlier if that is what you want to publish"],
        )


def steps_of(settings: Settings) -> tuple[str, ...]:
    """The steps that a build takes with these settings, in order."""
    return tuple(step for step in STEPS if step != "postgres" or settings.postgres_url is not None)
