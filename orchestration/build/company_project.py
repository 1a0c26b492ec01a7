"""The dbt project of a company: the project's files, with the company's own reference data and source systems in place.

A company without any of these is built from the project itself. Otherwise a folder of links in its warehouse stands for
the project: dbt reads its models and macros where they lie, so that an update of the project is an update here.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from orchestration.core.company import OVERRIDDEN_SEED, company_folder, own_seeds, own_sources, seed_rows
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.settings import Settings

LINKED_FOLDERS = ("macros", "models", "seeds", "tests/dbt")
LINKED_FILES = ("dbt_project.yml", "profiles.yml")


def project_folder(settings: Settings, systems: tuple[str, ...]) -> Path:
    """The folder that dbt takes for its project; `systems` are the source systems that landed.

    Raises UsageError where a seed of the company is none.
    """
    folder = company_folder()
    seeds = own_seeds(folder) if folder else {}
    sources = own_sources(folder)
    own_systems = [system for system in systems if sources and (sources / system).is_dir()]
    if folder is None or not (seeds or own_systems):
        return PROJECT_ROOT
    project = settings.paths.root / "dbt_project"
    files = {name: PROJECT_ROOT / name for name in LINKED_FILES}
    for part in LINKED_FOLDERS:
        files |= _files_of(PROJECT_ROOT / part, part)
    for system in own_systems:
        place = f"models/sources/{system}"
        files = {name: file for name, file in files.items() if not name.startswith(f"{place}/")}
        assert sources is not None
        files |= _files_of(sources / system, place)
    for name, file in seeds.items():
        files[f"seeds/{name}.csv"] = _merged_catalogue(settings) if name == OVERRIDDEN_SEED else file
    _link(project, files)
    return project


def _files_of(folder: Path, place: str) -> dict[str, Path]:
    return {
        f"{place}/{file.relative_to(folder).as_posix()}": file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix in (".sql", ".yml", ".csv", ".md")
    }


def _merged_catalogue(settings: Settings) -> Path:
    """The catalogue of metrics with what the company says otherwise, as a file of its warehouse."""
    file = settings.paths.root / "dbt_seeds" / f"{OVERRIDDEN_SEED}.csv"
    rows = seed_rows(OVERRIDDEN_SEED)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def _link(project: Path, files: Mapping[str, Path]) -> None:
    """Have `project` hold links to these files, by their names in it, and nothing else."""
    project.mkdir(parents=True, exist_ok=True)
    for there in sorted(project.rglob("*"), reverse=True):
        name = there.relative_to(project).as_posix()
        if there.is_symlink() or there.is_file():
            if name not in files or not there.is_symlink() or Path(os.readlink(there)) != files[name]:  # noqa: PTH115
                there.unlink()
        elif not any(there.iterdir()):
            there.rmdir()
        elif not any(one.startswith(f"{name}/") for one in files):
            shutil.rmtree(there)
    for name, file in files.items():
        link = project / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(file)
