"""Landing files: appended unit by unit as text; some become Parquet, or are delivered twice, at the end."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType

import duckdb

from orchestration.sample.books import Lines
from orchestration.sample.rows import TABLES
from orchestration.sample.tables import (
    BYTE_ORDER_MARK,
    DELIVERED_TWICE,
    PARQUET_TYPES,
    WINDOWS_LINES,
    Schedule,
)
from orchestration.warehouse.sql import literal


class Landing:
    """The landing folder while it is written. ``plans`` says which files each table has."""

    def __init__(self, target: Path, plans: dict[str, Schedule]) -> None:
        self.target = target
        self.plans = plans
        self.counts = {table: [0] * len(plan.exports) for table, plan in plans.items()}

    def __enter__(self) -> Landing:
        """Make every folder, and every file with its header."""
        self.paths = {
            table: [self._folder(table) / f"{export.name}{self._ending(table)}" for export in plan.exports]
            for table, plan in self.plans.items()
        }
        self.target.mkdir(parents=True, exist_ok=True)
        for table, paths in self.paths.items():
            self._folder(table).mkdir(parents=True)
            mark = b"\xef\xbb\xbf" if table in BYTE_ORDER_MARK else b""
            for path, export in zip(paths, self.plans[table].exports, strict=True):
                path.write_bytes(mark + self._bytes(table, ",".join(export.columns) + "\n"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no half-made text behind where Parquet was meant to be."""
        for table in PARQUET_TYPES:
            for path in self.paths[table]:
                path.unlink(missing_ok=True)

    def _folder(self, table: str) -> Path:
        return self.target.joinpath(*table.split("."))

    @staticmethod
    def _ending(table: str) -> str:
        return ".csv.part" if table in PARQUET_TYPES else ".csv"

    @staticmethod
    def _bytes(table: str, text: str) -> bytes:
        return (text.replace("\n", "\r\n") if table in WINDOWS_LINES else text).encode()

    def append(self, rows: dict[str, Lines]) -> None:
        """Append a batch of lines to the files."""
        for table, lines in rows.items():
            for file, (path, batch) in enumerate(zip(self.paths[table], lines, strict=True)):
                if batch:
                    text = "\n".join(batch) + "\n"
                    self.counts[table][file] += text.count("\n")
                    with path.open("ab") as handle:
                        handle.write(self._bytes(table, text))

    def finish(self, *, some_twice: bool = True) -> dict[str, int]:
        """Convert what is delivered as Parquet, copy what is delivered twice (with `some_twice`); each table's rows."""
        counts = {table: sum(files) for table, files in self.counts.items()}
        for table in PARQUET_TYPES:
            for path in self.paths[table]:
                self._to_parquet(table, path)
        for table, file in DELIVERED_TWICE.items() if some_twice else ():
            path = self.paths[table][file]
            shutil.copyfile(path, path.with_name(f"{path.stem} (1){path.suffix}"))
            counts[table] += self.counts[table][file]
        return counts

    @staticmethod
    def _to_parquet(table: str, path: Path) -> None:
        """Turn a text file into Parquet next to it, in the same order of rows, and drop the text."""
        types = PARQUET_TYPES[table]
        columns = ", ".join(f"'{name}': '{types.get(name, 'VARCHAR')}'" for name in TABLES[table])
        source = f"read_csv({literal(path)}, header = true, auto_detect = false, columns = {{{columns}}})"
        goal = literal(path.with_suffix("").with_suffix(".parquet"))
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(f"copy (select * from {source}) to {goal} (format parquet)")
