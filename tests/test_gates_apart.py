"""The process that evaluates gates ends with the build, however that ends, and a build notices where it is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from expectations.apart import GateProcess
from orchestration.build import pipeline
from orchestration.core.errors import BuildError
from orchestration.core.paths import WarehousePaths
from orchestration.warehouse.lock import read_running
from tests.support.builds import settings_for
from tests.support.command import KPI
from tests.support.landing import Landing

PATIENCE_SECONDS = 60


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that run."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """Whether a process runs: one that has ended and that nobody asked for may still be listed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def step_of(warehouse: Path) -> str | None:
    """The step that a build is at."""
    running = read_running(WarehousePaths(warehouse))
    return running["step"] if running else None


def test_a_process_that_is_ended_from_outside_is_said(tmp_path: Path) -> None:
    gates = GateProcess()
    before = set(children_of(os.getpid()))
    gates.begin(tmp_path / "build.duckdb", tmp_path / "docs", "run-1", {})
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (started := set(children_of(os.getpid())) - before) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pid in started:
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(BuildError, match="the gate after load stopped: the process that evaluates it was ended"):
            gates.run("after_load", ())
    finally:
        gates.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_none_is_left_where_the_build_is_ended(landing: Landing, warehouse: Path, number: int) -> None:
    landing.add("crm.deals", {})
    build = subprocess.Popen(
        [KPI, "build", "--landing", landing.folder, "--warehouse", warehouse, "--as-of", "2026-06-30"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    # until it waits for what to evaluate
    while step_of(warehouse) != "staging" and time.monotonic() < deadline:
        time.sleep(0.01)
    children = children_of(build.pid)
    assert children
    build.send_signal(number)
    build.wait(PATIENCE_SECONDS)
    while (left := [pid for pid in children if is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


@pytest.mark.parametrize("large_bytes", [0, 1 << 20])
def test_it_gets_ready_beside_the_load_of_little_and_behind_that_of_much(
    landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch, large_bytes: int
) -> None:
    monkeypatch.setattr(pipeline, "LARGE_BYTES", large_bytes)
    landing.add("crm.deals", {})
    before = set(children_of(os.getpid()))
    with pipeline.Build(settings_for(landing.folder, warehouse), gates_apart=True).running() as build:
        build.step("load")
        assert bool(set(children_of(os.getpid())) - before) == (large_bytes > 0)
        result = build.gate("after_load")
        assert set(children_of(os.getpid())) - before
    assert result.passed
