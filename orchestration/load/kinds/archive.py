"""What is packed: gzip, which holds one file, and zip, each member of which is a file of its own. Bombs are refused."""

from __future__ import annotations

import gzip
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from orchestration.load.file_facts import UnreadableFileError

GZIP_MAGIC = b"\x1f\x8b"
# What is unpacked may be this large, or so many times as large as the file.
MUCH = 256 << 20
MOST_A_BYTE = 100
COPY_BYTES = 1 << 20
# What the libraries raise on damaged archives; of a kind of packing that they do not have, too (a RuntimeError).
DAMAGED = (
    zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, struct.error, RuntimeError, LookupError,
    ValueError, OverflowError,
)  # fmt: skip


def unpack_gzip(path: Path, to: Path) -> None:
    """Write what a gzip file holds. Raises UnreadableFileError where it is damaged, or expands beyond measure."""
    with _told("is not a readable gzip file"), gzip.open(path, "rb") as packed:
        _copy(packed, to, _most(path), path)


def members(path: Path) -> list[str]:
    """The members of a zip archive that are files to read, by name; hidden ones aside.

    Raises UnreadableFileError where it is damaged, holds nothing, or expands beyond measure.
    """
    with _told("is not a readable zip archive"), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir() and _is_read(entry.filename)]
        if sum(entry.file_size for entry in entries) > _most(path):
            raise UnreadableFileError(_beyond(sum(entry.file_size for entry in entries), path))
    if not entries:
        raise UnreadableFileError("is a zip archive that holds no file to read")
    return [entry.filename for entry in entries]


def unpack_member(path: Path, member: str, to: Path) -> None:
    """Write what a member of a zip archive holds."""
    with (
        _told("is not a readable member of a zip archive"),
        zipfile.ZipFile(path) as archive,
        archive.open(member) as packed,
    ):
        _copy(packed, to, _most(path), path)


def _is_read(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not any(part.startswith(".") or part == "__MACOSX" for part in parts) and not name.lower().endswith(".md")


def _most(path: Path) -> int:
    return max(MUCH, MOST_A_BYTE * path.stat().st_size)


def _beyond(size: int, path: Path) -> str:
    return f"expands beyond measure: to {size:,} bytes and more, from {path.stat().st_size:,}"


def _copy(packed: IO[bytes] | gzip.GzipFile, to: Path, most: int, path: Path) -> None:
    size = 0
    with to.open("wb") as new:
        while chunk := packed.read(COPY_BYTES):
            size += len(chunk)
            if size > most:
                raise UnreadableFileError(_beyond(size, path))
            new.write(chunk)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Have what goes wrong with an archive be an UnreadableFileError."""
    try:
        yield
    except DAMAGED as error:
        if "password" in str(error) or "encrypted" in str(error):
            raise UnreadableFileError("is protected by a password: pack it again without") from error
        raise UnreadableFileError(f"{what} ({error})") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableFileError(f"{what} ({error})") from error  # bzip2's word for damage
