"""What lands: the source contract, and the objects of source systems, read from the dbt sources files.

Loader and models share these definitions. The contract stands in `models/staging/_sources.yml`; a source system is a
folder of SQL with sources files of its own, `models/sources/<system>/_*.yml`, or the same below `sources/` of a
company's folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.core.errors import UsageError
from orchestration.core.yaml_files import read_yaml

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SOURCES_FILE = PROJECT_ROOT / "models" / "staging" / "_sources.yml"
# What systems, tables and columns are called; files may call their columns anything.
NAME = "[a-z_][a-z0-9_]*"
SYSTEMS_FOLDER = PROJECT_ROOT / "models" / "sources"


@dataclass(frozen=True)
class Column:
    """One column of a landed table: its name, whether every file must have it, whether it is in the key; its type (see
    the sources file), the values it may have (none: any of its type), the table that it refers to, and the names that
    files may have for it beside its own."""

    name: str
    required: bool
    key: bool
    type: str = "text"
    accepted: tuple[str, ...] = ()
    parent: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def identifies(self) -> bool:
        """Whether its value says which row this is, or to which it belongs; such a value is never mended."""
        return self.key or self.name.endswith("_id")


@dataclass(frozen=True)
class Dialect:
    """How the files of a table are written, as far as somebody declared it; None: found out from each file."""

    encoding: str | None = None
    delimiter: str | None = None
    # of a workbook: the sheet's name, or its number from 1
    sheet: str | None = None
    # the line (of a workbook: the row) of the header, from 1
    header_row: int | None = None
    # regular expressions; from the first record on whose first value one of them matches whole, nothing is data
    footer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One landed table: of the contract, or an object of a source system."""

    system: str
    name: str
    columns: tuple[Column, ...]
    # days after its last file from which a table counts as late; None: never
    fresh_days: int | None
    # further folders, as `system/name`, in which its files may lie; the header decides between tables of one folder
    folders: tuple[str, ...] = ()
    dialect: Dialect = Dialect()
    # whether the values of columns beyond `columns` are kept, as a JSON object in `_other_columns`
    keeps_other_columns: bool = False
    is_contract: bool = True

    @property
    def label(self) -> str:
        """`system.table`, as people write it."""
        return f"{self.system}.{self.name}"

    @property
    def raw_name(self) -> str:
        """`system__table`, the table's name in schema raw."""
        return f"{self.system}__{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def required_columns(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns if column.required)


@cache
def source_tables() -> tuple[Table, ...]:
    """All tables of the contract, in the order of the sources file."""
    return _tables(SOURCES_FILE, is_contract=True)


@cache
def source_objects(company_sources: Path | None = None) -> tuple[Table, ...]:
    """The objects of all source systems that are known: the project's own, and those of a company's folder `sources`.

    A system of the company takes the place of one of the same name.
    """
    folders = _system_folders(company_sources)
    return tuple(
        table
        for system in sorted(folders)
        for file in sorted(folders[system].glob("_*.yml"))
        for table in _tables(file, is_contract=False)
    )


def landed_tables(company_sources: Path | None = None) -> tuple[Table, ...]:
    """Every table that files can land for: the contract's, then the objects of source systems."""
    return source_tables() + source_objects(company_sources)


@cache
def tables_filled(company_sources: Path | None = None) -> dict[str, dict[str, tuple[str, ...]]]:
    """The tables of the contract, with their columns, that each object of a source system fills, by its label.

    It stands in the YAML of the models `<system>__<table>`: `config.meta.rows_of`, `columns`.
    """
    contract = {table.name: table.label for table in source_tables()}
    filled: dict[str, dict[str, tuple[str, ...]]] = {}
    for system, folder in _system_folders(company_sources).items():
        for file in sorted(folder.glob("*.yml")):
            document = read_yaml(file) or {}
            for model in document.get("models") or ():
                label = contract.get(str(model["name"]).removeprefix(f"{system}__"))
                columns = tuple(str(column["name"]) for column in model.get("columns") or ())
                for name in model.get("config", {}).get("meta", {}).get("rows_of", ()) if label else ():
                    filled.setdefault(f"{system}.{name}", {})[str(label)] = columns
    return filled


def _system_folders(company_sources: Path | None) -> dict[str, Path]:
    """The folders of all source systems by name: the company's own, else the project's."""
    folders: dict[str, Path] = {}
    for parent in (SYSTEMS_FOLDER, company_sources):
        folders |= {file.parent.name: file.parent for file in (parent.glob("*/_*.yml") if parent else ())}
    return folders


def _tables(file: Path, *, is_contract: bool) -> tuple[Table, ...]:
    try:
        document = read_yaml(file)
        sources = document.get("sources") or ()
        tables = [(source["name"], table) for source in sources for table in source["tables"]]
        names = [(system, table["name"], column["name"]) for system, table in tables for column in table["columns"]]
    except (yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split())
        raise UsageError(f"{file} does not say which tables and columns the system has: {told}") from error
    for system, table, column in names:
        if not all(isinstance(name, str) and re.fullmatch(NAME, name) for name in (system, table, column)):
            raise UsageError(
                f"{file}: {system}.{table}.{column}: write names in small letters, digits and underscores, in quotes "
                "where YAML takes them for something else; what files call it is said by `aliases`"
            )
    return tuple(_table(system, table, is_contract=is_contract) for system, table in tables)


def _table(system: str, entry: Mapping[str, Any], *, is_contract: bool) -> Table:
    config = entry.get("config", {})
    meta = config.get("meta", {})
    folders = (name if "/" in name else f"{system}/{name}" for name in meta.get("folders", ()))
    dialect = meta.get("dialect", {})
    return Table(
        system,
        entry["name"],
        tuple(_column(column) for column in entry["columns"]),
        config.get("freshness", {}).get("warn_after", {}).get("count"),
        tuple(folders),
        Dialect(**{**dialect, "footer": tuple(dialect.get("footer", ()))}),
        keeps_other_columns=bool(meta.get("keeps_other_columns")),
        is_contract=is_contract,
    )


def _column(entry: Mapping[str, Any]) -> Column:
    meta = entry.get("config", {}).get("meta", {})
    return Column(
        str(entry["name"]),
        required=bool(meta.get("required") or meta.get("in_every_file")),
        key=bool(meta.get("key", False)),
        type=meta.get("type", "text"),
        accepted=tuple(meta.get("accepted", ())),
        parent=meta.get("parent"),
        aliases=tuple(meta.get("aliases", ())),
    )
