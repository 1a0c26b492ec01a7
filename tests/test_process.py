"""A process that is told to end, wherever the signal finds it, and one whose log has no room."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal
from orchestration.core.process import end_in_order_when_told_to, interruption

class Finalized:
    def __del__(self):
        {finalizer}

end_in_order_when_told_to()
Finalized()
ended_by = interruption()
print(ended_by and ended_by.signal_name)
"""

LOGGING = """
import errno, logging
from pathlib import Path
from orchestration.core.paths import WarehousePaths
from orchestration.core.process import prepare_for_dbt

class Full:
    def write(self, text):
        raise OSError(errno.ENOSPC, "no room")

prepare_for_dbt(WarehousePaths(Path("warehouse")))
logging.getLogger().addHandler(logging.StreamHandler(Full()))
logging.error("a line")
"""


def ended(finalizer: str) -> tuple[str, str]:
    """What a program with an object prints that does something when it goes."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(finalizer=finalizer)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip(), done.stderr


def test_a_signal_that_meets_a_finalizer_is_noted_and_says_nothing() -> None:
    """Python cannot raise there; it would print a stack trace and go on."""
    said, complaint = ended("os.kill(os.getpid(), signal.SIGTERM)")
    assert "SIGTERM" in said
    assert complaint == ""


def test_what_else_fails_in_a_finalizer_is_still_said() -> None:
    said, complaint = ended("raise ValueError('broken')")
    assert said == "None"
    assert "broken" in complaint


def test_a_log_without_room_says_nothing() -> None:
    """What the build itself has no room for is said; Python would print a stack trace a line of the log."""
    done = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
