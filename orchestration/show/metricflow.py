"""The semantic layer for analysts: MetricFlow's own command over the facts that are published."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from orchestration.core.errors import UsageError
from orchestration.core.paths import WarehousePaths
from orchestration.core.process import prepare_for_metricflow


def run_metricflow(paths: WarehousePaths, arguments: Sequence[str]) -> None:
    """MetricFlow's command on the published facts; ends the process. Raises UsageError where nothing is published."""
    if not paths.marts_file.exists() or not paths.semantic_manifest.exists():
        raise UsageError(f"no facts are published in {paths.root}: run `kpi build` first")
    paths.logs.mkdir(exist_ok=True)
    prepare_for_metricflow(paths)
    from dbt_metricflow.cli import main

    sys.exit(main.cli.main(args=list(arguments), prog_name="kpi mf", standalone_mode=True))
