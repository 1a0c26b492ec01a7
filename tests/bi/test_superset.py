"""Apache Superset on the published marts, as an analyst uses it: `make test-bi`, which installs it first.

Its REST API registers the database and the datasets and builds a chart for each category; the charts' data are compared
with the marts, also while builds publish.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import duckdb
import pytest

from orchestration.build.pipeline import run_build
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.paths import WarehousePaths
from orchestration.publish.marts import Build, publish
from orchestration.sample import write_sample
from orchestration.warehouse.connections import open_published
from tests.support.builds import settings_for

BINARIES = PROJECT_ROOT / ".venv-superset" / "bin"
AS_OF = date(2026, 10, 31)
PASSWORD = secrets.token_urlsafe(16)
# A chart of each category: its mart, the columns it groups by, what it filters.
CHARTS = {
    "performance": ("kpi_revenue", "dimension_label", "team"),
    "activity": ("kpi_calls_and_emails", "dimension_label", "sales_rep"),
    "productivity": ("kpi_pipeline_value", "dimension_label", "stage"),
    "beyond": ("kpi_refund_rate", "dimension_label", "region"),
}
PUBLISHES = 8

pytestmark = pytest.mark.skipif(
    not (BINARIES / "superset").exists(), reason="Superset is not installed: `make test-bi` does both"
)

CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db?check_same_thread=false"
DATA_DIR = {folder!r}
WTF_CSRF_ENABLED = True
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
# every question is asked of the marts anew
DATA_CACHE_CONFIG = {{"CACHE_TYPE": "NullCache"}}
CACHE_CONFIG = {{"CACHE_TYPE": "NullCache"}}
"""


