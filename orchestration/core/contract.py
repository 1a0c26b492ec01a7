"""The source contract, read from the dbt sources file, so that loader and models share one definition."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SOURCES_FILE = PROJECT_ROOT / "models" / "staging" / "_sources.yml"


@dataclass(frozen=True)
class Column:
    """One column of a landed table: its name, whether every file must have it, whether it is in the key; its type (see
    the sources file), the values it may have (none: any of its type), the table that it refers to."""

    name: str
    required: bool
    key: bool
    type: str = "text"
    accepted: tuple[str, ...] = ()
    parent: str | None = None

    @property
    def identifies(self) -> bool:
        """Whether its value says which row this is, or to which it belongs; such a value is never mended."""
        return self.key or self.name.endswith("_id")


@dataclass(frozen=True)
class Table:
    """One landed table of a source system."""

    system: str
    name: str
    columns: tuple[Column, ...]
    # days after its last file from which a table counts as late
    fresh_days: int

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
    document = yaml.safe_load(SOURCES_FILE.read_text(encoding="utf-8"))
    return tuple(
        Table(
            source["name"],
            table["name"],
            tuple(_column(column) for column in table["columns"]),
            table["config"]["freshness"]["warn_after"]["count"],
        )
        for source in document["sources"]
        for table in source["tables"]
    )


def _column(entry: dict[str, object]) -> Column:
    config = entry["config"]
    assert isinstance(config, dict)
    meta = config["meta"]
    return Column(
        str(entry["name"]),
        required=bool(meta.get("required") or meta.get("in_every_file")),
        key=bool(meta.get("key", False)),
        type=meta["type"],
        accepted=tuple(meta.get("accepted", ())),
        parent=meta.get("parent"),
    )
