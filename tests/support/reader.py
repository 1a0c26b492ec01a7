"""Reads a warehouse's published files in a loop, as a BI tool does, until it is told to stop.

`reader.py WAREHOUSE [--column COLUMN] [--pause SECONDS]` prints `reading`, then, once there is a line on its standard
input, how many times it read and how many builds it saw. It fails where a file is missing, cannot be read, or mixes two
builds: every mart of a database must be there and, where COLUMN is given, say the run of `build_info` in it; every
Parquet file of a folder must be of the same run.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
from pathlib import Path

import duckdb


def read_database(path: Path, column: str | None) -> str:
    """The run that a published database is of. Raises AssertionError where its marts are not all of that run."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as published (read_only)")
        row = connection.execute("select run_id from published.meta.build_info").fetchone()
        assert row is not None
        names = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'published' and schema_name = 'kpi'"
        ).fetchall()
        marts = [name for (name,) in names]
        assert marts
        for mart in marts:
            told = f"min({column}), max({column}), count(*)" if column else "null, null, count(*)"
            least, greatest, count = connection.execute(f"select {told} from published.kpi.{mart}").fetchall()[0]
            assert count > 0, mart
            assert column is None or {least, greatest} == {row[0]}, f"{mart} is of {least}, not of {row[0]}"
    return str(row[0])


def read_parquet(folder: Path) -> str:
    """The run that the Parquet files are of. Raises AssertionError where they are of several."""
    # a reader resolves the folder once, as a glob does
    current = Path(os.path.realpath(folder))
    with duckdb.connect() as connection:
        files = sorted(current.glob("*.parquet"))
        runs = set()
        for file in files:
            connection.execute("select count(*) from read_parquet(?)", [str(file)]).fetchall()
            runs |= {
                bytes(value).decode()
                for key, value in connection.execute(
                    "select key, value from parquet_kv_metadata(?)", [str(file)]
                ).fetchall()
                if bytes(key) == b"run_id"
            }
    assert files and len(runs) == 1, f"{len(files)} files of {runs}"
    return str(runs.pop())


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("warehouse", type=Path)
    arguments.add_argument("--column")
    arguments.add_argument("--pause", type=float, default=0)
    given = arguments.parse_args()
    reads, builds = 0, set()
    print("reading", flush=True)
    while not select.select([sys.stdin], [], [], given.pause)[0]:
        builds.add(read_database(given.warehouse / "marts.duckdb", given.column))
        builds.add(read_parquet(given.warehouse / "parquet" / "kpi"))
        reads += 1
    print(reads, len(builds))


if __name__ == "__main__":
    main()
