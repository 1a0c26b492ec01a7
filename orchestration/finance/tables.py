"""Fills schema `finance` of what is published: closed months, what today's data says of them, the two bridges.

Written anew with every publish and every close, from the closed folders (which it only reads) and the build. Of the
closed folders it checks manifests and the few files that it reads; `kpi verify` checks the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.core.paths import WarehousePaths
from orchestration.finance import restatements
from orchestration.finance.calendar import month_name, parse_month
from orchestration.finance.project import read_project
from orchestration.finance.register import DamagedRegisterError, begin_register, read_register, register_problems
from orchestration.finance.schema import SCHEMA, TABLES, columns_of, create_tables
from orchestration.finance.snapshot import read_marts
from orchestration.finance.statements import statement
from orchestration.finance.store import (
    MANIFEST,
    ClosedMonth,
    DamagedFileError,
    Link,
    closed_folders,
    file_problem,
    finish_close,
    folder_name,
    latest_versions,
    read_closed,
)
from orchestration.finance.verification import Key, Recorded, manifest_problems
from orchestration.warehouse.connections import attach
from orchestration.warehouse.sql import literal

# The files of every closed month that a publish reads; their hashes are checked.
READ_FILES = ("figures.parquet", "measures.parquet", "mrr_bridge.parquet", "bookings_to_revenue.parquet")


def write_finance(connection: duckdb.DuckDBPyConnection, paths: WarehousePaths, close_key: bytes | None = None) -> None:
    """Create and fill schema `finance` in the current database.

    The build file must be attached as `build`, and the current database hold meta.build_info. Closed folders that are
    damaged are named in closed_months and left out of the rest: `kpi verify` says what is wrong with them.
    """
    connection.begin()  # one transaction: a commit waits for the disk
    create_tables(connection)
    today = _today(connection, paths)
    sound = _fill_closed_months(connection, paths, close_key)
    _fill_closes(connection, paths)
    while True:
        try:
            _fill(connection, sound, today)
            connection.commit()
            return
        except DamagedFileError as error:  # in a file that is only read where a figure differs
            sound = [one for one in sound if one is not error.closed]
            connection.execute(
                f"update {SCHEMA}.closed_months set problem = ? where close_month = ? and version = ?",
                [str(error), error.closed.month, error.closed.version],
            )


def _today(connection: duckdb.DuckDBPyConnection, paths: WarehousePaths) -> restatements.Today:
    info = connection.execute("select run_id, as_of_date, settings from meta.build_info").fetchone()
    assert info is not None
    return restatements.Today(info[0], info[1], json.loads(info[2]), read_project(paths))


def _fill(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], today: restatements.Today) -> None:
    """Fill all tables but closed_months from these months."""
    for table in TABLES:
        if table.name not in ("closed_months", "closes"):
            connection.execute(f"delete from {SCHEMA}.{table.name}")
    latest = list(latest_versions(closed).values())
    _fill_snapshots(connection, closed)
    _fill_restatements(connection, closed, latest, today)
    for bridge in ("mrr_bridge", "bookings_to_revenue"):
        _fill_bridge(connection, bridge, latest, today.as_of_date)


def _fill_closed_months(
    connection: duckdb.DuckDBPyConnection, paths: WarehousePaths, close_key: bytes | None
) -> list[ClosedMonth]:
    """Enter every closed month that is known; returns those that are sound, as far as publishing looks."""
    complete_register(paths, close_key)
    known = recorded_months(paths.marts_file)
    recorded = {(link.month, link.version): (link, values) for link, values in known}
    links = [link for link, _ in known]
    closed, found = manifest_problems(paths.finance, Recorded(links, _published_register(paths.marts_file), close_key))
    problems: dict[Key, str] = {}
    for problem in found:
        problems.setdefault(problem.month, problem.text)
    by_key = {(month_name(one.month), one.version): one for one in closed}
    for key, one in by_key.items():
        if key not in problems and (text := _read_problem(one)):
            problems[key] = text
    for key in sorted({*by_key, *problems, *recorded}):
        link, values = recorded.get(key, (None, {}))
        if key in by_key and (link is None or link.manifest_sha256 == by_key[key].manifest_sha256):
            values = _told(by_key[key])
        name, version = key
        entered = {**values, "close_month": parse_month(name), "version": version, "problem": problems.get(key)}
        entered["folder"] = (paths.finance / folder_name(parse_month(name), version)).relative_to(paths.root).as_posix()
        connection.execute(
            f"insert into {SCHEMA}.closed_months ({', '.join(entered)}) values ({', '.join('?' for _ in entered)})",
            list(entered.values()),
        )
    connection.execute(f"""
        update {SCHEMA}.closed_months as months set is_latest_version = version = (
            select max(version) from {SCHEMA}.closed_months as others where others.close_month = months.close_month
        )
    """)
    return [one for key, one in by_key.items() if key not in problems]


def _read_problem(one: ClosedMonth) -> str | None:
    """What is wrong with the files that are read of every month, if anything."""
    entries = [entry for path in READ_FILES if (entry := one.entry(path))]
    return next((problem for entry in entries if (problem := file_problem(one, entry))), None)


def _told(one: ClosedMonth) -> dict[str, Any]:
    """What closed_months says of a month, by its manifest."""
    manifest = one.manifest
    return {
        "closed_at": manifest.closed_at.removesuffix("+00:00"), "closed_by": manifest.closed_by,
        "reason": manifest.reason, "run_id": manifest.run_id, "as_of_date": manifest.as_of_date,
        "code_version": manifest.code_version, "models_sha256": manifest.models_sha256,
        "manifest_sha256": one.manifest_sha256,
        "previous_manifest_sha256": manifest.previous.manifest_sha256 if manifest.previous else None,
        "file_count": len(manifest.files),
    }  # fmt: skip


def _fill_closes(connection: duckdb.DuckDBPyConnection, paths: WarehousePaths) -> None:
    """Publish the register; one that is not what was published does not take its place."""
    before = _published_closes(paths.marts_file)
    if register_problems(paths.finance, [row[-1] for row in before]):
        rows = before
    else:
        rows = [
            (number, parse_month(one.month), one.version, one.closed_at.removesuffix("+00:00"), one.closed_by,
             one.manifest_sha256, one.sha256)
            for number, one in enumerate(read_register(paths.finance) or [], start=1)
        ]  # fmt: skip
    if rows:
        connection.executemany(f"insert into {SCHEMA}.closes values (?, ?, ?, ?, ?, ?, ?)", rows)


def complete_register(paths: WarehousePaths, close_key: bytes | None) -> None:
    """Begin the register where an edition without one closed months, and finish a close that died within.

    The lock of the warehouse must be held. A register that was there and is gone is not begun anew.
    """
    try:
        entries = read_register(paths.finance)
    except DamagedRegisterError:
        return
    if entries is None and not _published_register(paths.marts_file) and closed_folders(paths.finance):
        sound = [read_closed(*entry) for entry in closed_folders(paths.finance) if (entry[2] / MANIFEST).exists()]
        begin_register(paths.finance, sound, [link for link, _ in recorded_months(paths.marts_file)], close_key)
    elif entries:
        finish_close(paths.finance, entries[-1].link)


def what_is_recorded(paths: WarehousePaths, close_key: bytes | None = None) -> Recorded:
    """What is known of the closes of a warehouse beside their folders."""
    return Recorded(
        [link for link, _ in recorded_months(paths.marts_file)], _published_register(paths.marts_file), close_key
    )


def _published_register(published: Path) -> list[str]:
    """The SHA-256 of the register's lines that a published file holds, in order."""
    return [row[-1] for row in _published_closes(published)]


