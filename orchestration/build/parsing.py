"""Has dbt read the project, once for all builds that it is the same for.

Reading it anew takes longer than building the sample company's facts, and dbt does so whenever a var or the profile's
connection differs. So what a build alone knows (its day, its warehouse) is told to dbt when it runs, not when it reads:
the vars of PARSED_SETTINGS and the source systems that landed are all that the reading depends on. What dbt remembers
of it lies beside the project, one file for each combination of these, for every warehouse.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import BuildError
from orchestration.core.paths import SEMANTIC_MANIFEST
from orchestration.core.process import interruption

QUIET = ("--log-level", "none", "--log-level-file", "info", "--no-use-colors", "--quiet")
# The settings that decide what a model refers to, or what YAML says of one (tests/test_parsing.py compares).
PARSED_SETTINGS = (
    "revenue_basis", "win_rate_basis", "lead_conversion_basis", "cac_costs", "cac_lag_days", "churn_formula",
    "response_time_clock", "fx_inference", "attributes_as_of",
)  # fmt: skip
# The profile's target whose database is named like that of `local`, wherever the warehouse is.
PARSE_TARGET = "parse"
PARSED_FILE = "partial_parse.msgpack"
KEPT_PARSES = 20


def parse(project: Path, target_folder: Path, log_folder: Path, variables: Mapping[str, Any]) -> Any:
    """The manifest (dbt's own class) of the project in a folder.

    `variables` are the vars by which it is read; the semantic manifest is written into `target_folder`. Raises
    BuildError where the project does not parse.
    """
    return _parsed(project, target_folder, log_folder, json.dumps(variables, sort_keys=True))


@cache
def _parsed(project: Path, target_folder: Path, log_folder: Path, variables: str) -> Any:
    """Parsed once a process for the same vars."""
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.semantic_manifest import SemanticManifest

    remembered = _remembered_file(project, target_folder, variables)
    written = target_folder / PARSED_FILE
    written.unlink(missing_ok=True)
    options = [
        "--no-write-json", *(["--partial-parse-file-path", str(remembered)] if remembered.exists() else []), "parse",
        "--project-dir", str(project), "--profiles-dir", str(project), "--target", PARSE_TARGET,
        "--target-path", str(target_folder), "--log-path", str(log_folder), "--vars", variables,
    ]  # fmt: skip
    parsed = dbtRunner().invoke([*QUIET, *options])
    end_if_told_to()
    if not parsed.success:
        # what dbt remembers of an earlier parse breaks on metrics that have gone since, together with what they used
        parsed = dbtRunner().invoke([*QUIET, "--no-partial-parse", *options])
        end_if_told_to()
    if not parsed.success:
        raise BuildError(f"the dbt project does not parse: {first_line(parsed.exception)}")
    SemanticManifest(parsed.result).write_json_to_file(str(target_folder / SEMANTIC_MANIFEST))
    if written.exists():
        _remember(written, remembered)
    return parsed.result


def _remembered_file(project: Path, target_folder: Path, variables: str) -> Path:
    """Where dbt's memory of a parse lies: beside the project, else (where nobody may write there, or the folder is one
    of links made for one company) in the warehouse."""
    shared = PROJECT_ROOT / "target" / "parsed"
    is_shared = project == PROJECT_ROOT
    if is_shared:
        try:
            shared.mkdir(parents=True, exist_ok=True)
        except OSError:
            is_shared = False
    folder = shared if is_shared and os.access(shared, os.W_OK) else target_folder
    return folder / f"{hashlib.sha256(variables.encode()).hexdigest()[:16]}.msgpack"


def _remember(written: Path, remembered: Path) -> None:
    """Put what dbt wrote in its place, whole or not at all (another build may be reading); old ones are removed."""
    with suppress(OSError):
        with tempfile.NamedTemporaryFile(dir=remembered.parent, suffix=".partial", delete=False) as partial:
            pass
        shutil.copyfile(written, partial.name)
        Path(partial.name).replace(remembered)
        ours = sorted(remembered.parent.glob("*.msgpack"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in ours[KEPT_PARSES:]:
            old.unlink()


def end_if_told_to() -> None:
    """dbt takes the exception that ends the process for one of its own, if it does not lose it."""
    if (ended_by := interruption()) is not None:
        raise ended_by


def message(text: str | None) -> str:
    """dbt's message without its first, general line."""
    lines = [line.strip() for line in (text or "no message").splitlines() if line.strip()]
    return " ".join(lines[1:3]) if len(lines) > 1 else lines[0]


def first_line(error: BaseException | None) -> str:
    """What an exception of dbt's says, in a line."""
    return message(str(error)) if error else "unknown error"
