"""State of the whole process, set for libraries that take it no other way: the one place that does so.

dbt's profile reads the warehouse's folder from the environment. What MetricFlow needs stands in
`orchestration/show/metricflow.py`, what Great Expectations needs in `expectations/great_expectations_on_duckdb.py`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from orchestration.core.company import COMPANY_VARIABLE
from orchestration.core.errors import InterruptedByError
from orchestration.core.paths import WarehousePaths

# By this dbt's profile knows the limit; a setting of a build is KPI_MEMORY_LIMIT.
MEMORY_VARIABLE = "DUCKDB_MEMORY_LIMIT"
# The signals that told this process to end, in order.
_told_to_end: list[int] = []
# How many are writing down now what may not be left half written.
_undisturbed: list[None] = []


def end_in_order_when_told_to() -> None:
    """Have SIGTERM, like Ctrl-C, end the process by way of its `finally` clauses: records written, locks free."""

    def end(number: int, frame: FrameType | None) -> None:
        _told_to_end.append(number)
        if not _undisturbed:
            raise InterruptedByError(number)

    def unraisable(lost: sys.UnraisableHookArgs) -> None:
        # in a finalizer: Python goes on, and `interruption` tells it
        if not isinstance(lost.exc_value, InterruptedByError):
            sys.__unraisablehook__(lost)

    sys.unraisablehook = unraisable
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def interruption() -> InterruptedByError | None:
    """What ends this process, if it was told to end.

    The exception alone does not say it: a library may make an error of its own of it ("Query interrupted"), or lose it.
    """
    return InterruptedByError(_told_to_end[0]) if _told_to_end else None


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a signal be noted only (`interruption` tells it) until the body, which takes no time, has ended."""
    _undisturbed.append(None)
    try:
        yield
    finally:
        _undisturbed.pop()


def keep_files_private(umask: str) -> None:
    """Have what this process writes from now on be read by whom `umask` (octal, such as 077) leaves the right to."""
    os.umask(int(umask, 8))


def use_company(folder: Path) -> None:
    """Have this process work for the company of a folder, whatever the working directory."""
    os.environ[COMPANY_VARIABLE] = os.path.abspath(folder.expanduser())  # noqa: PTH100 (resolve() would follow links)


def machine_memory() -> int:
    """The bytes of memory that this process can have: the machine's, or its container's where that has less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
    except OSError:
        return memory
    return min(memory, int(limit)) if limit.isdigit() else memory


def memory_limit() -> str:
    """How much memory DuckDB may take before it goes on with files: as set, else half of what there is."""
    return os.environ.get(MEMORY_VARIABLE) or _half_the_memory()


def _half_the_memory() -> str:
    return f"{machine_memory() // 2 // 1024**2}MiB"


def limit_memory(limit: str | None) -> None:
    """Have all connections of this process that build take at most so much; None: half of what there is."""
    os.environ[MEMORY_VARIABLE] = limit or _half_the_memory()


def prepare_for_dbt(paths: WarehousePaths) -> None:
    """Have dbt connect to this warehouse, and tell nobody; nor say of a log line that it could not be written: whoever
    has no room for that has none for the build, and is told so."""
    logging.raiseExceptions = False
    os.environ["KPI_WAREHOUSE"] = str(paths.root)
    os.environ.setdefault("DO_NOT_TRACK", "1")