@dataclass
class Superset:
    """A running server and a session of its administrator."""

    url: str
    opener: OpenerDirector = field(default_factory=lambda: build_opener(HTTPCookieProcessor(CookieJar())))
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What an address of the API answers to a GET, or to a POST of `body`."""
        request = Request(
            f"{self.url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Referer": self.url,
                **self.headers,
                **({} if body is None else {"Content-Type": "application/json"}),
            },
        )
        try:
            with self.opener.open(request, timeout=120) as answer:
                told: dict[str, Any] = json.loads(answer.read())
        except HTTPError as error:
            raise AssertionError(f"{path}: {error.code} {error.read().decode()[:2000]}") from error
        return told

    def log_in(self) -> None:
        who = {"username": "admin", "password": PASSWORD, "provider": "db", "refresh": True}
        self.headers["Authorization"] = f"Bearer {self.call('/api/v1/security/login', who)['access_token']}"
        self.headers["X-CSRFToken"] = self.call("/api/v1/security/csrf_token/")["result"]

    def create(self, what: str, **properties: Any) -> int:
        return int(self.call(f"/api/v1/{what}/", properties)["id"])

    def rows(self, chart: int) -> list[dict[str, Any]]:
        """The data of a saved chart, asked for anew."""
        result = self.call(f"/api/v1/chart/{chart}/data/?force=true")["result"][0]
        assert result["error"] is None
        rows: list[dict[str, Any]] = result["data"]
        return rows


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company's marts."""
    folder = tmp_path_factory.mktemp("bi")
    write_sample(folder / "landing", scale=1, seed=1, as_of=AS_OF)
    settings = settings_for(folder / "landing", folder / "warehouse", as_of_date=AS_OF)
    run_build(settings)
    return settings.warehouse


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    """Superset with its own metadata in SQLite, on a free port of the loopback address."""
    folder = tmp_path_factory.mktemp("superset")
    config = folder / "superset_config.py"
    config.write_text(CONFIG.format(secret=secrets.token_urlsafe(42), folder=str(folder)), encoding="utf-8")
    environment = {
        **os.environ, "SUPERSET_CONFIG_PATH": str(config), "FLASK_APP": "superset.app:create_app()",
        "SUPERSET_HOME": str(folder), "SCARF_ANALYTICS": "false", "DO_NOT_TRACK": "1",
        "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    for arguments in (
        ("db", "upgrade"),
        ("fab", "create-admin", "--username", "admin", "--firstname", "A", "--lastname", "B", "--email", "a@b.test",
         "--password", PASSWORD),
        ("init",),
    ):  # fmt: skip
        done = subprocess.run([BINARIES / "superset", *arguments], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [BINARIES / "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "4",
             "--timeout", "120", "superset.app:create_app()"], env=environment, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            started = Superset(f"http://127.0.0.1:{port}")
            until = time.monotonic() + 120
            while time.monotonic() < until:
                assert running.poll() is None, (folder / "log").read_text(encoding="utf-8")
                with suppress(URLError, ConnectionError, HTTPError), started.opener.open(f"{started.url}/health"):
                    break
                time.sleep(0.5)
            started.log_in()
            yield started
        finally:
            running.terminate()
            running.wait(30)


@pytest.fixture(scope="module")
def database(superset: Superset, warehouse: Path) -> int:
    """The published file, read-only, as docs/bi/superset.md says."""
    return superset.create(
        "database",
        database_name="Sales KPIs",
        sqlalchemy_uri=f"duckdb:///{warehouse / 'marts.duckdb'}?access_mode=READ_ONLY",
        expose_in_sqllab=True,
        allow_dml=False,
    )


@pytest.fixture(scope="module")
def charts(superset: Superset, database: int) -> dict[str, int]:
    """A saved chart a category: the value of each member by month."""
    found = {}
    for category, (mart, column, cut) in CHARTS.items():
        dataset = superset.create("dataset", database=database, schema="marts.kpi", table_name=mart)
        query = {
            "columns": ["period_start", column],
            "metrics": [{
                "expressionType": "SQL", "sqlExpression": "max(metric_value)", "label": "value", "hasCustomLabel": True,
            }],
            "filters": [
                {"col": "period_grain", "op": "==", "val": "month"}, {"col": "dimension", "op": "==", "val": cut},
            ],
            "row_limit": 10000,
        }  # fmt: skip
        source = {"id": dataset, "type": "table"}
        found[category] = superset.create(
            "chart",
            slice_name=f"{mart} by {cut}",
            viz_type="table",
            datasource_id=dataset,
            datasource_type="table",
            params=json.dumps({"datasource": f"{dataset}__table", "viz_type": "table"}),
            query_context=json.dumps(
                {"datasource": source, "queries": [query], "result_format": "json", "result_type": "full"}
            ),
        )
    return found


def expected(warehouse: Path, category: str) -> dict[tuple[str, str], float | None]:
    mart, column, cut = CHARTS[category]
    with open_published(warehouse / "marts.duckdb") as connection:
        rows = connection.execute(
            f"select period_start, {column}, max(metric_value) from kpi.{mart} where period_grain = 'month' "
            "and dimension = ? group by all",
            [cut],
        ).fetchall()
    return {(str(start), str(member)): None if value is None else float(value) for start, member, value in rows}


def shown(superset: Superset, chart: int, category: str) -> dict[tuple[str, str], float | None]:
    column = CHARTS[category][1]
    return {
        (datetime.fromtimestamp(row["period_start"] / 1000, UTC).date().isoformat(), row[column]): (
            None if row["value"] is None else float(row["value"])
        )
        for row in superset.rows(chart)
    }


def test_the_schemas_and_marts_are_found(superset: Superset, database: int) -> None:
    schemas = superset.call(f"/api/v1/database/{database}/schemas/")["result"]
    assert {"marts.kpi", "marts.finance"} <= {name.replace('"', "") for name in schemas}


@pytest.mark.parametrize("category", CHARTS)
def test_a_chart_shows_what_the_mart_says(
    superset: Superset, warehouse: Path, charts: dict[str, int], category: str
) -> None:
    told = expected(warehouse, category)
    assert len(told) > 50
    assert shown(superset, charts[category], category) == pytest.approx(told, nan_ok=True)


def test_it_cannot_write(superset: Superset, database: int) -> None:
    with pytest.raises(AssertionError, match=r"(?i)read-only|not allowed|DML|select"):
        superset.call(
            "/api/v1/sqllab/execute/",
            {
                "database_id": database,
                "sql": "delete from marts.kpi.kpi_revenue",
                "schema": "marts.kpi",
                "runAsync": False,
            },
        )


def test_charts_answer_while_builds_publish_and_show_the_new_one_then(
    superset: Superset, warehouse: Path, charts: dict[str, int], tmp_path: Path
) -> None:
    """Every published build multiplies the values by its number; a chart must show one build's values, whole."""
    base = expected(warehouse, "performance")
    tables = [name for (name,) in _ask(warehouse, "select table_name from duckdb_tables() where schema_name = 'kpi' "
                                       "and database_name = 'published'")]  # fmt: skip
    builds = [_multiplied(warehouse, tmp_path, number) for number in range(1, PUBLISHES + 1)]
    done = threading.Event()
    seen: list[float] = []
    errors: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                now = shown(superset, charts["performance"], "performance")
                factors = {round(now[key] / value, 6) for key, value in base.items() if value and (now[key] or 0)}  # type: ignore[operator]
                assert len(factors) == 1, factors
                seen.append(factors.pop())
        except BaseException as error:
            errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number, build in enumerate(builds, start=1):
        paths = WarehousePaths(warehouse)
        build.replace(paths.build_file)
        publish(
            paths, Build(f"run-{number}", AS_OF.isoformat(), "1", {}, {"facts": [], "kpi": tables}), with_finance=False
        )
        time.sleep(0.5)
    done.set()
    reader.join(120)
    assert not errors, errors
    assert len(set(seen)) > 2
    last = shown(superset, charts["performance"], "performance")
    assert last == pytest.approx({key: value and value * PUBLISHES for key, value in base.items()})


def _ask(warehouse: Path, query: str) -> list[tuple[Any, ...]]:
    with open_published(warehouse / "marts.duckdb") as connection:
        return connection.execute(query).fetchall()


def _multiplied(warehouse: Path, folder: Path, factor: int) -> Path:
    """A build file whose revenue is a multiple of what is published."""
    path = folder / f"build-{factor}.duckdb"
    shutil.copyfile(warehouse / "marts.duckdb", path)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as build")
        connection.execute(f"update build.kpi.kpi_revenue set metric_value = metric_value * {factor}")
    return path
