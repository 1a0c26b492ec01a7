"""State of the whole process, set for libraries that take it no other way: the one place that does so.

dbt's profile reads the warehouse's folder from the environment, MetricFlow its project, target and log. Two of
MetricFlow's functions are replaced, because its command line has no option for what they do.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import FrameType

from orchestration.core.company import COMPANY_VARIABLE
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import InterruptedByError
from orchestration.core.paths import WarehousePaths

# The target of profiles.yml that reads the published database.
PUBLISHED_TARGET = "published"


def end_in_order_when_told_to() -> None:
    """Have SIGTERM, like Ctrl-C, end the process by way of its `finally` clauses: records written, locks free."""

    def end(number: int, frame: FrameType | None) -> None:
        raise InterruptedByError(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def keep_files_private(umask: str) -> None:
    """Have what this process writes from now on be read by whom `umask` (octal, such as 077) leaves the right to."""
    os.umask(int(umask, 8))


def use_company(folder: Path) -> None:
    """Have this process work for the company of a folder, whatever the working directory."""
    os.environ[COMPANY_VARIABLE] = os.path.abspath(folder.expanduser())  # noqa: PTH100 (resolve() would follow links)


def prepare_for_dbt(paths: WarehousePaths) -> None:
    """Have dbt connect to this warehouse, and tell nobody."""
    os.environ["KPI_WAREHOUSE"] = str(paths.root)
    os.environ.setdefault("DO_NOT_TRACK", "1")


def prepare_for_metricflow(paths: WarehousePaths) -> None:
    """Have MetricFlow read what is published in this warehouse: its facts, and the metrics by that build's settings.

    MetricFlow asks a package index for newer versions at every start, whatever DO_NOT_TRACK says, and takes its metrics
    from the project's target folder only: these two functions are replaced.
    """
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
