"""A process that is told to end, wherever the signal finds it."""

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
