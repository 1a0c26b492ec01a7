"""How the databases of a warehouse are opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.core.errors import TransientError, UsageError
from orchestration.core.process import memory_limit
from orchestration.warehouse.sql import identifier, literal

SPILLED = ".spilled"


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = True) -> None:
    """Attach a database file under a name. Without `read_only` it is made where it is not there."""
    mode = " (read_only)" if read_only else ""
    connection.execute(f"attach {literal(path)} as {identifier(name)}{mode}")


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the published database, attached as `published` and in use.

    Raises UsageError where nothing is published yet.
    """
    if not path.exists():
        raise UsageError(
            f"nothing is published in {path.parent} yet: run `kpi build` first, or name another --warehouse"
        )
    connection = duckdb.connect()
    attach(connection, path, "published")
    connection.execute("use published")
    return connection


@contextmanager
def open_build_file(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the build file that may write. Raises TransientError where another program has it open."""
    try:
        connection = duckdb.connect(str(path))
    except duckdb.IOException as error:
        raise TransientError(
            f"{path} cannot be opened: {str(error).splitlines()[0]}",
            ["close the other program that has it open, or look at the folder's permissions"],
        ) from error
    with connection:
        connection.execute("set TimeZone = 'UTC'")
        keep_within_memory(connection, path.parent)
        yield connection


def keep_within_memory(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Have a connection take no more memory than it may, and go on in files of a folder then."""
    connection.execute(f"set memory_limit = {literal(memory_limit())}")
    if connection.execute("select current_setting('temp_directory')").fetchone() == (".tmp",):
        # of a database in memory, that is where the command happens to run
        connection.execute(f"set temp_directory = {literal(folder / SPILLED)}")


def scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def read_build_file(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the build file. Raises UsageError where there is none, or a build holds it."""
    if not path.exists():
        raise UsageError(f"there is no {path} yet: run `kpi build` first, or name another --warehouse")
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        raise UsageError(f"{path} is in use: wait until the build that runs has ended") from error
