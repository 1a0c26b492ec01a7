"""Errors a user can cause, each with the exit code that the `kpi` command ends with."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Sequence

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class KpiError(Exception):
    """A failure that is told in one or two lines, without a stack trace.

    Subclasses set `exit_code`; `details` are further lines, one fact each.
    """

    exit_code = 5

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = list(details)


class UsageError(KpiError):
    """Bad usage or configuration."""

    exit_code = 2


class BadInputError(KpiError):
    """Landing files that cannot be loaded at all."""

    exit_code = 3


class GateClosedError(KpiError):
    """The data loaded, but is not fit to go on; nothing was published."""

    exit_code = 4


class BuildError(KpiError):
    """Anything else that stopped the build."""

    exit_code = 5


class InterruptedByError(SystemExit):
    """A signal that asks the process to end. Libraries let a SystemExit pass, and cancel what they have under way.

    `code` is 128 and the signal's number, as shells have it; `outcome` is what is to be said of what was published.
    """

    outcome = "what was published stays as it was"

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.exit_code = 128 + number
        self.signal_name = signal.Signals(number).name


class TransientError(BuildError):
    """What may be gone at the next try: a file somebody else holds open, a disk that did not answer."""


def is_full_disk(error: BaseException) -> bool:
    """Whether an error says that the disk, or what a user may have of it, is full."""
    return (isinstance(error, OSError) and error.errno in FULL_DISK) or says_full_disk(str(error))


def says_full_disk(text: str) -> bool:
    """The same of a text: DuckDB, and a process that ended, tell it in no other way."""
    return any(os.strerror(number) in text for number in FULL_DISK)


def no_room(error: BaseException) -> BuildError | None:
    """A full disk, or too little memory, in words; None where the error is another. DuckDB tells both in the text of
    its own errors."""
    text = str(error).partition("Possible solutions")[0].strip()
    if isinstance(error, MemoryError) or "Out of Memory Error" in text:
        return BuildError(
            f"no room in memory: {text or 'Python was refused more'}",
            ["set memory_limit (KPI_MEMORY_LIMIT) higher, or end what else takes memory, and run it again"],
        )
    if not is_full_disk(error):
        return None
    return BuildError(
        f"no room on the disk: {str(error).splitlines()[0]}",
        ["make room there and run it again; what is published is whole"],
    )
