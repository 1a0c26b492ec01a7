"""Copies what is published into PostgreSQL, for tools that speak ODBC or JDBC only.

The rows stand in tables of schema `<schema>_data`; readers use views of them, in `<schema>` (the marts) and
`<schema>_finance`. A copy replaces the rows of all tables in one transaction and touches neither table nor view while
their shape is the same: who reads waits for nothing, and what others build on the views survives.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb

from orchestration.core.errors import BuildError, KpiError, TransientError, UsageError
from orchestration.warehouse.connections import open_published
from orchestration.warehouse.sql import identifier, literal

# Schemas of the published database, and what their schema of views adds to the name of the marts'.
SCHEMAS = {"kpi": "", "finance": "_finance", "meta": "_meta"}
# In the order in which tools filter: the primary key serves as their index.
KEY = ("metric_id", "period_grain", "dimension", "period_start", "dimension_value")
NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
# How the schema of the tables is known as one of ours, whose tables may be replaced and dropped.
MARK = "The rows behind the views of kpi publish-postgres, which replaces them."
# A new column waits so long for transactions that have a view open.
LOCK_TIMEOUT = "60s"
# Copies into the same schema wait for each other, so long at most.
MOST_WAIT_SECONDS = 600
WAIT_SECONDS = 0.5
TYPES = {"VARCHAR": "text", "DOUBLE": "double precision", "TIMESTAMP": "timestamptz"}


@dataclass(frozen=True)
class Table:
    """A table of the published database: its comment, and per column name, DuckDB's type, comment."""

    schema: str
    name: str
    comment: str | None
    columns: list[tuple[str, str, str | None]]

    def has_key(self) -> bool:
        """Whether it is a mart with the key of all marts (the scorecard's holds the metric as well)."""
        return self.schema == "kpi" and {name for name, _, _ in self.columns} >= set(KEY)


@dataclass(frozen=True)
class Copied:
    """What a copy wrote: number of tables and rows, the run they are of, the schemas and the role that may read."""

    tables: int
    rows: int
    run_id: str
    schemas: tuple[str, ...]
    reader: str


def publish_postgres(
    published: Path, url: str, *, schema: str = "kpi", reader: str = "kpi_reader", recreate: bool = False
) -> Copied:
    """Copy the published database into the database at `url` (postgresql://user:password@host:port/database).

    `recreate` drops views that cannot take a mart's new shape, or whose mart is gone, with what depends on them. Raises
    UsageError for a bad URL, name or missing right, TransientError where the server can't be reached, BuildError where
    a copy fails; a copy that fails changes nothing.
    """
    _check(url, schema, reader)
    with open_published(published) as connection, _attached(connection, url), _told(url):
        found = connection.execute("select run_id from meta.build_info").fetchone()
        assert found is not None
        tables = _tables(connection)
        _begin_alone(connection, schema)
        _run(connection, _preparation(schema, reader))
        there = _shapes(connection, schema)
        _run(connection, _removed(tables, schema, there, recreate))
        for table in tables:
            _run(connection, _shaped(table, schema, there, recreate))
        connection.execute("call pg_clear_cache()")  # it knows the schemas and tables that were there before
        rows = sum(_copy(connection, table, schema) for table in tables)
        _run(connection, _rights(schema, reader))
        connection.execute("commit")
        # what was replaced is freed; this blocks nobody
        _run(connection, [f"vacuum analyze {_data_table(table, schema)}" for table in tables], one_by_one=True)
    return Copied(len(tables), rows, found[0], tuple(schema + added for added in SCHEMAS.values()), reader)


def without_password(url: str) -> str:
    """The URL as it may be printed."""
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


