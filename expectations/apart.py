"""The gates of one run in a process of their own, which imports Great Expectations while something else is done.

That takes two seconds on one core, and a build has another: while files are loaded, or, where loading them keeps all
cores busy, while the dbt project is read.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from expectations.families import Family
from expectations.runner import GateResult, GateRunner
from orchestration.core.errors import BuildError

# The runner of this process, where it is one that evaluates gates.
_runners: list[GateRunner] = []


class GateProcess:
    """Evaluates gates as a GateRunner does. The process begins with the first `begin`, and ends with `close`."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_prepare)
        self._ready: Future[None] | None = None

    def begin(
        self, build_file: Path, data_docs: Path, run_id: str, parameters: Mapping[str, Any], always: bool = False
    ) -> None:
        """Have the process get ready for the gates of a run, if it has not; what GateRunner takes."""
        self._ready = self._ready or self._pool.submit(_begin, build_file, data_docs, run_id, parameters, always)

    def run(self, gate: str, families: Sequence[Family]) -> GateResult:
        """Evaluate a gate. Raises BuildError where the process has ended before its time."""
        try:
            if self._ready is not None:
                self._ready.result()
            return self._pool.submit(_run, gate, families).result()
        except BrokenProcessPool as error:
            raise BuildError(
                f"the gate {gate.replace('_', ' ')} stopped: the process that evaluates it was ended from outside",
                ["nothing was published; look whether the machine is short of memory, and build again"],
            ) from error

    def close(self) -> None:
        """Let the process end when it has done what it is at."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _prepare() -> None:
    # Ctrl-C reaches both; the build ends in order, and lets this one end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


def _begin(build_file: Path, data_docs: Path, run_id: str, parameters: Mapping[str, Any], always: bool) -> None:
    import expectations.great_expectations_on_duckdb  # noqa: F401 (what takes the time)

    _runners[:] = [GateRunner(build_file, data_docs, run_id, parameters, always)]


def _run(gate: str, families: Sequence[Family]) -> GateResult:
    return _runners[0].run(gate, families)
