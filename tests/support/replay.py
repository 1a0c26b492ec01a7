"""Runs again, without dbt, what dbt ran: for tests that put many companies through the same models.

What dbt executes depends on the settings and not on the data, so the SQL of one build is that of the next. Every
statement and data test is taken over as dbt wrote it down, in the order that dbt finished them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from orchestration.build.transform import DbtProject
from orchestration.core.settings import Settings


class Replay:
    """The models and data tests of some layers: run by dbt the first time, replayed after that."""

    def __init__(self, settings: Settings, layers: Sequence[Sequence[str]]) -> None:
        self._settings = settings
        self._layers = layers
        self._project: DbtProject | None = None
        self._statements: list[str] = []
        self._data_tests: list[tuple[str, str]] = []

    def run(self) -> None:
        """Build everything in the build file. Raises BuildError or AssertionError where a data test fails."""
        if self._project is None:
            self._project = DbtProject(self._settings)
            for select in self._layers:
                self._take_down(self._project.build(select).nodes)
            self._take_down_views()
            return
        with duckdb.connect(str(self._settings.paths.build_file)) as connection:
            connection.execute("set TimeZone = 'UTC'; set threads = 1")
            for statement in self._statements:
                connection.execute(statement)
            for name, query in self._data_tests:
                failures = connection.execute(query).fetchmany(3)
                assert not failures, f"data test {name}: {failures}"

    def _take_down_views(self) -> None:
        """The views of schema drill, which dbt makes beside the models; the as-of date stands in them."""
        with duckdb.connect(str(self._settings.paths.build_file), read_only=True) as connection:
            views = connection.execute("select sql from duckdb_views() where schema_name = 'drill'").fetchall()
        self._statements += [sql.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1) for (sql,) in views]

    def kpi_models(self) -> list[str]:
        """Names of the models in schema `kpi`."""
        assert self._project is not None
        return self._project.models_of("kpi")

    def _take_down(self, nodes: Sequence[str]) -> None:
        assert self._project is not None
        run = self._settings.warehouse / "dbt" / "run"
        for unique_id in nodes:
            node = self._project.manifest.nodes[unique_id]
            if node.resource_type == "model":
                executed = run / node.package_name / node.original_file_path
                self._statements.append(_replacing(executed))
            elif node.resource_type == "test":
                assert str(node.config.severity).lower() == "error"
                self._data_tests.append((node.name, node.compiled_code))


def _replacing(executed: Path) -> str:
    """What dbt executed for a model, so that it replaces what is there."""
    statement = executed.read_text(encoding="utf-8")
    for kind in ("table", "view"):
        for spaces in (" ", "  "):
            statement = statement.replace(f"create{spaces}{kind}\n", f"create or replace {kind}\n")
            statement = statement.replace(f"create{spaces}{kind} ", f"create or replace {kind} ")
    assert "create or replace" in statement
    return statement
