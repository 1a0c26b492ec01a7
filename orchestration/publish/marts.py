"""Publishes the KPI marts and finance's tables: `kpi.duckdb` and the Parquet files, each replaced in one rename.

A reader that has the old file open keeps reading it; the next one that opens the path sees the new build, whole.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from orchestration.finance.tables import write_finance

# How many Parquet builds stay on disk at least, and how long a replaced one does, so that no reader is cut off.
KEPT_PARQUET_BUILDS = 2
KEPT_PARQUET_SECONDS = 15 * 60
PARTIAL = ".partial"
BUILD_INFO = {
    "run_id": "The build.",
    "as_of_date": "The last day that counts.",
    "published_at": "When it was published, in UTC.",
    "code_version": "Version of the project that made it.",
    "settings": "Settings of the build, as JSON.",
    "tables_without_rows": "Source tables of which nothing landed, separated by commas.",
}
ORDERING = ("metric_id", "period_grain", "period_start", "dimension", "dimension_value")


def publish(
    build_file: Path,
    warehouse: Path,
    tables: Sequence[str],
    *,
    run_id: str,
    as_of: str,
    code_version: str,
    settings: Mapping[str, Any],
    tables_without_rows: Sequence[str] = (),
    with_finance: bool = True,
) -> Path:
    """Copy `tables` of schema kpi from the build file to the published files; returns the published database.

    `settings` are the vars the marts were built with, `tables_without_rows` the source tables of which nothing landed;
    both are written to kpi.build_info, so that the file explains itself.

    Schema `finance` is written beside them, from the closed months and the build's facts.
    """
    _remove_leftovers(warehouse)
    parquet_build = warehouse / "parquet" / ".builds" / f"{run_id}{PARTIAL}"
    parquet_build.mkdir(parents=True)
    temporary = warehouse / f".kpi.{run_id}.duckdb"
    published = warehouse / "kpi.duckdb"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{_escaped(build_file)}' as build (read_only)")
        # Attached under a name of its own: a database called kpi would make kpi.<table> ambiguous.
        connection.execute(f"attach '{_escaped(temporary)}' as next_build")
        connection.execute("use next_build")
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("create schema kpi")
        connection.execute(
            "create table kpi.build_info as select ? as run_id, cast(? as date) as as_of_date, "
            "cast(now() at time zone 'UTC' as timestamp) as published_at, ? as code_version, ? as settings, "
            "? as tables_without_rows",
            [run_id, as_of, code_version, json.dumps(dict(settings), default=str), ", ".join(tables_without_rows)],
        )
        connection.execute("comment on table kpi.build_info is 'Which build this file holds; one row.'")
        for column, told in BUILD_INFO.items():
            connection.execute(f"comment on column kpi.build_info.{column} is {_text(told)}")
        for table in tables:
            _copy_table(connection, table)
            connection.execute(
                f"copy kpi.{table} to '{_escaped(parquet_build / f'{table}.parquet')}' "
                f"(format parquet, kv_metadata {{run_id: '{run_id}'}})"
            )
        if with_finance:
            write_finance(connection, warehouse)
        connection.execute("use memory")
        connection.execute("detach next_build")
    _sync(temporary)
    temporary.replace(published)
    _switch_parquet(warehouse / "parquet", run_id)
    return published


def republish_finance(build_file: Path, warehouse: Path) -> Path:
    """Write schema `finance` of the published database anew; its marts stay as they are.

    For a month that was closed since. The build file must be of the build that is published.
    """
    published = warehouse / "kpi.duckdb"
    temporary = warehouse / ".kpi.finance.duckdb"
    _remove_leftovers(warehouse)
    shutil.copyfile(published, temporary)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{_escaped(build_file)}' as build (read_only)")
        connection.execute(f"attach '{_escaped(temporary)}' as next_build")
        connection.execute("use next_build")
        connection.execute("drop schema if exists finance cascade")
        write_finance(connection, warehouse)
        connection.execute("use memory")
        connection.execute("detach next_build")
    _sync(temporary)
    temporary.replace(published)
    return published


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def _copy_table(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Copy a table with its comments, ordered so that a period's rows lie together."""
    columns = connection.execute(
        "select column_name, comment from duckdb_columns() "
        "where database_name = 'build' and schema_name = 'kpi' and table_name = ? order by column_index",
        [table],
    ).fetchall()
    names = {name for name, _ in columns}
    order = ", ".join(name for name in ORDERING if name in names) or "all"
    connection.execute(f"create table kpi.{table} as select * from build.kpi.{table} order by {order}")
    row = connection.execute(
        "select comment from duckdb_tables() where database_name = 'build' and schema_name = 'kpi' and table_name = ?",
        [table],
    ).fetchone()
    if row and row[0]:
        connection.execute(f"comment on table kpi.{table} is {_text(row[0])}")
    for name, comment in columns:
        if comment:
            connection.execute(f"comment on column kpi.{table}.{name} is {_text(comment)}")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _switch_parquet(folder: Path, run_id: str) -> None:
    """Point `parquet/kpi` at the new build: all files change over at once."""
    builds = folder / ".builds"
    (builds / f"{run_id}{PARTIAL}").replace(builds / run_id)
    link = folder / ".kpi.next"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(".builds") / run_id, target_is_directory=True)
    link.replace(folder / "kpi")
    _forget_replaced_builds(builds)


def _forget_replaced_builds(folder: Path) -> None:
    """Remove builds that no reader can still be at: not the last two, and replaced a while ago."""
    builds = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    for old, replaced_by in list(pairwise(builds))[: -(KEPT_PARQUET_BUILDS - 1)]:
        if time.time() - replaced_by.stat().st_mtime > KEPT_PARQUET_SECONDS:
            shutil.rmtree(old)


def _remove_leftovers(warehouse: Path) -> None:
    """Remove what builds left behind that died while publishing."""
    for path in warehouse.glob(".kpi.*.duckdb*"):
        path.unlink()
    for path in (warehouse / "parquet" / ".builds").glob(f"*{PARTIAL}"):
        shutil.rmtree(path)