def _check(url: str, schema: str, reader: str) -> None:
    try:
        is_url = urlsplit(url).scheme in ("postgresql", "postgres")
    except ValueError:
        is_url = False
    if not is_url:
        raise UsageError("the URL of the database is postgresql://user:password@host:port/database")
    for told, name in (("--schema", schema), ("--reader", reader)):
        if not NAME.fullmatch(name):
            raise UsageError(f"{told} {name}: lower case letters, digits and _ only, 40 at most")


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, url: str) -> Iterator[None]:
    """The database attached as `postgres`, through the extension of the installed package: nothing is downloaded."""
    extension = files("duckdb_extension_postgres_scanner").joinpath(
        "extensions", f"v{duckdb.__version__}", "postgres_scanner.duckdb_extension"
    )
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"load {literal(str(extension))}")
    try:
        connection.execute(f"attach {literal(url)} as postgres (type postgres)")
    except duckdb.Error as error:
        raise TransientError(
            f"{without_password(url)} cannot be reached: {_reason(error, url)}",
            ["look at the URL, the password (also PGPASSWORD or ~/.pgpass) and whether the server runs"],
        ) from error
    yield


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What goes wrong in a copy is told in a line, without the password."""
    try:
        yield
    except KpiError:
        raise
    except duckdb.Error as error:
        reason = _reason(error, url)
        if "choose another --schema" in reason:
            raise UsageError(f"{without_password(url)}: {reason}; nothing was changed") from error
        if "permission denied" in reason:
            raise UsageError(
                f"{without_password(url)}: {reason}; nothing was changed",
                ["the user must own the schemas or be allowed to create them (grant create on database ...)"],
            ) from error
        if "lock timeout" in reason:
            raise TransientError(
                f"{without_password(url)}: somebody has had a view open for {LOCK_TIMEOUT}; nothing was changed",
                ["try again, or end the transaction: select * from pg_stat_activity"],
            ) from error
        raise BuildError(f"the copy to {without_password(url)} failed, nothing was changed: {reason}") from error


def _reason(error: Exception, url: str) -> str:
    """The server's own words, in one line, without the URL and its password."""
    text = str(error)
    parts = urlsplit(url)
    asked = parse_qs(parts.query).get("password", [])
    for secret in {url, parts.query, parts.password or "", unquote(parts.password or ""), *asked} - {""}:
        text = text.replace(secret, "***")
    server = re.search(r"(?:ERROR|FATAL):\s*(.+)", text) or re.search(r'": (.+)', text)
    return (server.group(1) if server else text.splitlines()[0]).strip()


