"""Which source systems a build reads, and what dbt has to know of them: nothing of a system that never landed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.contract import SYSTEMS_FOLDER, Table, landed_tables, source_objects, source_tables
from orchestration.core.settings import Settings
from orchestration.load.landing_folder import landed_systems as loaded_or_landed


def landed_systems(settings: Settings) -> tuple[str, ...]:
    """The systems of which something was loaded into this warehouse or lies in its landing folder, sorted."""
    tables = landed_tables(settings.company_sources)
    build_file = settings.paths.build_file
    if build_file.exists():
        try:
            with duckdb.connect(str(build_file), read_only=True) as connection:
                return tuple(loaded_or_landed(connection, settings.landing, tables))
        except duckdb.Error:
            # a build of another process holds it
            pass
    return tuple(loaded_or_landed(None, settings.landing, tables))


def source_vars(settings: Settings) -> dict[str, Any]:
    """The vars by which dbt knows the systems that landed: which are enabled, what their models bring, their objects.

    `source_models` has for each table of the contract (`system.table`), or other kind such as `identities`, the models
    `<system>__<table or kind>` that bring rows of it.
    """
    systems = landed_systems(settings)
    contract = {table.name: table.label for table in source_tables()}
    models: dict[str, list[str]] = {}
    for system in systems:
        for file in sorted(system_folder(system, settings.company_sources).glob(f"{system}__*.sql")):
            brings = file.stem.removeprefix(f"{system}__")
            models.setdefault(contract.get(brings, brings), []).append(file.stem)
    return {
        "enabled_sources": list(systems),
        "source_models": models,
        "source_objects": [
            {"system": table.system, "name": table.name, "columns": _kept_columns(table)}
            for table in source_objects(settings.company_sources)
            if table.system in systems
        ],
    }


def _kept_columns(table: Table) -> list[str]:
    return [*table.column_names, *(["_other_columns"] if table.keeps_other_columns else [])]


def system_folder(system: str, company_sources: Path | None) -> Path:
    """The folder of a system's SQL: the company's own, else the project's."""
    own = company_sources / system if company_sources else None
    return own if own and own.is_dir() else SYSTEMS_FOLDER / system


def objects_of(settings: Settings) -> tuple[Table, ...]:
    """The objects of the systems that landed."""
    systems = landed_systems(settings)
    return tuple(table for table in source_objects(settings.company_sources) if table.system in systems)