def _published_closes(published: Path) -> list[tuple[Any, ...]]:
    if not published.exists():
        return []
    with duckdb.connect() as connection:
        attach(connection, published, "recorded")
        if not _has(connection, "closes"):
            return []
        return connection.execute(f"from recorded.{SCHEMA}.closes order by close_number").fetchall()


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the database attached as `recorded` has a table of finance's."""
    found = connection.execute(
        "select 1 from duckdb_tables() where database_name = 'recorded' and schema_name = ? and table_name = ?",
        [SCHEMA, table],
    ).fetchone()
    return found is not None


def recorded_months(published: Path) -> list[tuple[Link, dict[str, Any]]]:
    """The closed months that a published file knows of, each with its manifest's hash and all it recorded."""
    if not published.exists():
        return []
    with duckdb.connect() as connection:
        attach(connection, published, "recorded")
        if not _has(connection, "closed_months"):
            return []
        cursor = connection.execute(
            f"from recorded.{SCHEMA}.closed_months where manifest_sha256 is not null order by all"
        )
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    known = columns_of("closed_months")
    return [
        (
            Link(f"{row['close_month']:%Y-%m}", row["version"], row["manifest_sha256"]),
            {name: row[name] for name in known if name in row and name not in ("folder", "is_latest_version")},
        )
        for row in rows
    ]


def _files(closed: Iterable[ClosedMonth], path: str) -> str:
    """The paths of a file in closed months, as a list of SQL texts."""
    return ", ".join(f"{literal(one.file(path))}" for one in closed)


def _fill_snapshots(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> None:
    if not closed:
        return
    connection.execute("create or replace temp table sound_months (close_month date, version integer, figures varchar)")
    connection.executemany(
        "insert into sound_months values (?, ?, ?)",
        [(one.month, one.version, str(one.file("figures.parquet"))) for one in closed],
    )
    of_the_close = ("close_month", "version", "is_latest_version", "closed_at", "closed_by", "run_id")
    columns = [f"figures.{name}" for name in columns_of("kpi_monthly_snapshots") if name not in of_the_close]
    connection.execute(statement("snapshots", columns=", ".join(columns), files=_files(closed, "figures.parquet")))


def _fill_restatements(
    connection: duckdb.DuckDBPyConnection,
    closed: Sequence[ClosedMonth],
    latest: Sequence[ClosedMonth],
    today: restatements.Today,
) -> None:
    for one in closed:
        if one.version > 1 and one.entry("restatements.parquet"):
            connection.execute(
                f"insert into {SCHEMA}.kpi_restatements by name select * replace (? as restated_in_version) "
                f"from read_parquet({literal(one.sound_file('restatements.parquet'))}) where close_month = ?",
                [one.version, one.month],
            )
    restatements.write_restatements(connection, latest, read_marts(connection, "build"), today)


def _fill_bridge(
    connection: duckdb.DuckDBPyConnection, bridge: str, latest: Sequence[ClosedMonth], as_of: date
) -> None:
    """A bridge: its model for today's months, and the closed months as they were reported."""
    connection.execute("create or replace temp table latest (close_month date, version integer)")
    today = f"build.finance.fin_{bridge}"
    closed = f"(from {today} limit 0)"
    if latest:
        connection.executemany("insert into latest values (?, ?)", [(one.month, one.version) for one in latest])
        closed = f"read_parquet([{_files(latest, f'{bridge}.parquet')}], union_by_name = true)"
    connection.execute(statement("bridge_months", closed=closed, today=today))
    connection.execute(statement(bridge), [as_of])