def _tables(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    tables = connection.execute(
        "select schema_name, table_name, comment from duckdb_tables() where database_name = 'published' "
        "and list_contains(?, schema_name) order by all",
        [list(SCHEMAS)],
    ).fetchall()
    return [
        Table(
            schema,
            name,
            comment,
            connection.execute(
                "select column_name, data_type, comment from duckdb_columns() where database_name = 'published' "
                "and schema_name = ? and table_name = ? order by column_index",
                [schema, name],
            ).fetchall(),
        )
        for schema, name, comment in tables
    ]


def _begin_alone(connection: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Begin a transaction that no other copy into the schema runs beside.

    Asked for without waiting, because a transaction that waited would still see what was there when it began.
    """
    until = time.monotonic() + MOST_WAIT_SECONDS
    while time.monotonic() < until:
        connection.execute("begin")
        asked = f"select pg_try_advisory_xact_lock(hashtext('kpi publish-postgres {schema}'))"
        if _ask(connection, asked)[0][0]:
            return
        connection.execute("rollback")
        time.sleep(WAIT_SECONDS)
    raise TransientError(f"another copy into schema {schema} is still under way: try again when it has ended")


def _preparation(schema: str, reader: str) -> list[str]:
    """The schemas; the role, which somebody else may have to create."""
    return [
        f"set local lock_timeout = '{LOCK_TIMEOUT}'",
        # `create schema if not exists` wants the right to create it even where it exists
        *(
            f"do $$ begin if to_regnamespace('{one}') is null then create schema {one}; end if; end $$"
            for one in (schema + added for added in SCHEMAS.values())
        ),
        f"""do $$ begin
            if to_regnamespace('{schema}_data') is null then
                create schema {schema}_data;
                comment on schema {schema}_data is '{MARK}';
            elsif obj_description(to_regnamespace('{schema}_data'), 'pg_namespace') is distinct from '{MARK}' then
                raise exception 'schema {schema}_data of the database is not of a copy: choose another --schema';
            end if;
        end $$""",
        f"""do $$ begin
            if not exists (select from pg_roles where rolname = '{reader}') then
                begin
                    create role {reader} nologin;
                exception when insufficient_privilege then
                    raise exception 'permission denied to create role {reader}: ask for `create role {reader}`';
                end;
            end if;
        end $$""",
    ]


def _shapes(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, list[tuple[str, str]]]:
    """The tables of earlier copies: per name its columns in order, each with its type."""
    rows = _ask(
        connection,
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid "
        f"where n.nspname = '{schema}_data' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped "
        "order by a.attnum",
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_ in rows:
        found.setdefault(table, []).append((column, type_))
    return found


def _removed(tables: Sequence[Table], schema: str, there: Iterable[str], recreate: bool) -> list[str]:
    """What drops tables that are not published any more: left alone, they would show old figures for ever."""
    gone = sorted(set(there) - {_data_name(table) for table in tables})
    if gone and not recreate:
        raise UsageError(
            f"{', '.join(gone)} in schema {schema} is not published any more; nothing was changed",
            ["--recreate drops such views, with all that depends on them"],
        )
    return [f"drop table {schema}_data.{identifier(name)} cascade" for name in gone]


def _shaped(table: Table, schema: str, there: Mapping[str, Sequence[tuple[str, str]]], recreate: bool) -> list[str]:
    """What gives a table and its view the shape of today: nothing, a new column at the end, or all of it.

    Raises UsageError where a column was lost or has another type: what others built on the view would break.
    """
    data, view = _data_table(table, schema), f"{schema}{SCHEMAS[table.schema]}.{table.name}"
    wanted = [(column, _type(type_)) for column, type_, _ in table.columns]
    before = [(column, _short_type(type_)) for column, type_ in there.get(_data_name(table), ())]
    if before == wanted:
        return []
    added: list[tuple[str, str]] = wanted
    statements = []
    if before and wanted[: len(before)] == before:
        added = wanted[len(before) :]
        statements = [f"alter table {data} add column {identifier(column)} {type_}" for column, type_ in added]
    elif before and not recreate:
        lost = ", ".join(f"{column} {type_}" for column, type_ in before if (column, type_) not in wanted)
        raise UsageError(
            f"view {view} cannot be kept, it would lose {lost or 'the order of its columns'}; nothing was changed",
            ["--recreate drops such views, with all that depends on them, and makes them anew"],
        )
    else:
        columns = ", ".join(f"{identifier(column)} {type_}" for column, type_ in wanted)
        key = f", primary key ({', '.join(KEY)})" if table.has_key() else ""
        statements = [f"drop table if exists {data} cascade", f"create table {data} ({columns}{key})"]
    select = ", ".join(identifier(column) for column, _ in wanted)
    return [
        *statements,
        f"create or replace view {view} as select {select} from {data}",
        *_comments("table", data, table),
        *_comments("view", view, table),
    ]


def _copy(connection: duckdb.DuckDBPyConnection, table: Table, schema: str) -> int:
    """Replace a table's rows; returns their number, which PostgreSQL must count as well."""
    data = f"postgres.{_data_table(table, schema)}"
    columns = ", ".join(_value(column, type_) for column, type_, _ in table.columns)
    _run(connection, [f"delete from {_data_table(table, schema)}"])
    connection.execute(f"insert into {data} select {columns} from {table.schema}.{table.name}")
    there = connection.execute(f"select count(*) from {data}").fetchone()
    here = connection.execute(f"select count(*) from {table.schema}.{table.name}").fetchone()
    if there != here or here is None:
        raise BuildError(f"the copy of {table.schema}.{table.name} has {there} rows, not {here}; nothing was changed")
    return int(here[0])


def _value(column: str, type_: str) -> str:
    """A column as PostgreSQL takes it: times in UTC with their zone, nested values as JSON."""
    if type_ == "TIMESTAMP":
        return f'"{column}" at time zone \'UTC\' as "{column}"'
    return f'to_json("{column}") as "{column}"' if _type(type_) == "jsonb" else f'"{column}"'


def _type(type_: str) -> str:
    """PostgreSQL's type for one of DuckDB's."""
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP")):
        return "jsonb"
    return TYPES.get(type_, type_.lower().replace("decimal", "numeric"))


def _short_type(type_: str) -> str:
    return "timestamptz" if type_ == "timestamp with time zone" else type_


def _data_name(table: Table) -> str:
    return table.name if table.schema == "kpi" else f"{table.schema}_{table.name}"


def _data_table(table: Table, schema: str) -> str:
    return f"{schema}_data.{_data_name(table)}"


def _comments(kind: str, name: str, table: Table) -> list[str]:
    comments = [f"comment on {kind} {name} is {literal(table.comment)}"] if table.comment else []
    return comments + [
        f"comment on column {name}.{identifier(column)} is {literal(comment)}"
        for column, _, comment in table.columns
        if comment
    ]


def _rights(schema: str, reader: str) -> list[str]:
    """The role may read the views, those to come as well, and nothing else."""
    return [
        right
        for views in (schema + added for added in SCHEMAS.values())
        for right in (
            f"grant usage on schema {views} to {reader}",
            f"grant select on all tables in schema {views} to {reader}",
            f"alter default privileges in schema {views} grant select on tables to {reader}",
        )
    ]


def _run(connection: duckdb.DuckDBPyConnection, statements: Sequence[str], *, one_by_one: bool = False) -> None:
    """Run statements in PostgreSQL, in the transaction that is open; or one by one, outside of any."""
    for text in statements if one_by_one else filter(None, [";\n".join(statements)]):
        connection.execute(f"call postgres_execute('postgres', ?, use_transaction = {not one_by_one})", [text])


def _ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute("from postgres_query('postgres', ?)", [query]).fetchall()
