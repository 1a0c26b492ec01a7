"""A company's folder: its settings, its own reference data and source systems, outside the project's clone.

kpi.yml      settings by name, as in dbt_project.yml; paths are relative to the folder
seeds/       own stages, holidays, business hours; metrics.csv with what is called or ranked otherwise
sources/     own source systems, a folder each
landing/     the files that are read
warehouse/   what is built
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import yaml

from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import UsageError

COMPANY_FILE = "kpi.yml"
# Says where the folder is, for what has no --company: Dagster, a BI tool's script.
COMPANY_VARIABLE = "KPI_COMPANY_FOLDER"
SEEDS_FOLDER = PROJECT_ROOT / "seeds"
# Reference data that a company has its own of, whole.
OWN_SEEDS = ("account_precedence", "business_hours", "deal_stages", "holidays")
# Of the catalogue of metrics it says what differs: rows by metric_id, with some of these columns.
OVERRIDDEN_SEED = "metrics"
OVERRIDDEN_COLUMNS = ("name_en", "name_ko", "is_higher_better", "headline_position")


def company_folder() -> Path | None:
    """The company's folder: the one that KPI_COMPANY_FOLDER names (`--company` sets it), else the nearest with a
    kpi.yml from the working directory upward; None where there is none. Raises UsageError where the one named is none.
    """
    named = os.environ.get(COMPANY_VARIABLE)
    if named:
        folder = Path(os.path.abspath(Path(named).expanduser()))  # noqa: PTH100 (resolve() would follow links)
        if not (folder / COMPANY_FILE).is_file():
            raise UsageError(f"{folder} is no company's folder: it has no {COMPANY_FILE}; `kpi init {named}` makes one")
        return folder
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / COMPANY_FILE).is_file()), None)


def company_settings(folder: Path) -> dict[str, Any]:
    """The settings of a company's kpi.yml. Raises UsageError where it cannot be read."""
    file = folder / COMPANY_FILE
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        told = " ".join(str(error).split())
        raise UsageError(f"{file} cannot be read: {told}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"{file} is no list of settings: write each as `name: value`, such as reporting_currency: EUR")
    paths = {name: folder / str(document[name]) for name in ("landing", "warehouse") if document.get(name)}
    return {str(name): value for name, value in document.items() if value is not None} | paths


def seed_file(name: str) -> Path:
    """The file of a seed: the company's own where it has one."""
    folder = company_folder()
    own = folder / "seeds" / f"{name}.csv" if folder and name in OWN_SEEDS else None
    return own if own and own.is_file() else SEEDS_FOLDER / f"{name}.csv"


def seed_rows(name: str) -> list[dict[str, str]]:
    """The rows of a seed as this company has them. Raises UsageError where its own file does not fit."""
    rows = _read(seed_file(name))
    folder = company_folder()
    overrides = folder / "seeds" / f"{name}.csv" if folder and name == OVERRIDDEN_SEED else None
    if overrides is None or not overrides.is_file():
        return rows
    by_id = {row["metric_id"]: row for row in rows}
    for row in _read(overrides):
        if unknown := sorted(row.keys() - {"metric_id", *OVERRIDDEN_COLUMNS}):
            allowed = ", ".join(("metric_id", *OVERRIDDEN_COLUMNS))
            raise UsageError(f"{overrides}: {unknown[0]} cannot be changed; its columns are {allowed}")
        if row.get("metric_id") not in by_id:
            raise UsageError(f"{overrides}: there is no metric {row.get('metric_id') or '(blank)'}")
        by_id[row["metric_id"]].update({column: value for column, value in row.items() if value})
    return rows


def own_seeds(folder: Path) -> dict[str, Path]:
    """A company's own seeds by name. Raises UsageError naming a file that is none."""
    seeds = {file.stem: file for file in sorted((folder / "seeds").glob("*.csv"))}
    if unknown := seeds.keys() - {*OWN_SEEDS, OVERRIDDEN_SEED}:
        allowed = ", ".join(sorted((*OWN_SEEDS, OVERRIDDEN_SEED)))
        raise UsageError(f"{seeds[min(unknown)]}: nothing reads it; a company's seeds are {allowed}")
    return seeds


def own_sources(folder: Path | None) -> Path | None:
    """The folder of a company's own source systems; None where it has none."""
    sources = folder / "sources" if folder else None
    return sources if sources and any(sources.glob("*/_*.yml")) else None


def _read(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return [dict(row) for row in csv.DictReader(stream)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
