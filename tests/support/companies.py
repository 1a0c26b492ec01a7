"""Small random companies as landing files, for property tests.

`companies()` draws them: a generator makes the rows of a seed, then rows are left out. Where a property fails,
hypothesis leaves out what it can, table by table and row by row, and prints the rows that remain as they landed.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from tests.support.random_rows import AS_OF, DAYS, FIRST_DAY, Company, Row

__all__ = ["AS_OF", "DAYS", "FIRST_DAY", "RandomCompany", "companies", "random_company"]

PARTS = ("part (2).csv", "part (10).csv", "part 1.csv")
"""Names that people and texts sort differently."""
COPIES = {"part (2).csv": "part (11).csv", "part (10).csv": "part (9).csv", "part 1.csv": "part (010).csv"}


@dataclass(frozen=True)
class RandomCompany:
    """Rows to land: by table and file, with the lines that are no CSV."""

    seed: int
    files: dict[tuple[str, str], list[Row]]
    malformed: dict[tuple[str, str], str]
    copies: dict[tuple[str, str], str]
    """Files that arrive once more, under another name."""

    def write(self, landing: Path) -> tuple[list[Path], int]:
        """Write the files. Returns their paths, and how many rows and lines there are to load."""
        written: list[Path] = []
        count = 0
        for (table, file), rows in self.files.items():
            path = landing / table / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._text(table, file), encoding="utf-8")
            written.append(path)
            if (table, file) in self.copies:
                written.append(path.with_name(self.copies[table, file]))
                written[-1].write_bytes(path.read_bytes())
            malformed = self.malformed.get((table, file), "").strip(", ") != ""
            count += (len(rows) + malformed) * (2 if (table, file) in self.copies else 1)
        return written, count

    def _text(self, table: str, file: str) -> str:
        rows = self.files[table, file]
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        malformed = self.malformed.get((table, file))
        return stream.getvalue() + (f"{malformed}\n" if malformed else "")

    def _repr_pretty_(self, printer: Any, _: bool) -> None:
        """How hypothesis prints it."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        """The files as they land, without the columns that are blank throughout."""
        lines = [f"company of seed {self.seed}:"]
        for (table, file), rows in self.files.items():
            columns = [name for name in rows[0] if any(row[name] for row in rows)]
            lines += [f"  {table}/{file}", "    " + ",".join(columns)]
            lines += ["    " + ",".join(row[name] for name in columns) for row in rows]
            lines += [f"    {self.malformed[table, file]}"] if (table, file) in self.malformed else []
            lines += [f"    and again as {self.copies[table, file]}"] if (table, file) in self.copies else []
        return "\n".join(lines)


def random_company(seed: int, *, is_large: bool = False) -> RandomCompany:
    """The whole company of a seed: each row in one of some files, now and then one with a line that is malformed or
    blank, or one that arrives again under another name."""
    rng = random.Random(seed)
    files: dict[tuple[str, str], list[Row]] = {}
    for table, rows in Company(rng, is_large=is_large).tables().items():
        for row in rows:
            files.setdefault((table, rng.choice(PARTS)), []).append(row)
    lines = ("one value", '"an open quote,', ", ,,")
    malformed = {file: rng.choice(lines) for file in files if rng.random() < 0.07}
    copies = {file: COPIES[file[1]] for file in files if rng.random() < 0.07}
    return RandomCompany(seed, files, malformed, copies)


@st.composite
def companies(draw: Any) -> RandomCompany:
    """Companies of any seed, of every third file or so only the first rows.

    One small number a file is all there is to shrink: a failing company is down to the rows that matter, and those
    above them in their files, after some sixty builds. A draw for each row would take hundreds.
    """
    whole = random_company(draw(st.integers(0, 2**32 - 1)))
    numbers = {file: draw(st.integers(0, 3 * len(rows))) for file, rows in whole.files.items()}
    files = {file: rows[: numbers[file]] for file, rows in whole.files.items() if numbers[file]}
    malformed = {file: line for file, line in whole.malformed.items() if file in files and draw(st.booleans())}
    copies = {file: name for file, name in whole.copies.items() if file in files and draw(st.booleans())}
    assume(files)
    return RandomCompany(whole.seed, files, malformed, copies)
