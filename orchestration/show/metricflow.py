"""The semantic layer for analysts: MetricFlow's own command over the facts that are published.

MetricFlow is made for a dbt project's folder: it takes its metrics from the target folder there, and asks a package
index for newer versions at every start, whatever DO_NOT_TRACK says. Its command has no option for either, so two of
its functions are replaced; `tests/test_metricflow.py` fails, with what to do, where an upgrade no longer has them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import UsageError
from orchestration.core.paths import WarehousePaths
from orchestration.core.process import prepare_for_dbt

# The target of profiles.yml that reads the published database.
PUBLISHED_TARGET = "published"


def run_metricflow(paths: WarehousePaths, arguments: Sequence[str]) -> None:
    """MetricFlow's command on the published facts; ends the process. Raises UsageError where nothing is published."""
    if not paths.marts_file.exists() or not paths.semantic_manifest.exists():
        raise UsageError(f"no facts are published in {paths.root}: run `kpi build` first")
    paths.logs.mkdir(exist_ok=True)
    read_what_is_published(paths)
    from dbt_metricflow.cli import main

    sys.exit(main.cli.main(args=list(arguments), prog_name="kpi mf", standalone_mode=True))


def read_what_is_published(paths: WarehousePaths) -> None:
    """Have MetricFlow, in this process, read the published facts, and the metrics by that build's settings."""
    prepare_for_dbt(paths)
    os.environ.update(
        DBT_PROJECT_DIR=str(PROJECT_ROOT),
        DBT_PROFILES_DIR=str(PROJECT_ROOT),
        DBT_TARGET=PUBLISHED_TARGET,
        DBT_LOG_PATH=str(paths.logs),
    )
    from dbt_metricflow.cli import main
    from dbt_metricflow.cli.dbt_connectors.dbt_config_accessor import dbtArtifacts
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest

    published = parse_manifest_from_dbt_generated_manifest(
        manifest_json_string=paths.semantic_manifest.read_text(encoding="utf-8")
    )
    main.UpdateChecker.check = lambda *_, **__: None
    dbtArtifacts.build_semantic_manifest_from_dbt_project_root = staticmethod(lambda project_root: published)
