"""What `kpi mf` takes from MetricFlow beyond its documented interface. Look here after an upgrade of dbt-metricflow."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

from orchestration.core.paths import WarehousePaths

pytestmark = pytest.mark.slow

MEND = "orchestration/show/metricflow.py"
PAGE = "docs/dependencies.md says how to go on"
# What MetricFlow does of the two things, with the mend or without: who asked for updates, whose metrics were read.
PROGRAM = """
import sys
from pathlib import Path
from types import SimpleNamespace
from click.testing import CliRunner
from dbt_metricflow.cli import main
from dbt_metricflow.cli.dbt_connectors import dbt_config_accessor as accessor
from orchestration.core.paths import WarehousePaths
from orchestration.show.metricflow import read_what_is_published

main.UpdateChecker.check = lambda *_, **__: print("asked for updates")
if sys.argv[2] == "mended":
    read_what_is_published(WarehousePaths(Path(sys.argv[1])))
done = CliRunner().invoke(main.cli, ["list", "--help"])
print(done.output if done.exit_code == 0 else repr(done.exception))
accessor.get_adapter_by_type = lambda _: None
project = SimpleNamespace(
    profile=SimpleNamespace(credentials=SimpleNamespace(type="duckdb")), project=None, project_path=Path(sys.argv[1])
)
try:
    read = accessor.dbtArtifacts.load_from_project_metadata(project).semantic_manifest
    print("read", len(read.metrics), "metrics of what is published")
except accessor.LoadSemanticManifestException:
    print("looked into the project's target folder")
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a MetricFlow that is mended, and one that is not, does."""
    paths = WarehousePaths(tmp_path_factory.mktemp("mf"))
    paths.current.mkdir()
    paths.logs.mkdir()
    spines: dict[str, list[str]] = {"time_spine_table_configurations": [], "time_spines": []}
    manifest = {"semantic_models": [], "metrics": [], "project_configuration": spines, "saved_queries": []}
    paths.semantic_manifest.write_text(json.dumps(manifest), encoding="utf-8")
    ended = {}
    for how in ("mended", "plain"):
        command = [sys.executable, "-c", PROGRAM, str(paths.root), how]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        ended[how] = done.stdout + done.stderr
    return ended


def test_its_parts_are_where_the_mend_looks_for_them(told: dict[str, str]) -> None:
    for how in ("mended", "plain"):
        assert "Traceback" not in told[how], (
            f"dbt-metricflow {version('dbt-metricflow')} has no UpdateChecker.check in cli/main.py, or no "
            f"dbtArtifacts.build_semantic_manifest_from_dbt_project_root, any more: write {MEND} anew; {PAGE}.\n"
            + told[how]
        )


def test_it_asks_nobody_for_updates(told: dict[str, str]) -> None:
    assert "Usage: " in told["mended"] and "asked for updates" not in told["mended"], (
        f"dbt-metricflow {version('dbt-metricflow')} asks a package index at every start in spite of {MEND}: see what "
        f"cli/main.py calls now; {PAGE}.\n{told['mended']}"
    )
    assert "asked for updates" in told["plain"], (
        f"dbt-metricflow {version('dbt-metricflow')} asks for no updates by itself: take the line with UpdateChecker "
        f"out of {MEND}"
    )


def test_it_reads_the_metrics_of_what_is_published(told: dict[str, str]) -> None:
    assert "read 0 metrics of what is published" in told["mended"], (
        f"dbt-metricflow {version('dbt-metricflow')} reads its metrics elsewhere in spite of {MEND}: see how "
        f"dbt_config_accessor.py loads the semantic manifest now; {PAGE}.\n{told['mended']}"
    )
    assert "looked into the project's target folder" in told["plain"], (
        f"dbt-metricflow {version('dbt-metricflow')} looks elsewhere for its metrics by itself: if there is an option "
        f"for it now, use that in {MEND}"
    )
