"""What every kind of file has in common: what it is opened from, and what can be asked of it then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import duckdb

from orchestration.core.contract import Table
from orchestration.load.file_facts import FileLayout, Fingerprint
from orchestration.load.scanned import Scanned


@dataclass(frozen=True)
class Content:
    """The bytes of one file to be read, unpacked.

    `candidates` are the tables that it may be of, in the order in which they are tried; `partitions` is what its
    folders say (`year=2025`); `scratch` is where a folder of its own for working copies goes; `print_` is the
    fingerprint of the bytes, where it is known.
    """

    path: Path
    candidates: tuple[Table, ...]
    scratch: Path
    partitions: Mapping[str, str] = field(default_factory=dict)
    print_: Fingerprint | None = None

    def working_folder(self) -> Path:
        """The folder for working copies, there by now."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        return self.scratch

    def constants(self, table: Table) -> dict[str, str]:
        """The columns of a table that its folders give."""
        return {name: value for name, value in self.partitions.items() if name in table.column_names}


class Reading(Protocol):
    """A file that was looked at and can be loaded, whatever its kind."""

    @property
    def layout(self) -> FileLayout: ...

    def scan(self, connection: duckdb.DuckDBPyConnection) -> Scanned:
        """Read the records into the temporary table `scanned_records`: `_base`, the line, and a text for each column.

        Fills `skipped_lines`, by which `_base` becomes a physical line. Raises UnreadableFileError where the file
        cannot be read, or not every line of it be accounted for.
        """
        ...
