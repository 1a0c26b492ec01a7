"""The copy in PostgreSQL, against a real server: whole or not at all, readable, and steady under those who read it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from orchestration.build.pipeline import Build, run_build
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import BuildError, TransientError, UsageError
from orchestration.publish.postgres import SCHEMAS, Copied, publish_postgres
from orchestration.warehouse.connections import open_published
from tests.support.builds import settings_for
from tests.support.command import kpi
from tests.support.landing import Landing

BINARIES = sorted(path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres"))
ODBC_DRIVER = Path("/usr/lib/x86_64-linux-gnu/odbc/psqlodbcw.so")
PASSWORD = "s3cret/@:x"
IN_URL = "s3cret%2F%40%3Ax"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BINARIES, reason="no PostgreSQL server: apt-get install postgresql"),
]


@dataclass(frozen=True)
class Server:
    """A running server and a database of it."""

    port: int
    database: str = "postgres"

    def url(self, user: str = "owner") -> str:
        return f"postgresql://{user}:{IN_URL}@127.0.0.1:{self.port}/{self.database}"

    def connect(self, user: str = "owner", *, autocommit: bool = True) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url(user), autocommit=autocommit)

    def ask(self, query: str, user: str = "owner") -> list[tuple[Any, ...]]:
        with self.connect(user) as connection:
            return connection.execute(query).fetchall()

    def run(self, *statements: str, user: str = "owner") -> None:
        with self.connect(user) as connection:
            for statement in statements:
                connection.execute(statement)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Server]:
    """A server of its own on a free port of the loopback address. PostgreSQL refuses to run as root.

    Not below pytest's folder, which only its owner may enter.
    """
    folder = Path(tempfile.mkdtemp(prefix="kpi-postgres-"))
    who: dict[str, Any] = {"cwd": folder}
    if os.geteuid() == 0:
        who["user"] = "postgres"
        shutil.chown(folder, "postgres")
    password = folder / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    password.chmod(0o644)
    binaries, data = BINARIES[-1], folder / "data"
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "owner", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale",
         "--pwfile", password], check=True, capture_output=True, **who,
    )  # fmt: skip
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    running = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
         "-c", f"unix_socket_directories={folder}", "-c", "fsync=off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
    )  # fmt: skip
    server = Server(port)
    for _ in range(100):
        try:
            server.ask("select 1")
            break
        except psycopg.OperationalError:
            time.sleep(0.1)
    yield server
    running.send_signal(signal.SIGINT)
    running.wait(30)
    shutil.rmtree(folder)


@pytest.fixture
def server(cluster: Server, request: pytest.FixtureRequest) -> Server:
    """A new database on it, without anything of other tests."""
    name = f"db_{abs(hash(request.node.name)) % 10**10}"
    cluster.run(f"create database {name}")
    return Server(cluster.port, name)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small company's marts.duckdb."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "landing").mkdir()
    landing = Landing(folder / "landing")
    landing.add_parents()
    landing.add("billing.order_items", {"order_id": "O1", "product_id": "P1", "quantity": "3", "unit_price": "0.0001"})
    landing.add("crm.sales_reps", {"rep_name": 'O\'Brien "Bob"; drop table x; 영업'}, {"rep_name": "Nu\x00l \x01\x0b"})
    settings = settings_for(landing.folder, folder / "warehouse")
    run_build(settings)
    return settings.paths.marts_file


def changed(published: Path, folder: Path, *statements: str) -> Path:
    """A copy of a published file, with something changed as a later build might."""
    path = folder / "marts.duckdb"
    shutil.copyfile(published, path)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as changed")
        connection.execute("use changed")
        for statement in statements:
            connection.execute(statement)
    return path


def copy(server: Server, published: Path, **more: Any) -> Copied:
    return publish_postgres(published, server.url(), **more)


def test_every_table_arrives_with_its_rows_types_and_comments(server: Server, published: Path) -> None:
    told = copy(server, published)
    with open_published(published) as connection:
        tables = connection.execute(
            "select schema_name, table_name, comment from duckdb_tables() where database_name = 'published' "
            "and list_contains(?, schema_name)",
            [list(SCHEMAS)],
        ).fetchall()
        assert told.tables == len(tables) > 50
        for schema, name, comment in tables:
            view = f"kpi{SCHEMAS[schema]}.{name}"
            columns = connection.execute(
                "select column_name, data_type, comment from duckdb_columns() where database_name = 'published' "
                "and schema_name = ? and table_name = ? order by column_index", [schema, name],
            ).fetchall()  # fmt: skip
            there = server.ask(
                "select attname, format_type(atttypid, null), col_description(attrelid, attnum) from pg_attribute "
                f"where attrelid = '{view}'::regclass and attnum > 0 order by attnum"
            )
            assert [(column, text) for column, _, text in columns] == [(column, text) for column, _, text in there]
            kinds = {column: kind for column, kind, _ in there}
            for column, kind, _ in columns:
                expected = {
                    "DATE": "date", "BOOLEAN": "boolean", "DOUBLE": "double precision", "VARCHAR": "text",
                    "TIMESTAMP": "timestamp with time zone", "BIGINT": "bigint", "INTEGER": "integer",
                }.get(kind, "numeric" if kind.startswith("DECIMAL") else "jsonb")  # fmt: skip
                assert kinds[column] == expected, (view, column)
            assert server.ask(f"select obj_description('{view}'::regclass)") == [(comment,)]
            plain = [f'"{column}"' for column, kind, _ in columns if kind not in ("TIMESTAMP",) and "[" not in kind]
            here = connection.execute(f"select {', '.join(plain)} from {schema}.{name}").fetchall()
            rows = server.ask(f"select {', '.join(plain)} from {view}")
            assert sorted(map(repr, rows)) == sorted(map(repr, here)), view
    published_at = server.ask("select published_at at time zone 'UTC' from kpi_meta.build_info")
    with open_published(published) as connection:
        assert published_at == connection.execute("select published_at from meta.build_info").fetchall()


def test_the_reader_reads_the_views_and_nothing_else(server: Server, published: Path) -> None:
    copy(server, published)
    server.run(
        "drop role if exists alice", f"create role alice login password '{PASSWORD}'", "grant kpi_reader to alice"
    )
    assert server.ask("select count(*) from kpi.kpi_catalog", "alice")[0][0] > 50
    assert server.ask("select count(*) from kpi_finance.mrr_bridge", "alice")
    data = server.ask("select min(tablename) from pg_tables where schemaname = 'kpi_data'")[0][0]
    for forbidden in (
        f"select * from kpi_data.{data}", "delete from kpi.kpi_revenue", "create table kpi.mine (a int)",
        "create view kpi.mine as select 1",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.run(forbidden, user="alice")
    copy(server, published)
    assert server.ask("select count(*) from kpi.kpi_catalog", "alice")[0][0] > 50


def test_what_others_build_on_the_views_survives_and_sees_the_new_rows(
    server: Server, published: Path, tmp_path: Path
) -> None:
    copy(server, published)
    server.run("create view public.runs as select run_id from kpi_meta.build_info")
    identity = server.ask("select 'kpi_meta.build_info'::regclass::oid")
    next_build = changed(
        published, tmp_path, "update meta.build_info set run_id = 'the-next'",
        "alter table kpi.kpi_revenue add column discounts double",
    )  # fmt: skip
    copy(server, next_build)
    assert server.ask("select run_id from public.runs") == [("the-next",)]
    assert server.ask("select 'kpi_meta.build_info'::regclass::oid") == identity
    assert server.ask("select count(*), count(discounts) from kpi.kpi_revenue")[0][1] == 0


def test_a_lost_column_is_an_error_until_one_asks_to_recreate(server: Server, published: Path, tmp_path: Path) -> None:
    copy(server, published)
    server.run("create view public.refunds as select refunds from kpi.kpi_revenue")
    before = server.ask("select run_id from kpi_meta.build_info")
    smaller = changed(
        published, tmp_path, "alter table kpi.kpi_revenue drop column refunds",
        "update meta.build_info set run_id = 'smaller'",
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"view kpi\.kpi_revenue cannot be kept, it would lose refunds numeric"):
        copy(server, smaller)
    assert server.ask("select run_id from kpi_meta.build_info") == before
    assert server.ask("select count(refunds) from public.refunds")
    copy(server, smaller, recreate=True)
    assert server.ask("select run_id from kpi_meta.build_info") == [("smaller",)]
    assert server.ask("select to_regclass('public.refunds')") == [(None,)]


def test_a_mart_that_is_no_more_does_not_stay_with_old_figures(server: Server, published: Path, tmp_path: Path) -> None:
    copy(server, published)
    fewer = changed(published, tmp_path, "drop table kpi.kpi_csat")
    with pytest.raises(UsageError, match="kpi_csat in schema kpi is not published any more"):
        copy(server, fewer)
    copy(server, fewer, recreate=True)
    assert server.ask("select to_regclass('kpi.kpi_csat')") == [(None,)]


def test_tables_of_others_are_left_alone(server: Server, published: Path) -> None:
    server.run("create schema sales_data", "create table sales_data.mine as select 1 as a")
    for recreate in (False, True):
        with pytest.raises(UsageError, match="schema sales_data of the database is not of a copy"):
            copy(server, published, schema="sales", recreate=recreate)
    assert server.ask("select a from sales_data.mine") == [(1,)]
    assert server.ask("select to_regnamespace('sales')") == [(None,)]


def test_readers_see_whole_copies_and_no_error_while_it_is_replaced(
    server: Server, published: Path, tmp_path: Path
) -> None:
    """Each run's file says its number in two tables; a reader must find the same in both."""
    builds = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        builds.append(
            changed(
                published, tmp_path / str(number), f"update meta.build_info set run_id = '{number}'",
                f"update kpi.kpi_catalog set formula = '{number}'",
            )
        )  # fmt: skip
    copy(server, builds[0])
    done, seen, errors = threading.Event(), set(), []

    def read() -> None:
        try:
            with server.connect() as connection:
                while not done.is_set():
                    row = connection.execute(
                        "select (select run_id from kpi_meta.build_info), min(formula), max(formula) "
                        "from kpi.kpi_catalog"
                    ).fetchone()
                    assert row is not None and len(set(row)) == 1, row
                    seen.add(row[0])
        except Exception as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in (1, 0, 1, 0, 1):
        copy(server, builds[number])
    done.set()
    reader.join(30)
    assert not errors and seen == {"0", "1"}


