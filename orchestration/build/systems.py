"""Which source systems a build reads, and what dbt has to know of them: nothing of a system that never landed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.contract import SYSTEMS_FOLDER, Table, source_objects, source_tables
from orchestration.core.settings import Settings


def landed_systems(settings: Settings) -> tuple[str, ...]:
    """The systems of which something was loaded into this warehouse or lies in its landing folder, sorted."""
    objects = source_objects(settings.company_sources)
    # files of a system may lie in the contract's folders, too, where the header decides: of those raw knows
    lying = {folder.name.lower() for folder in settings.landing.glob("*") if folder.is_dir()}
    raw_tables = _raw_tables(settings.paths.build_file)
    return tuple(sorted({table.system for table in objects if table.system in lying or table.raw_name in raw_tables}))


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


def _raw_tables(build_file: Path) -> set[str]:
    """The tables of schema raw; none where there is no warehouse yet, or a build of another process holds it."""
    if not build_file.exists():
        return set()
    try:
        connection = duckdb.connect(str(build_file), read_only=True)
    except duckdb.Error:
        return set()
    with connection:
        rows = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
    return {name for (name,) in rows}
