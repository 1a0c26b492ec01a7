"""The `kpi` command as a user runs it, and what it leaves in the warehouse folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KPI = Path(sys.executable).parent / "kpi"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The first line of what it complained of."""
        return self.err.splitlines()[0] if self.err else ""

    @property
    def text(self) -> str:
        """All that it printed."""
        return self.out + self.err

    def check(self) -> Ended:
        """Itself, if it ended well."""
        assert self.exit_code == 0, self.text
        return self


def kpi(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> Ended:
    """Run the installed command as a user does; whatever comes of it, no stack trace may show.

    `cwd` is the folder it runs in, where that matters. Builds render no dashboard, which takes seconds, unless
    KPI_DASHBOARD is given.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KPI_")}
    done = subprocess.run(
        [KPI, *map(str, arguments)],
        capture_output=True, text=True, timeout=300, cwd=cwd, env={**clean, "KPI_DASHBOARD": "false", **environment},
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> dict[str, str]:
    """What is published in a warehouse: each file with the hash of its content, and where the link points."""
    published = [folder / "marts.duckdb", *sorted((folder / "parquet").rglob("*"))]
    return {
        str(path.relative_to(folder)): (
            str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
        )
        for path in published
        if path.is_file() or path.is_symlink()
    }


def last_run(warehouse: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((warehouse / "last_run.json").read_text(encoding="utf-8"))
    return record