def test_a_copy_that_is_killed_changes_nothing(server: Server, published: Path, tmp_path: Path) -> None:
    copy(server, published)
    before = server.ask("select run_id from kpi_meta.build_info")
    other = changed(published, tmp_path, "update meta.build_info set run_id = 'killed'")
    in_the_way = server.connect(autocommit=False)
    in_the_way.execute("lock table kpi_data.kpi_win_rate in exclusive mode")
    running = subprocess.Popen(
        [sys.executable, "-c", "import sys; from pathlib import Path; from orchestration.publish.postgres import "
         "publish_postgres; publish_postgres(Path(sys.argv[1]), sys.argv[2])", str(other), server.url()],
        cwd=PROJECT_ROOT,
    )  # fmt: skip
    # it waits for this reader's lock with half of its work done
    while not server.ask("select 1 from pg_locks where not granted and relation = 'kpi_data.kpi_win_rate'::regclass"):
        assert running.poll() is None
        time.sleep(0.05)
    running.kill()
    running.wait()
    in_the_way.close()
    while server.ask("select 1 from pg_locks where locktype = 'advisory'"):
        time.sleep(0.05)
    assert server.ask("select run_id from kpi_meta.build_info") == before
    assert server.ask("select count(*) > 0 from kpi.kpi_scorecard") == [(True,)]
    copy(server, other)
    assert server.ask("select run_id from kpi_meta.build_info") == [("killed",)]


