"""The register of closes: every month and version that was ever closed, in the order of the closes.

`finance/closes.jsonl` lies outside the closed folders and is only ever appended to: a line a close, with the SHA-256 of
the month's manifest and of the line before. It is written before a folder gets its name, so that a folder without a
line was never closed here; and each publish carries it, so that a register that was cut or written anew is found.
With a key (setting close_key_file) each line is signed: whoever can write the files but has no key cannot make one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestration.core.errors import BuildError, UsageError
from orchestration.finance.store import ClosedMonth, Link

REGISTER = "closes.jsonl"


class DamagedRegisterError(BuildError):
    """The register of closes is not what was written."""


@dataclass(frozen=True)
class Entry:
    """A close. Times are ISO 8601 in UTC; `previous_sha256` is of the line before, '' for the first."""

    month: str
    version: int
    manifest_sha256: str
    closed_at: str
    closed_by: str
    previous_sha256: str = ""
    signature: str | None = None

    @property
    def link(self) -> Link:
        return Link(self.month, self.version, self.manifest_sha256)

    @property
    def line(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.line.encode()).hexdigest()

    def signed(self, key: bytes | None) -> Entry:
        """The entry with its signature (HMAC-SHA256 over all else); without a key, as it is."""
        if key is None:
            return self
        return Entry(**{**asdict(self), "signature": self._mac(key)})

    def is_signed_by(self, key: bytes) -> bool:
        return self.signature is not None and hmac.compare_digest(self.signature, self._mac(key))

    def _mac(self, key: bytes) -> str:
        unsigned = json.dumps({**asdict(self), "signature": None}, ensure_ascii=False, sort_keys=True)
        return hmac.new(key, unsigned.encode(), hashlib.sha256).hexdigest()


def read_key(path: Path | None) -> bytes | None:
    """The key that closes are signed with. Raises UsageError where the file cannot be read, or is too short."""
    if path is None:
        return None
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"close_key_file {path} cannot be read: {error.strerror}") from error
    if len(key) < 16:
        raise UsageError(f"close_key_file {path} holds {len(key)} bytes: a key has 16 or more")
    return key


def read_register(finance: Path) -> list[Entry] | None:
    """The closes in order; None where there is no register.

    A last line without its end was never written whole, and the close it began never happened. Raises
    DamagedRegisterError naming the line that is not what was written.
    """
    path = finance / REGISTER
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DamagedRegisterError(f"{path} cannot be read: {error}") from error
    entries: list[Entry] = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            entry = Entry(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise DamagedRegisterError(f"{path}, line {number}: is no close") from error
        if entry.line != line or entry.previous_sha256 != (entries[-1].sha256 if entries else ""):
            raise DamagedRegisterError(f"{path}, line {number}: was changed, or a line before it")
        entries.append(entry)
    return entries


def register_problems(finance: Path, published: Sequence[str], key: bytes | None = None) -> list[str]:
    """What is wrong with the register: with itself, with what was published of it, or with its signatures.

    `published`: the SHA-256 of the lines that the published database holds, in order.
    """
    path = finance / REGISTER
    try:
        entries = read_register(finance) or []
    except DamagedRegisterError as error:
        return [str(error)]
    lines = [entry.sha256 for entry in entries]
    if lines[: len(published)] != list(published):
        return [f"{path} is not the one that was published: a line of it was changed or taken away"]
    if key is not None:
        unsigned = [entry for entry in entries if not entry.is_signed_by(key)]
        return [f"{path}: {one.month} version {one.version} is not signed with close_key_file" for one in unsigned]
    return []


def append(finance: Path, link: Link, closed_at: str, closed_by: str, key: bytes | None = None) -> Entry:
    """Enter a close, durably. The lock of the warehouse must be held. Raises DamagedRegisterError, OSError."""
    entries = read_register(finance) or []
    entry = Entry(
        link.month, link.version, link.manifest_sha256, closed_at, closed_by, entries[-1].sha256 if entries else ""
    ).signed(key)
    path = finance / REGISTER
    with path.open("a+b") as stream:
        stream.truncate(sum(len(one.line.encode()) + 1 for one in entries))
        stream.write(entry.line.encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return entry


def begin_register(finance: Path, closed: Sequence[ClosedMonth], recorded: Sequence[Link], key: bytes | None) -> None:
    """Enter what an edition without a register had closed: as it was published, else as it lies there."""
    known = {(link.month, link.version): link for link in recorded}
    for one in sorted(closed, key=lambda one: (one.manifest.closed_at, one.month, one.version)):
        link = known.get((one.link.month, one.version), one.link)
        append(finance, link, one.manifest.closed_at, one.manifest.closed_by, key)
