"""Copies what is published into PostgreSQL, for tools that speak ODBC or JDBC only.

The rows stand in tables of schema `<schema>_data`, new ones at each copy. Readers use views, in `<schema>` (the marts)
and `<schema>_finance`: in one transaction the new tables are filled, checked, and the views turned to them. Views keep
their identity, so that what others build on them survives a copy.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urlsplit

import duckdb

from orchestration.errors import BuildError, KpiError, TransientError, UsageError
from orchestration.published import open_published

# Schemas of kpi.duckdb, and what their schema of views adds to the name of the marts'.
SCHEMAS = {"kpi": "", "finance": "_finance"}
KEY = ("metric_id", "period_grain", "period_start", "dimension", "dimension_value")
NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}")
# How long the removal of the tables of the copy before waits for who still reads them; else the next copy removes them.
REMOVAL_WAIT = "2s"


@dataclass(frozen=True)
class Table:
    """A table of kpi.duckdb: its comment, and per column name, DuckDB's type, comment."""

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
    """Copy a published `kpi.duckdb` into the database at `url` (postgresql://user:password@host:port/database).

    `recreate` drops views that cannot take a mart's new shape, with what depends on them. Raises UsageError for a bad
    URL, name or missing right, TransientError where the server can't be reached, BuildError where a copy fails; a copy
    that fails changes nothing.
    """
    _check(url, schema, reader)
    with open_published(published) as connection, _attached(connection, url), _told(url):
        found = connection.execute("select run_id from kpi.build_info").fetchone()
        assert found is not None
        tables = _tables(connection)
        connection.execute("begin")
        _run(connection, _preparation(schema, reader))
        connection.execute("call pg_clear_cache()")  # it knows the schemas that were there when it was attached
        suffix = secrets.token_hex(4)
        rows = sum(_copy(connection, table, f"{schema}_data", suffix) for table in tables)
        views = {one: _columns_of_views(connection, f"{schema}{SCHEMAS[one]}") for one in SCHEMAS}
        for table in tables:
            _turn_view(connection, table, schema, suffix, views[table.schema].get(table.name), recreate)
        _run(connection, _rights(schema, reader))
        connection.execute("commit")
        _remove_replaced_tables(connection, f"{schema}_data", suffix)
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
    connection.execute(f"load '{_escaped(str(extension))}'")
    try:
        connection.execute(f"attach '{_escaped(url)}' as postgres (type postgres)")
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
        if "permission denied" in reason:
            raise UsageError(
                f"{without_password(url)}: {reason}; nothing was changed",
                ["the user must own the schemas or be allowed to create them (grant create on database ...)"],
            ) from error
        raise BuildError(f"the copy to {without_password(url)} failed, nothing was changed: {reason}") from error


def _reason(error: Exception, url: str) -> str:
    """The server's own words, in one line, without the URL and its password."""
    text = str(error)
    parts = urlsplit(url)
    for secret in {url, parts.password or "", unquote(parts.password or "")} - {""}:
        text = text.replace(secret, "***")
    server = re.search(r"(?:ERROR|FATAL):\s*(.+)", text) or re.search(r'": (.+)', text)
    return (server.group(1) if server else text.splitlines()[0]).strip()


