"""Runs dbt in this process: parsed once, then one invocation for each layer, so that gates can stand between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.build import data_tests
from orchestration.build.company_project import project_folder
from orchestration.build.parsing import (
    PARSED_SETTINGS,
    QUIET,
    end_if_told_to,
    first_line,
    message,
    parse,
)
from orchestration.build.systems import source_vars
from orchestration.core.errors import BuildError
from orchestration.core.paths import SEMANTIC_MANIFEST
from orchestration.core.process import limit_memory, prepare_for_dbt
from orchestration.core.settings import Settings
from orchestration.warehouse.lock import write_json

FAILED = ("error", "fail", "runtime error")


@dataclass(frozen=True)
class LayerResult:
    """What one layer's run did: the seconds each seed and model took, how many tests passed on each.

    `nodes` has the unique ids of all that was run, in the order of finishing, the data tests last."""

    seconds: dict[str, float]
    tests: dict[str, int]
    nodes: tuple[str, ...] = ()


class DbtProject:
    """The dbt project, parsed with the settings of a build.

    `on_node` is called with the name of every model, seed or test that finishes.
    """

    def __init__(self, settings: Settings, on_node: Callable[[str], None] = lambda _: None) -> None:
        self._log_folder = settings.paths.logs
        self._target_folder = settings.paths.dbt_target
        self._build_file = settings.paths.build_file
        self._built_project = settings.paths.built_project
        sources = source_vars(settings)
        self._folder = project_folder(settings, tuple(sources["enabled_sources"]))
        variables = {**settings.dbt_vars(), **sources}
        self._options = [
            "--project-dir", str(self._folder),
            "--profiles-dir", str(self._folder),
            "--target-path", str(self._target_folder),
            "--log-path", str(self._log_folder),
            "--vars", json.dumps(variables),
        ]  # fmt: skip
        self._on_node = on_node
        limit_memory(settings.memory_limit)
        prepare_for_dbt(settings.paths)
        parsed_by = {name: variables[name] for name in (*PARSED_SETTINGS, *sources)}
        self.manifest: Any = parse(self._folder, self._target_folder, self._log_folder, parsed_by)

    @property
    def log_file(self) -> Path:
        return self._log_folder / "dbt.log"

    @property
    def semantic_manifest(self) -> Path:
        """The metrics of the semantic layer, as MetricFlow reads them; written when the project is parsed."""
        return self._target_folder / SEMANTIC_MANIFEST

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
        """Build the selected models and seeds, then run their data tests. Raises BuildError naming what failed."""
        results = self._invoke(
            "build", "--exclude-resource-types", "unit_test", "test", "--select", *select,
            *(["--full-refresh"] if full_refresh else []),
        )  # fmt: skip
        self._raise_for([(result.node, result.message) for result in results if str(result.status) in FAILED])
        nodes = self.manifest.nodes
        seconds = {
            result.node.name: float(result.execution_time) for result in results if result.node.unique_id in nodes
        }
        # what is made of a model may be an exposure, too
        ran = [result.node.unique_id for result in results if result.node.unique_id in nodes]
        tests = data_tests.buildable(nodes, ran)
        order = (*ran, *(node.unique_id for node in tests))
        return LayerResult(seconds, self._test(tests), order)

    def _test(self, nodes: Sequence[Any]) -> dict[str, int]:
        """Run data tests; how many passed on each model. Raises BuildError naming the first that failed."""
        plain = [node for node in nodes if data_tests.is_plain(node)]
        others = [node for node in nodes if not data_tests.is_plain(node)]
        passed: Counter[str] = Counter()
        if plain:
            self._invoke("compile", "--select", *(node.name for node in plain), told=False)
            compiled = [data_tests.as_data_test(node, self._folder) for node in plain]
            failures = []
            for test, failure in data_tests.run(self._build_file, compiled):
                self._on_node(test.name)
                passed[test.model] += 1
                failures += [failure] if failure else []
            if failures:
                first, *more = failures
                raise BuildError(
                    f"test {first.test.name} failed: {first.message}",
                    [f"test {failure.test.name} failed too" for failure in more[:5]]
                    + [f"the rows at fault: run {first.test.file} on {self._build_file}"],
                )
        if others:
            results = self._invoke("test", "--select", *(node.name for node in others))
            self._raise_for([(result.node, result.message) for result in results if str(result.status) in FAILED])
            passed.update(str(node.depends_on.nodes[0]).rpartition(".")[2] for node in others)
        return dict(passed)

    def write_built_project(self) -> None:
        """Write down what was built: what finance keeps of dbt's manifest, which is long to write."""
        manifest = self.manifest
        nodes = {
            unique_id: {
                "unique_id": unique_id,
                "name": node.name,
                "resource_type": str(node.resource_type),
                "schema": node.schema,
                "original_file_path": node.original_file_path,
                "checksum": {"checksum": node.checksum.checksum},
                "raw_code": node.raw_code,
                "compiled_code": getattr(node, "compiled_code", None),
                "config": {"meta": node.config.meta, "materialized": node.config.materialized},
                "columns": {name: {} for name in node.columns},
                "depends_on": {"nodes": node.depends_on_nodes},
            }
            for unique_id, node in manifest.nodes.items()
            if node.resource_type in ("model", "seed")
        }
        macros = {
            unique_id: {
                name: getattr(macro, name) for name in ("unique_id", "package_name", "original_file_path", "macro_sql")
            }
            for unique_id, macro in manifest.macros.items()
            if macro.package_name == manifest.metadata.project_name
        }
        content = {"metadata": {"project_name": manifest.metadata.project_name}, "nodes": nodes, "macros": macros}
        write_json(self._built_project, content, indent=None)

    def _invoke(self, command: str, *arguments: str, told: bool = True) -> list[Any]:
        """Run a dbt command on the parsed project; its results. Raises BuildError where dbt itself stops."""
        from dbt.cli.main import dbtRunner

        callbacks = [self._on_event] if told else []
        try:
            # run_results.json and manifest.json take longer to write than most layers to build
            outcome = dbtRunner(manifest=self.manifest, callbacks=callbacks).invoke(
                [*QUIET, "--no-write-json", command, *arguments, *self._options]
            )
        finally:
            _close_database()
        end_if_told_to()
        if outcome.exception is not None:
            raise BuildError(f"dbt stopped: {first_line(outcome.exception)}", [f"log: {self.log_file}"])
        return list(outcome.result)

    def _raise_for(self, failed: Sequence[tuple[Any, str | None]]) -> None:
        if failed:
            (node, text), *more = failed
            raise BuildError(
                f"{node.resource_type} {node.name} failed: {message(text)}",
                [f"{other.resource_type} {other.name} failed too" for other, _ in more[:5]] + [f"log: {self.log_file}"],
            )

    def _on_event(self, event: Any) -> None:
        if event.info.name == "NodeFinished":
            self._on_node(str(event.data.node_info.node_name))


def manifest_of(settings: Settings) -> dict[str, Any]:
    """The manifest of the project as dbt writes it to manifest.json."""
    manifest: dict[str, Any] = DbtProject(settings).manifest.writable_manifest().to_dict(omit_none=False)
    return manifest


def _close_database() -> None:
    """dbt-duckdb keeps the file open after an invocation; a gate must be able to open it read-only."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()