def test_a_new_column_does_not_wait_for_a_reader_for_ever(
    server: Server, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy(server, published)
    wider = changed(published, tmp_path, "alter table kpi.kpi_revenue add column discounts double")
    monkeypatch.setattr("orchestration.publish.postgres.LOCK_TIMEOUT", "300ms")
    with server.connect(autocommit=False) as reader:
        reader.execute("select count(*) from kpi.kpi_revenue")
        with pytest.raises(TransientError, match="somebody has had a view open for 300ms; nothing was changed"):
            copy(server, wider)
        copy(server, published)  # the same shape waits for nobody
    copy(server, wider)


def test_two_copies_at_once_come_one_after_the_other(server: Server, published: Path) -> None:
    errors: list[Exception] = []

    def one() -> None:
        try:
            copy(server, published)
        except Exception as error:
            errors.append(error)

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(120)
    assert not errors
    with open_published(published) as connection:
        rows = connection.execute("select count(*) from kpi.kpi_scorecard").fetchall()
    assert server.ask("select count(*) from kpi.kpi_scorecard") == rows


def test_who_may_not_is_told_so_in_a_line(server: Server, published: Path) -> None:
    server.run("drop role if exists carol", f"create role carol login password '{PASSWORD}'")
    with pytest.raises(UsageError, match="permission denied for database"):
        publish_postgres(published, server.url("carol"))
    server.run(f"grant create on database {server.database} to carol")
    with pytest.raises(UsageError, match="permission denied to create role readers_of_carol"):
        publish_postgres(published, server.url("carol"), reader="readers_of_carol")
    server.run("create role readers_of_carol")
    assert publish_postgres(published, server.url("carol"), reader="readers_of_carol").tables > 50


@pytest.mark.parametrize(
    ("url", "exit_code", "told"),
    [
        ("postgresql://owner:n0tit%2F@127.0.0.1:{port}/postgres", 5, "password authentication failed"),
        ("postgresql://owner:n0tit%2F@127.0.0.1:1/postgres", 5, "Connection refused"),
        ("postgresql://owner:n0tit%2F@127.0.0.1:{port}/nowhere", 5, "password authentication failed"),
        ("postgresql://127.0.0.1:1/postgres?user=owner&password=n0tit", 5, "Connection refused"),
        ("mysql://owner:n0tit%2F@127.0.0.1/x", 2, "the URL of the database is postgresql://"),
    ],
)
def test_a_bad_address_is_told_in_two_lines_without_the_password(
    cluster: Server, published: Path, url: str, exit_code: int, told: str
) -> None:
    done = kpi("publish-postgres", url.format(port=cluster.port), "--warehouse", published.parent)
    assert done.exit_code == exit_code
    assert told in done.err and "n0tit" not in done.err + done.out
    assert len(done.err.splitlines()) <= 2


def test_the_command_takes_its_address_from_the_environment(server: Server, published: Path) -> None:
    done = kpi("publish-postgres", "--warehouse", published.parent, "--schema", "sales", KPI_POSTGRES_URL=server.url())
    assert done.exit_code == 0, done.err
    assert "copied to schemas sales, sales_finance, sales_meta; role kpi_reader may read them" in done.out
    assert kpi("publish-postgres", "--warehouse", published.parent).exit_code == 2
    bad = kpi("publish-postgres", server.url(), "--warehouse", published.parent, "--schema", "a;b")
    assert bad.exit_code == 2 and "--schema a;b" in bad.err


def test_a_build_copies_where_it_is_told_to_and_says_when_it_cannot(
    server: Server, landing: Landing, warehouse: Path
) -> None:
    landing.add_parents()
    settings = settings_for(landing.folder, warehouse, postgres_url=server.url())
    run = run_build(settings)
    assert server.ask("select run_id from kpi_meta.build_info") == [(run.run_id,)]
    away = Build(settings_for(landing.folder, warehouse, postgres_url="postgresql://owner@127.0.0.1:1/postgres"))
    with pytest.raises(TransientError, match="the marts are published, but not to PostgreSQL"), away.running():
        away.step("postgres")
    assert "not to PostgreSQL" in (warehouse / "last_run.json").read_text(encoding="utf-8")
    assert server.ask("select run_id from kpi_meta.build_info") == [(run.run_id,)]
    # nothing of the address stands in the record of the run
    assert IN_URL not in (warehouse / "last_run.json").read_text(encoding="utf-8")


def test_a_copy_that_fails_half_way_changes_nothing(server: Server, published: Path, tmp_path: Path) -> None:
    copy(server, published)
    before = server.ask("select run_id from kpi_meta.build_info")
    twice = changed(
        published, tmp_path, "insert into kpi.kpi_win_rate select * from kpi.kpi_win_rate",
        "update meta.build_info set run_id = 'twice'",
    )  # fmt: skip
    with pytest.raises(BuildError, match="duplicate key value violates unique constraint"):
        copy(server, twice)
    assert server.ask("select run_id from kpi_meta.build_info") == before


def test_psql_reads_it(server: Server, published: Path) -> None:
    copy(server, published)
    done = subprocess.run(
        [BINARIES[-1] / "psql", server.url(), "-Atc", "select count(*), min(metric_id) from kpi.kpi_revenue"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    with open_published(published) as connection:
        assert done.stdout.strip() == "{}|revenue".format(
            *connection.execute("select count(*) from kpi.kpi_revenue").fetchone() or ()
        )


@pytest.mark.skipif(not ODBC_DRIVER.exists(), reason="no psqlODBC: apt-get install odbc-postgresql")
def test_odbc_reads_it_with_its_types(server: Server, published: Path) -> None:
    import pyodbc

    copy(server, published)
    connection = pyodbc.connect(
        f"DRIVER={ODBC_DRIVER};SERVER=127.0.0.1;PORT={server.port};DATABASE={server.database};"
        f"UID=owner;PWD={{{PASSWORD}}};BoolsAsChar=0"
    )
    query = "select period_start, is_complete, metric_value, dimension_label from kpi.kpi_revenue order by 1, 4, 2"
    rows = [tuple(row) for row in connection.execute(query).fetchall()]
    assert {column.table_name for column in connection.cursor().tables(schema="kpi", tableType="VIEW")} >= {
        "kpi_revenue", "kpi_scorecard",
    }  # fmt: skip
    connection.close()
    assert rows == server.ask(query)
