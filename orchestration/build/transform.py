"""Runs dbt in this process: parsed once, then one invocation for each layer, so that gates can stand between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.build.company_project import project_folder
from orchestration.build.systems import source_vars
from orchestration.core.errors import BuildError
from orchestration.core.process import interruption, prepare_for_dbt
from orchestration.core.settings import Settings

QUIET = ("--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--quiet")
FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class LayerResult:
    """What one layer's run did: the seconds each seed and model took, and how many tests passed on each."""

    seconds: dict[str, float]
    tests: dict[str, int]


class DbtProject:
    """The dbt project, parsed with the settings of a build.

    `on_node` is called with the name of every model, seed or test that finishes.
    """

    def __init__(self, settings: Settings, on_node: Callable[[str], None] = lambda _: None) -> None:
        self._log_folder = settings.paths.logs
        self._target_folder = settings.paths.dbt_target
        sources = source_vars(settings)
        folder = project_folder(settings, tuple(sources["enabled_sources"]))
        self._options = [
            "--project-dir", str(folder),
            "--profiles-dir", str(folder),
            "--target-path", str(self._target_folder),
            "--log-path", str(self._log_folder),
            "--vars", json.dumps({**settings.dbt_vars(), **sources}),
        ]  # fmt: skip
        self._on_node = on_node
        prepare_for_dbt(settings.paths)
        self.manifest: Any = _parsed(tuple(self._options))

    @property
    def log_file(self) -> Path:
        return self._log_folder / "dbt.log"

    @property
    def semantic_manifest(self) -> Path:
        """The metrics of the semantic layer, as MetricFlow reads them; written when the project is parsed."""
        return self._target_folder / "semantic_manifest.json"

    def nodes(self, selector: Iterable[str]) -> int:
        """How many models, seeds and data tests `build` would run for folders of `models/`."""
        folders = tuple(selector)
        return sum(
            1
            for node in self.manifest.nodes.values()
            if node.resource_type in ("model", "seed", "test")
            and (node.fqn[1:2] == ["seeds"] or any(folder in node.fqn for folder in folders))
        )

    def models_of(self, schema: str) -> list[str]:
        """Names of the models in a schema, sorted."""
        nodes = self.manifest.nodes.values()
        return sorted(node.name for node in nodes if node.resource_type == "model" and node.schema == schema)

    def build(self, select: Iterable[str], full_refresh: bool = False) -> LayerResult:
        """Build the selected nodes and run their data tests. Raises BuildError naming the first that failed."""
        from dbt.cli.main import dbtRunner

        arguments = [
            *QUIET, "build", "--select", *select, "--exclude-resource-type", "unit_test",
            "--indirect-selection", "buildable", *self._options,
        ]  # fmt: skip
        if full_refresh:
            arguments.append("--full-refresh")
        try:
            outcome = dbtRunner(manifest=self.manifest, callbacks=[self._on_event]).invoke(arguments)
        finally:
            _close_database()
        _end_if_told_to()
        if outcome.exception is not None:
            raise BuildError(f"dbt stopped: {_first_line(outcome.exception)}", [f"log: {self.log_file}"])
        results = list(outcome.result)
        failed = [result for result in results if str(result.status) in FAILED]
        if failed:
            raise BuildError(
                f"{failed[0].node.resource_type} {failed[0].node.name} failed: {_message(failed[0].message)}",
                [f"{result.node.resource_type} {result.node.name} failed too" for result in failed[1:6]]
                + [f"log: {self.log_file}"],
            )
        tests = Counter(
            str(parent).rpartition(".")[2]
            for result in results
            if result.node.resource_type == "test"
            for parent in result.node.depends_on.nodes[:1]
        )
        seconds = {
            result.node.name: float(result.execution_time) for result in results if result.node.resource_type != "test"
        }
        return LayerResult(seconds, dict(tests))

    def _on_event(self, event: Any) -> None:
        if event.info.name == "NodeFinished":
            self._on_node(str(event.data.node_info.node_name))


@cache
def _parsed(options: tuple[str, ...]) -> Any:
    """The manifest of the project, parsed once a process for the same settings."""
    from dbt.cli.main import dbtRunner

    parsed = dbtRunner().invoke([*QUIET, "parse", *options])
    _end_if_told_to()
    if not parsed.success:
        # what dbt remembers of an earlier parse breaks on metrics that have gone since, together with what they used
        parsed = dbtRunner().invoke([*QUIET, "--no-partial-parse", "parse", *options])
        _end_if_told_to()
    if not parsed.success:
        raise BuildError(f"the dbt project does not parse: {_first_line(parsed.exception)}")
    return parsed.result


def _end_if_told_to() -> None:
    """dbt takes the exception that ends the process for one of its own, if it does not lose it."""
    if (ended_by := interruption()) is not None:
        raise ended_by


def manifest_of(settings: Settings) -> dict[str, Any]:
    """The manifest of the project as dbt writes it to manifest.json."""
    manifest: dict[str, Any] = DbtProject(settings).manifest.writable_manifest().to_dict(omit_none=False)
    return manifest


def _close_database() -> None:
    """dbt-duckdb keeps the file open after an invocation; a gate must be able to open it read-only."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def _message(text: str | None) -> str:
    """dbt's message without its first, general line."""
    lines = [line.strip() for line in (text or "no message").splitlines() if line.strip()]
    return " ".join(lines[1:3]) if len(lines) > 1 else lines[0]


def _first_line(error: BaseException | None) -> str:
    return _message(str(error)) if error else "unknown error"
