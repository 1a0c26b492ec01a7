"""The edit loop: some models built anew on a copy of the last build, and what that changes of the published figures.

The copy lies in the folder `workbench` of the warehouse. Neither the build file nor what is published is touched: a
month that is closed meanwhile is closed from the build that passed its gates.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.transform import DbtProject
from orchestration.core.errors import UsageError
from orchestration.core.paths import WarehousePaths
from orchestration.core.settings import Settings
from orchestration.warehouse.connections import attach, scalar
from orchestration.warehouse.lock import warehouse_lock

WORKBENCH = "workbench"
COPIED_FILE = ".copied.json"
CELL = ("period_grain", "period_start", "dimension", "dimension_value")
SAME_CELL = " and ".join(f"now.{column} is not distinct from before.{column}" for column in CELL)


@dataclass(frozen=True)
class Changed:
    """A mart that was built: how many of its cells there are, and how many differ from the published ones; its value of
    the last complete month and the published one, and their unit, where it is a metric's."""

    mart: str
    cells: int
    differing: int
    month: date | None = None
    value: Any = None
    published: Any = None
    unit: str = ""


@dataclass(frozen=True)
class Edited:
    """What a build of some models made: the names of all models, and the marts among them."""

    models: list[str]
    marts: list[Changed]
    build_file: Path


def build_only(
    settings: Settings, select: Sequence[str], progress: Callable[[str], None], on_node: Callable[[str], None]
) -> Edited:
    """Build the models that dbt's `select` names (`kpi_win_rate+`: and all made of it), and run their data tests.

    Raises UsageError where nothing was built before, or nothing is selected; BuildError where a model or test fails.
    """
    paths = settings.paths
    if not paths.build_file.exists() or not paths.marts_file.exists():
        raise UsageError(f"nothing is built in {paths.root} yet: run `kpi build` first, or name another --warehouse")
    workbench = WarehousePaths(paths.root / WORKBENCH)
    with warehouse_lock(paths, settings.wait_minutes, progress):
        _copy_build(paths, workbench)
    project = DbtProject(settings.model_copy(update={"warehouse": workbench.root}), on_node)
    built = project.build(select)
    nodes = [project.manifest.nodes[unique_id] for unique_id in built.nodes]
    models = [node for node in nodes if node.resource_type in ("model", "seed")]
    if not models:
        raise UsageError(f"--only {' '.join(select)} selects no model: name one as kpi_win_rate, or kpi_win_rate+")
    marts = [node.name for node in models if node.schema == "kpi" and node.resource_type == "model"]
    with duckdb.connect() as connection:
        attach(connection, workbench.build_file, "edited")
        attach(connection, paths.marts_file, "published")
        changed = [_changed(connection, mart) for mart in sorted(marts)]
    return Edited([node.name for node in models], changed, workbench.build_file)


def _copy_build(paths: WarehousePaths, workbench: WarehousePaths) -> None:
    """Copy the build file, unless the copy is of this very build: then what was built on it since stays."""
    stat = paths.build_file.stat()
    this = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    copied = workbench.root / COPIED_FILE
    if workbench.build_file.exists() and copied.exists() and json.loads(copied.read_text(encoding="utf-8")) == this:
        return
    workbench.root.mkdir(exist_ok=True)
    copied.unlink(missing_ok=True)
    for file in (paths.build_file, paths.build_file.with_name(f"{paths.build_file.name}.wal")):
        target = workbench.root / file.name
        target.unlink(missing_ok=True)
        if file.exists():
            shutil.copyfile(file, target)
    copied.write_text(json.dumps(this), encoding="utf-8")


def _changed(connection: duckdb.DuckDBPyConnection, mart: str) -> Changed:
    columns = {
        database: {
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() "
                "where database_name = ? and schema_name = 'kpi' and table_name = ?",
                [database, mart],
            ).fetchall()
        }
        for database in ("edited", "published")
    }
    cells = scalar(connection, f"select count(*) from edited.kpi.{mart}")
    if not columns["published"]:
        return Changed(mart, cells, cells)
    if not all({*CELL, "metric_value"} <= names for names in columns.values()) or mart == "kpi_scorecard":
        shared = ", ".join(sorted(columns["edited"] & columns["published"]))
        one, other = (f"select {shared} from {database}.kpi.{mart}" for database in ("edited", "published"))
        return Changed(mart, cells, scalar(connection, f"select count(*) from ({one} except all {other})"))
    differing = scalar(
        connection,
        f"select count(*) from edited.kpi.{mart} as now full join published.kpi.{mart} as before on {SAME_CELL} "
        "where now.metric_value is distinct from before.metric_value",
    )
    row = connection.execute(f"""
        select now.period_start, now.metric_value, before.metric_value, catalog.unit
        from edited.kpi.{mart} as now left join published.kpi.{mart} as before on {SAME_CELL}
        cross join (select unit from published.kpi.kpi_catalog where 'kpi_' || metric_id = '{mart}' limit 1) as catalog
        where now.period_grain = 'month' and now.dimension = 'all' and now.is_complete
        order by now.period_start desc limit 1
    """).fetchone()
    return Changed(mart, cells, differing, *(row or ()))
