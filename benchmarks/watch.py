"""What a process and its children take while they run: memory, and what DuckDB wrote down for want of memory."""

from __future__ import annotations

import os
import threading
from itertools import chain
from pathlib import Path
from types import TracebackType

EVERY_SECONDS = 0.2
# Beside the build file, of a database in memory, and beside the database of a release that is being written. The whole
# warehouse is not looked through: dbt keeps a thousand files there, which would take time from what is measured.
SPILLED_IN = ("*.tmp", ".spilled", "releases/*/*.tmp")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Watches a process (Linux) until the block ends: the greatest memory of it and its children together, and the
    greatest size of DuckDB's temporary files below a folder, in bytes."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid, self.folder = pid, folder
        self.peak_bytes = self.spilled_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            self.peak_bytes = max(self.peak_bytes, _resident(self.pid))
            self.spilled_bytes = max(self.spilled_bytes, _spilled(self.folder))


def _resident(pid: int) -> int:
    """Bytes of memory of a process and all below it that are its own: files that processes share are left out."""
    try:
        total, shared = (int(pages) for pages in Path(f"/proc/{pid}/statm").read_text().split()[1:3])
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return 0
    return (total - shared) * PAGE_BYTES + sum(_resident(child) for child in children)


def _spilled(folder: Path) -> int:
    """Bytes on disk of the files below a folder that DuckDB goes on with where memory does not do."""
    total = 0
    for file in chain.from_iterable(folder.glob(f"{place}/duckdb_temp_*") for place in SPILLED_IN):
        try:
            total += file.stat().st_blocks * 512
        except OSError:
            continue
    return total
