"""The semantic layer for analysts: MetricFlow's own command over the facts that are published."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import UsageError
from orchestration.core.paths import WarehousePaths

# The target of profiles.yml that reads the published database.
TARGET = "published"


def run_metricflow(paths: WarehousePaths, arguments: Sequence[str]) -> None:
    """MetricFlow's command on the published facts, without its look-up of a newer version; ends the process."""
    if not paths.marts_file.exists() or not paths.semantic_manifest.exists():
        raise UsageError(f"no facts are published in {paths.root}: run `kpi build` first")
    paths.logs.mkdir(exist_ok=True)
    os.environ.update(
        KPI_WAREHOUSE=str(paths.root.resolve()),
        DBT_PROJECT_DIR=str(PROJECT_ROOT),
        DBT_PROFILES_DIR=str(PROJECT_ROOT),
        DBT_TARGET=TARGET,
        DBT_LOG_PATH=str(paths.logs.resolve()),
        DO_NOT_TRACK="1",
    )
    from dbt_metricflow.cli import main
    from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import dbtArtifacts
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

    published = parse_manifest_from_dbt_generated_manifest(
        manifest_json_string=paths.semantic_manifest.read_text(encoding="utf-8")
    )
    # MetricFlow asks a package index for newer versions at every start, and takes its metrics from target/ only.
    main.UpdateChecker.check = lambda *_, **__: None
    dbtArtifacts.build_semantic_manifest_from_dbt_project_root = staticmethod(lambda project_root: published)
    sys.exit(main.cli.main(args=list(arguments), prog_name="kpi mf", standalone_mode=True))
