"""What a release holds: the published database and the Parquet files, written from the build file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.errors import BuildError
from orchestration.core.paths import MARTS_FILE, PARQUET, SEMANTIC_MANIFEST, WarehousePaths
from orchestration.finance.tables import write_finance
from orchestration.publish.releases import current_release, new_release, release_folder
from orchestration.warehouse.connections import attach, keep_within_memory, scalar
from orchestration.warehouse.sql import identifier, literal

BUILD_INFO = {
    "run_id": "The build.",
    "as_of_date": "The last day that counts.",
    "published_at": "When it was published, in UTC.",
    "code_version": "Version of the project that made it.",
    "settings": "Settings of the build, as JSON.",
    "tables_without_rows": "Source tables of which nothing landed, separated by commas.",
}
SOURCE_TABLES = {
    "system_table": "The source table, as system.table.",
    "rows_read": "Rows read of it so far.",
    "rows_current": "Rows that count.",
    "rows_superseded": "Rows that a newer version replaced.",
    "rows_deleted": "Rows that took their key away.",
    "rows_quarantined": "Rows set aside.",
    "rows_repaired": "Those of them that a good row or file came for.",
    "rows_left_out": "Rows of a source system that are on purpose none of the contract's.",
}
LANDED_TABLES = {
    "system_table": "The landed table: the contract's, or an object of a source system.",
    "files_loaded": "Files loaded so far.",
    "rows_landed": "Rows and malformed lines in them.",
    "last_loaded_at": "When the last of them was loaded, in UTC.",
}
# The order that marts lie in; a metric of the catalogue has a row a name.
ORDERING = ("metric_id", "period_grain", "period_start", "dimension", "dimension_value", "name_ko")
# Who asks all metrics at once asks for the company, or for one kind of its members, in a period.
SCORECARD = "kpi_scorecard"
SCORECARD_ORDERING = ("period_grain", "dimension", "period_start", "metric_id", "dimension_value")
# So many of its rows are sorted at a time: some gigabytes of memory.
MOST_SORTED_ROWS = 5_000_000


@dataclass(frozen=True)
class Build:
    """The build that is published: its id, last day (ISO), version of the project, settings; per source table
    (`system.table`) the rows by what became of them; the names of the tables of schemas facts and
    kpi (the build file may hold some that are no more)."""

    run_id: str
    as_of_date: str
    code_version: str
    settings: Mapping[str, Any]
    tables: Mapping[str, Sequence[str]]
    books: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def publish(
    paths: WarehousePaths,
    build: Build,
    *,
    semantic_manifest: Path | None = None,
    render: Callable[[Path], object] | None = None,
    with_finance: bool = True,
    close_key: bytes | None = None,
) -> Path:
    """Publish the build file's marts, facts and finance's tables as one release; returns the path of the database.

    `render` is given the new database, and renders the dashboard beside it. Whatever fails, what was published stays.
    """
    with new_release(paths, build.run_id, build.run_id, build.as_of_date) as folder:
        write_marts(paths, folder, build, with_finance=with_finance, close_key=close_key)
        if semantic_manifest is not None:
            shutil.copyfile(semantic_manifest, folder / SEMANTIC_MANIFEST)
        if render is not None:
            render(folder / MARTS_FILE)
    return paths.marts_file


def write_marts(
    paths: WarehousePaths,
    folder: Path,
    build: Build,
    *,
    with_finance: bool = True,
    close_key: bytes | None = None,
) -> None:
    """Write `marts.duckdb` and `parquet/kpi/` into a folder, from the build file and the closed months."""
    parquet = folder / PARQUET / "kpi"
    parquet.mkdir(parents=True)
    with _writing(paths, folder / MARTS_FILE) as connection:
        # at once: a commit for each table takes longer than to copy it
        connection.execute("begin transaction")
        _write_meta(connection, build)
        for schema in ("facts", "kpi"):
            _copy_schema(connection, schema, build.tables[schema])
        _copy_drill(connection, build.tables["kpi"])
        connection.execute("commit")
        for table in build.tables["kpi"]:
            file = literal(parquet / f"{table}.parquet")
            metadata = f"kv_metadata {{run_id: {literal(build.run_id)}}}"
            connection.execute(f"copy kpi.{table} to {file} (format parquet, {metadata})")
        if with_finance:
            write_finance(connection, paths, close_key)
        _detach(connection)


def republish_finance(paths: WarehousePaths, close_key: bytes | None = None) -> Path:
    """Publish the current release again with schema `finance` written anew, for a month that was closed since.

    The build file must be of the build that is published. The lock of the warehouse must be held.
    """
    current = current_release(paths)
    if current is None:
        raise BuildError(f"nothing is published in {paths.root}", ["run `kpi build`"])
    before = release_folder(paths)
    number = sum(1 for path in paths.releases.glob(f"{current.run_id}*") if path.is_dir())
    with new_release(paths, f"{current.run_id}-{number + 1}", current.run_id, current.as_of_date) as folder:
        shutil.copytree(before, folder, dirs_exist_ok=True, copy_function=_link_or_copy)
        with _writing(paths, folder / MARTS_FILE) as connection:
            connection.execute("drop schema if exists finance cascade")
            write_finance(connection, paths, close_key)
            _detach(connection)
    return paths.marts_file


def _link_or_copy(source: str, target: str) -> None:
    """Share what stays as it is; the database is written to, and release.json is another."""
    if Path(source).suffix == ".parquet":
        Path(target).hardlink_to(source)
    else:
        shutil.copyfile(source, target)


def _writing(paths: WarehousePaths, file: Path) -> duckdb.DuckDBPyConnection:
    """A connection that writes into a database file and has the build file beside it, as `build`."""
    connection = duckdb.connect()
    attach(connection, paths.build_file, "build")
    attach(connection, file, "next_release", read_only=False)
    connection.execute("use next_release")
    keep_within_memory(connection, paths.root)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def _detach(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("use memory")
    connection.execute("detach next_release")


def _write_meta(connection: duckdb.DuckDBPyConnection, build: Build) -> None:
    connection.execute("create schema meta")
    without_rows = ", ".join(sorted(table for table, book in build.books.items() if not book["current"]))
    connection.execute(
        "create table meta.build_info as select ? as run_id, cast(? as date) as as_of_date, "
        "cast(now() at time zone 'UTC' as timestamp) as published_at, ? as code_version, ? as settings, "
        "? as tables_without_rows",
        [
            build.run_id,
            build.as_of_date,
            build.code_version,
            json.dumps(dict(build.settings), default=str),
            without_rows,
        ],
    )
    _comment(connection, "meta.build_info", "Which build this file holds; one row.", BUILD_INFO)
    counts = ", ".join(f"{name} bigint" for name in list(SOURCE_TABLES)[1:])
    connection.execute(f"create table meta.source_tables (system_table varchar, {counts})")
    for table, book in build.books.items():
        values = [table, *(book[name.removeprefix("rows_")] for name in list(SOURCE_TABLES)[1:])]
        connection.execute(f"insert into meta.source_tables values ({', '.join('?' for _ in values)})", values)
    _comment(
        connection, "meta.source_tables", "What became of the rows that landed: one row a source table.", SOURCE_TABLES
    )
    connection.execute(
        "create table meta.landed_tables as select system_table, count(*) as files_loaded, "
        "cast(sum(row_count + malformed_line_count) as bigint) as rows_landed, max(loaded_at) as last_loaded_at "
        "from build.raw.load_files group by system_table order by system_table"
    )
    _comment(connection, "meta.landed_tables", "What landed: one row a table that files landed for.", LANDED_TABLES)


def _comment(connection: duckdb.DuckDBPyConnection, table: str, comment: str, columns: Mapping[str, str]) -> None:
    comments = [f"comment on table {table} is {literal(comment)}"]
    comments += [
        f"comment on column {table}.{identifier(column)} is {literal(meaning)}" for column, meaning in columns.items()
    ]
    connection.execute("; ".join(comments))


def _copy_schema(connection: duckdb.DuckDBPyConnection, schema: str, tables: Sequence[str]) -> None:
    """Copy a schema's tables with their comments; marts ordered so that a period's rows lie together."""
    connection.execute(f"create schema {schema}")
    columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = 'build' and schema_name = ? order by table_name, column_index",
        [schema],
    ).fetchall()
    comments = dict(
        connection.execute(
            "select table_name, comment from duckdb_tables() where database_name = 'build' and schema_name = ?",
            [schema],
        ).fetchall()
    )
    for table in tables:
        names = {column: comment for owner, column, comment in columns if owner == table}
        if table == SCORECARD:
            _copy_scorecard(connection)
        else:
            order = ", ".join(name for name in ORDERING if name in names) or "all"
            ordered = f" order by {order}" if schema == "kpi" else ""
            connection.execute(f"create table {schema}.{table} as select * from build.{schema}.{table}{ordered}")
        if comments[table]:
            _comment(connection, f"{schema}.{table}", comments[table], {k: v for k, v in names.items() if v})


def _copy_scorecard(connection: duckdb.DuckDBPyConnection) -> None:
    """Copy all metrics' rows in order, so many at a time that sorting them fits in memory. Raises BuildError where one
    is left behind."""
    source, order = f"build.kpi.{SCORECARD}", ", ".join(SCORECARD_ORDERING)
    connection.execute(f"create table kpi.{SCORECARD} as select * from {source} limit 0")
    counted = connection.execute(
        f"select period_grain, dimension, period_start, count(*) from {source} "
        "group by period_grain, dimension, period_start order by period_grain, dimension, period_start"
    ).fetchall()
    copied = 0
    for part in _parts(counted):
        within = " or ".join(
            f"(period_grain = {literal(grain)} and dimension = {literal(dimension)} "
            f"and period_start between date '{starts[0]}' and date '{starts[-1]}')"
            for (grain, dimension), starts in part.items()
        )
        copied += scalar(
            connection, f"insert into kpi.{SCORECARD} select * from {source} where {within} order by {order}"
        )
    all_rows = sum(rows for *_, rows in counted)
    if copied != all_rows:
        raise BuildError(f"{SCORECARD}: {copied:,} rows of {all_rows:,} copied")


def _parts(counted: Iterable[tuple[str, str, date, int]]) -> list[dict[tuple[str, str], list[date]]]:
    """Grains, dimensions and starts of periods in their order, parted so that none has more than MOST_SORTED_ROWS rows
    (unless a single period has). `counted` has the rows of each, in that order."""
    parts: list[dict[tuple[str, str], list[date]]] = []
    room = 0
    for grain, dimension, start, rows in counted:
        if not parts or rows > room:
            parts.append({})
            room = MOST_SORTED_ROWS
        parts[-1].setdefault((grain, dimension), []).append(start)
        room -= rows
    return parts


def _copy_drill(connection: duckdb.DuckDBPyConnection, marts: Sequence[str]) -> None:
    """Create the build file's views of the rows behind each metric anew, over the facts that are published."""
    connection.execute("create schema drill")
    views = connection.execute(
        "select view_name, sql from duckdb_views() where database_name = 'build' and schema_name = 'drill' order by 1"
    ).fetchall()
    for view, statement in views:
        if f"kpi_{view}" in marts:
            connection.execute(statement)
