"""The longer SQL statements of this package, each a file in `sql/`."""

from __future__ import annotations

from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent / "sql"


def statement(name: str, **values: str) -> str:
    """The SQL of `sql/<name>.sql` with SQL texts put in for its $names. Raises KeyError where one is not given."""
    return Template((FOLDER / f"{name}.sql").read_text(encoding="utf-8")).substitute(values)
