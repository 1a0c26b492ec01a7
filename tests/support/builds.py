"""Loading, staging and building a landing folder in this process, and asking what came of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.pipeline import run_build
from orchestration.build.record import RunRecord
from orchestration.build.transform import DbtProject
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.settings import Settings, load_settings
from orchestration.load import loader
from tests.support.landing import Landing

AS_OF = date(2026, 6, 30)


def settings_for(landing: Path, warehouse: Path, **settings: Any) -> Settings:
    """Settings of a build on 2026-06-30, unless `settings` says otherwise."""
    return load_settings({"as_of_date": AS_OF, **settings, "landing": landing, "warehouse": warehouse})


def load(landing: Landing, warehouse: Path, load_id: str = "load-1") -> loader.LoadReport:
    """Load alone, into the warehouse's build file."""
    warehouse.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return loader.load(connection, landing.folder, load_id)


def stage(project: DbtProject) -> None:
    """Build seeds and staging, and run their dbt tests."""
    project.build(["path:seeds", "path:models/staging"])


def build(landing: Landing, warehouse: Path, **settings: Any) -> RunRecord:
    """A whole build."""
    return run_build(settings_for(landing.folder, warehouse, **settings))


def run_unit_tests(settings: Settings) -> dict[str, str]:
    """Run dbt's unit tests in a warehouse that is built. By name: '' where one passed, else what is wrong."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    project = DbtProject(settings)
    try:
        outcome = dbtRunner(manifest=project.manifest).invoke([
            "--log-level", "none", "--log-level-file", "none", "--quiet", "test", "--select", "test_type:unit",
            "--project-dir", str(PROJECT_ROOT), "--profiles-dir", str(PROJECT_ROOT),
            "--target-path", str(settings.warehouse / "dbt_unit_tests"), "--vars", json.dumps(settings.dbt_vars()),
        ])  # fmt: skip
    finally:
        DuckDBConnectionManager.close_all_connections()
    assert outcome.exception is None, outcome.exception
    said = {unit_test.name: "did not run" for unit_test in project.manifest.unit_tests.values()}
    for result in outcome.result:
        if result.node.name not in said:
            continue  # a hook of the project
        said[result.node.name] = "" if str(result.status) == "pass" else str(result.message)
    return said


def open_build(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the build file, for tests that ask it many things."""
    return duckdb.connect(str(warehouse / "build.duckdb"), read_only=True)


def rows_of(build: Path | duckdb.DuckDBPyConnection, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a query gives of a warehouse's build file, or of a connection to it."""
    if isinstance(build, Path):
        with open_build(build) as connection:
            return connection.execute(query, parameters).fetchall()
    return build.execute(query, parameters).fetchall()