def _tables(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    tables = connection.execute(
        "select schema_name, table_name, comment from duckdb_tables() where database_name = 'published' "
        "and schema_name in ('kpi', 'finance') order by all"
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


def _preparation(schema: str, reader: str) -> list[str]:
    """One copy at a time; the schemas; the role, which somebody else may have to create."""
    return [
        f"select pg_advisory_xact_lock(hashtext('kpi publish-postgres {schema}'))",
        # `create schema if not exists` wants the right to create it even where it exists
        *(
            f"do $$ begin if to_regnamespace('{one}') is null then create schema {one}; end if; end $$"
            for one in (schema + added for added in ("_data", *SCHEMAS.values()))
        ),
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


def _copy(connection: duckdb.DuckDBPyConnection, table: Table, data: str, suffix: str) -> int:
    """Fill a new table with a table's rows; returns their number, which PostgreSQL must count as well."""
    name = _data_name(table, suffix)
    columns = ", ".join(_value(column, type_) for column, type_, _ in table.columns)
    connection.execute(f"create table postgres.{data}.{name} as select {columns} from {table.schema}.{table.name}")
    nested = [column for column, type_, _ in table.columns if _is_nested(type_)]
    _run(connection, [
        *(f'alter table {data}.{name} alter column "{one}" type jsonb using "{one}"::jsonb' for one in nested),
        *([f"alter table {data}.{name} add primary key ({', '.join(KEY)})"] if table.has_key() else []),
        *_comments("table", f"{data}.{name}", table),
        f"analyze {data}.{name}",
    ])  # fmt: skip
    there = connection.execute(f"select count(*) from postgres.{data}.{name}").fetchone()
    here = connection.execute(f"select count(*) from {table.schema}.{table.name}").fetchone()
    if there != here or here is None:
        raise BuildError(f"the copy of {table.schema}.{table.name} has {there} rows, not {here}; nothing was changed")
    return int(here[0])


def _value(column: str, type_: str) -> str:
    """A column as PostgreSQL takes it: times in UTC with their zone, nested values as JSON."""
    if type_ == "TIMESTAMP":
        return f'"{column}" at time zone \'UTC\' as "{column}"'
    return f'to_json("{column}")::varchar as "{column}"' if _is_nested(type_) else f'"{column}"'


def _is_nested(type_: str) -> bool:
    return type_.endswith("[]") or type_.startswith(("STRUCT", "MAP"))


def _data_name(table: Table, suffix: str) -> str:
    return f"{'' if table.schema == 'kpi' else 'finance_'}{table.name}_{suffix}"


def _columns_of_views(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, list[str]]:
    """The columns of the views that are there already, by view, each with its type."""
    rows = _ask(
        connection,
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid "
        f"where n.nspname = '{schema}' and c.relkind = 'v' and a.attnum > 0 and not a.attisdropped order by a.attnum",
    )
    found: dict[str, list[str]] = {}
    for view, column, type_ in rows:
        found.setdefault(view, []).append(f"{column} {type_}")
    return found


def _turn_view(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    schema: str,
    suffix: str,
    before: Sequence[str] | None,
    recreate: bool,
) -> None:
    """Let a view show the new table. Columns may be added at its end; a view that others use can lose none."""
    data, name = f"{schema}_data", _data_name(table, suffix)
    view = f"{schema}{SCHEMAS[table.schema]}.{table.name}"
    rows = _ask(
        connection,
        "select attname, format_type(atttypid, atttypmod) from pg_attribute "
        f"where attrelid = '{data}.{name}'::regclass and attnum > 0 order by attnum",
    )
    now = [f"{column} {type_}" for column, type_ in rows]
    is_other_shape = before is not None and now[: len(before)] != list(before)
    if is_other_shape and not recreate:
        gone = sorted(set(before or ()) - set(now)) or ["their order"]
        raise UsageError(
            f"view {view} cannot be kept, it would lose {', '.join(gone)}; nothing was changed",
            ["--recreate drops such views, with all that depends on them, and makes them anew"],
        )
    _run(connection, [
        *([f"drop view {view} cascade"] if is_other_shape else []),
        f"create or replace view {view} as select {', '.join(_quoted(column) for column, _ in rows)} "
        f"from {data}.{name}",
        *_comments("view", view, table),
    ])  # fmt: skip


def _comments(kind: str, name: str, table: Table) -> list[str]:
    comments = [f"comment on {kind} {name} is {_text(table.comment)}"] if table.comment else []
    return comments + [
        f"comment on column {name}.{_quoted(column)} is {_text(comment)}"
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


def _remove_replaced_tables(connection: duckdb.DuckDBPyConnection, data: str, suffix: str) -> None:
    """Drop the tables of earlier copies. One that is still read stays until the next copy: nobody waits for it."""
    old = _ask(connection, f"select tablename from pg_tables where schemaname = '{data}' and tablename !~ '_{suffix}$'")
    for (name,) in old:
        try:
            connection.execute("begin")
            _run(connection, [f"set local lock_timeout = '{REMOVAL_WAIT}'", f"drop table {data}.{_quoted(name)}"])
            connection.execute("commit")
        except duckdb.Error:
            connection.execute("rollback")


def _run(connection: duckdb.DuckDBPyConnection, statements: Sequence[str]) -> None:
    """Run statements in PostgreSQL, in the transaction that is open."""
    if statements:
        connection.execute("call postgres_execute('postgres', ?)", [";\n".join(statements)])


def _ask(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, ...]]:
    return connection.execute("from postgres_query('postgres', ?)", [query]).fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _escaped(text: str) -> str:
    return text.replace("'", "''")
