"""The semantic layer for analysts: the facts a build published, and MetricFlow's own command over them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import UsageError
from orchestration.core.settings import Settings

# What is published beside kpi.duckdb: the tables that the metrics read, and the metrics by the settings of that build.
FACTS_FILE = "facts.duckdb"
MANIFEST_FILE = "semantic_manifest.json"
# The target of profiles.yml that reads them.
TARGET = "published"


def publish_facts(build_file: Path, warehouse: Path, manifest_file: Path, run_id: str) -> None:
    """Replace the published facts and metrics by those of this build, each in one rename."""
    for left in warehouse.glob(".facts.*"):
        left.unlink()
    temporary = warehouse / f".facts.{run_id}.duckdb"
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    with duckdb.connect() as connection:
        connection.execute(f"attach '{_escaped(build_file)}' as build (read_only)")
        connection.execute(f"attach '{_escaped(temporary)}' as next_facts")
        for schema, table in _tables(manifest):
            connection.execute(f"create schema if not exists next_facts.{schema}")
            connection.execute(f"create table next_facts.{schema}.{table} as from build.{schema}.{table}")
        connection.execute("detach next_facts")
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    copied = warehouse / f".facts.{run_id}.json"
    shutil.copyfile(manifest_file, copied)
    copied.replace(warehouse / MANIFEST_FILE)
    temporary.replace(warehouse / FACTS_FILE)


def _tables(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Schema and name of what the semantic models and the time spine read."""
    spines = manifest["project_configuration"]["time_spines"]
    relations = [one["node_relation"] for one in (*manifest["semantic_models"], *spines)]
    return sorted({(relation["schema_name"], relation["alias"]) for relation in relations})


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def run_metricflow(settings: Settings, arguments: Sequence[str]) -> None:
    """MetricFlow's command on the published facts, without its look-up of a newer version."""
    manifest_file = settings.warehouse / MANIFEST_FILE
    if not (settings.warehouse / FACTS_FILE).exists() or not manifest_file.exists():
        raise UsageError(f"no facts are published in {settings.warehouse}: run `kpi build` first")
    logs = settings.warehouse / "logs"
    logs.mkdir(exist_ok=True)
    os.environ.update(
        KPI_WAREHOUSE=str(settings.warehouse.resolve()),
        DBT_PROJECT_DIR=str(PROJECT_ROOT),
        DBT_PROFILES_DIR=str(PROJECT_ROOT),
        DBT_TARGET=TARGET,
        DBT_LOG_PATH=str(logs.resolve()),
        DO_NOT_TRACK="1",
    )
    from dbt_metricflow.cli import main
    from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import dbtArtifacts
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

    published = parse_manifest_from_dbt_generated_manifest(
        manifest_json_string=manifest_file.read_text(encoding="utf-8")
    )
    # MetricFlow asks a package index for newer versions at every start, and takes its metrics from target/ only.
    main.UpdateChecker.check = lambda *_, **__: None
    dbtArtifacts.build_semantic_manifest_from_dbt_project_root = staticmethod(lambda project_root: published)
    sys.exit(main.cli.main(args=list(arguments), prog_name="kpi mf", standalone_mode=True))
