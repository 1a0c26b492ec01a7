"""Builds whole companies onto a disk that has less and less room, then looks at everything that is promised.

    mount -t tmpfs -o size=300m tmpfs /mnt/small          # any small filesystem of one's own
    python benchmarks/full_disk.py LANDING AS_OF /mnt/small

After a first build with room, each build finds so many megabytes free as LEFT says; it publishes, or ends with exit 5
and a line that names the disk. After each, what kills.py looks at: published files whole and of one run, status, lock,
leftovers. Then the room is back, and a build publishes. Prints a line a build; exits 1 where a promise was broken.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import duckdb
from kills import Experiment

from orchestration.core.paths import WarehousePaths
from orchestration.warehouse.lock import is_building, read_json

LEFT_MB = (0.0, 0.3, 1, 4, 8, 16, 32, 48)
MEGABYTE = 1_000_000


def fill(ballast: Path, left: float) -> None:
    """Leave so many megabytes free on the disk of a file."""
    free = shutil.disk_usage(ballast.parent).free
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, int(free - left * MEGABYTE)))


def look(experiment: Experiment, code: int, told: str, before: str) -> str:
    """Look at everything after a build on a full disk; returns the run that is published."""
    assert "Traceback" not in told and "this is a bug" not in told, told
    assert code in (0, 5), f"exit {code}: {told}"
    run = experiment.published_run()
    assert (run != before) == (code == 0), f"exit {code}, published {run}"
    status = experiment.status()
    assert f"run {run}" in status.splitlines()[0], status
    if code:
        record = read_json(experiment.paths.last_run_file)
        assert "room" in told or "No space left" in told, told
        assert record is not None
        told_of = record["exit_code"] == code or "died" in status
        assert told_of, f"status does not know of it: {status}"
    assert not is_building(experiment.paths), "the lock is held"
    left = [name for name in experiment.leftovers() if name != ".running.json"]
    assert not left, f"left behind: {left}"
    return run


def main() -> int:
    landing, as_of, disk = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    experiment = Experiment(landing, as_of, WarehousePaths(disk / "warehouse"))
    ballast = disk / "ballast"
    experiment.build()
    run, broken = experiment.published_run(), 0
    for left in LEFT_MB:
        fill(ballast, left)
        process = experiment.start()
        _, told = process.communicate()
        line = (told.splitlines() or ["published"])[0]
        try:
            run = look(experiment, process.returncode, told, run)
            verdict = "as promised"
        except (AssertionError, duckdb.Error) as error:
            broken += 1
            verdict = f"BROKEN {str(error)[:300]}"
        ballast.unlink()
        print(f"{left:g} MB left: exit {process.returncode}, {verdict}: {line}", flush=True)
    experiment.build()
    print(f"with room again: published {experiment.published_run()}; {broken} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
