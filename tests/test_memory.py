"""How much memory a build takes at most, and where it goes on beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.core import process
from orchestration.core.errors import BuildError, UsageError
from orchestration.core.settings import load_settings
from orchestration.warehouse.connections import keep_within_memory, open_build_file
from tests.support.command import kpi
from tests.support.landing import Landing


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test sets for the process ends with it."""
    monkeypatch.delenv(process.MEMORY_VARIABLE, raising=False)
    yield


def limit_of(connection: duckdb.DuckDBPyConnection) -> str:
    """A connection's memory limit, as DuckDB says it."""
    row = connection.execute("select current_setting('memory_limit')").fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("limit", ["8GB", "512MiB", "1.5 GB"])
def test_a_limit_is_a_size(limit: str) -> None:
    assert load_settings({"memory_limit": limit}).memory_limit == limit
    with duckdb.connect() as connection:
        connection.execute(f"set memory_limit = '{limit}'")


@pytest.mark.parametrize("limit", ["8", "50%", "lots", "-1GB"])
def test_what_is_no_size_is_refused(limit: str) -> None:
    with pytest.raises(UsageError, match=f"setting memory_limit={limit}"):
        load_settings({"memory_limit": limit})


def test_a_build_takes_what_is_set_or_half_of_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "machine_memory", lambda: 4 * 2**30)
    with open_build_file(tmp_path / "build.duckdb") as connection:
        assert limit_of(connection) == "2.0 GiB"
    process.limit_memory("1GiB")
    with open_build_file(tmp_path / "build.duckdb") as connection:
        assert limit_of(connection) == "1.0 GiB"
    process.limit_memory(None)
    with open_build_file(tmp_path / "build.duckdb") as connection:
        assert limit_of(connection) == "2.0 GiB"
    monkeypatch.delenv(process.MEMORY_VARIABLE)


def test_a_database_in_memory_spills_into_the_warehouse_not_where_the_command_runs(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        keep_within_memory(connection, tmp_path)
        row = connection.execute("select current_setting('temp_directory')").fetchone()
        assert row == (str(tmp_path / ".spilled"),)


def test_too_little_memory_is_said_with_the_way_out(landing: Landing, warehouse: Path) -> None:
    landing.add("crm.deals", {})
    arguments = ("--landing", landing.folder, "--warehouse", warehouse, "--as-of", "2026-06-30")
    result = kpi("build", *arguments, KPI_MEMORY_LIMIT="20MB")
    assert result.exit_code == BuildError.exit_code
    assert result.complaint.startswith("kpi: no room in memory: ")
    assert "KPI_MEMORY_LIMIT" in result.err
    assert "Possible solutions" not in result.err
