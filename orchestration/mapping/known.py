"""What people and systems call tables, columns and values: the lists beside this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from orchestration.core.company import seed_rows
from orchestration.core.contract import Column, Table, source_tables


@dataclass(frozen=True)
class KnownTable:
    """A table of the contract with the names by which its files and columns go, and what is assumed where a file has
    no such column (SQL, or another column of the contract)."""

    table: Table
    file_names: tuple[str, ...]
    column_names: Mapping[str, tuple[str, ...]]
    assumed: Mapping[str, str]

    def probe(self) -> Table:
        """The table as it would be recognised: every column optional, with all its names."""
        columns = tuple(
            Column(column.name, required=False, key=False, aliases=self.column_names.get(column.name, ()))
            for column in self.table.columns
        )
        return Table(self.table.system, self.table.name, columns, None)


@cache
def known_tables() -> tuple[KnownTable, ...]:
    """All tables of the contract."""
    names = _document("known_names.yml")
    return tuple(_known(table, names.get(table.label, {})) for table in source_tables())


def known_values(column: Column) -> dict[str, str]:
    """What may be written for the values of a column's list, in lower case, as ours; of stages those of the seed."""
    ours = [row["stage"] for row in seed_rows("deal_stages")] if column.name == "stage" else list(column.accepted)
    written = _document("known_values.yml").get(column.name, {})
    found = {str(one).lower(): value for value in ours for one in written.get(value, ())}
    return found | {value.lower(): value for value in ours} | {value.replace("_", " "): value for value in ours}


def _known(table: Table, names: Mapping[str, Any]) -> KnownTable:
    columns = {name: tuple(map(str, known)) for name, known in names.items() if not name.startswith("_")}
    return KnownTable(table, tuple(names.get("_table", ())), columns, names.get("_assumed", {}))


@cache
def _document(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((files("orchestration.mapping") / name).read_text(encoding="utf-8"))
    return document
