"""Which of the landed files are new, and whether they can be loaded: each is looked at, and read through, once.

Members of zip archives are files of their own. What is unpacked, decoded or converted for the look is kept for the
loading, as long as that is no great deal.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.load.appending import Landed
from orchestration.load.file_facts import UnreadableFileError, fingerprint
from orchestration.load.kinds import archive
from orchestration.load.kinds.opening import head_of, open_file
from orchestration.load.kinds.reading import Content, Reading
from orchestration.load.kinds.workbook import ZIP_MAGIC, is_zipped_workbook
from orchestration.load.landing_folder import LandedFile

# Working copies beyond so much are made again when their file is loaded.
MOST_KEPT_BYTES = 2 << 30


@dataclass(frozen=True)
class Piece:
    """A landed file, or a member of one that is a zip archive. `sha256` is that of the landed file."""

    file: LandedFile
    sha256: str
    member: str = ""

    @property
    def name(self) -> str:
        return f"{self.file.name}/{self.member}" if self.member else self.file.name

    @property
    def label(self) -> str:
        return f"{self.file.folder}/{self.name}"

    def content(self, scratch: Path) -> Content:
        """The piece unpacked: in `scratch`, where working copies go, too, if it is packed."""
        path = self.file.path
        unpacked = scratch / "unpacked"
        if self.member:
            scratch.mkdir(parents=True)
            archive.unpack_member(path, self.member, unpacked)
            path = unpacked
        elif head_of(path).startswith(archive.GZIP_MAGIC):
            scratch.mkdir(parents=True)
            archive.unpack_gzip(path, unpacked)
            path = unpacked
        return Content(path, self.file.candidates, scratch, self.file.partitions)


@dataclass
class NewFile:
    """A file that is to be loaded: `reading` is ready for it, unless it has to be opened again."""

    piece: Piece
    landed: Landed
    scratch: Path
    table: str
    reading: Reading | None

    def open(self) -> Reading:
        """Raises UnreadableFileError."""
        if self.reading is None:
            self.reading = open_file(self.piece.content(self.scratch))
        return self.reading

    def close(self) -> None:
        """Take the working copies away."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.reading = None


@dataclass
class Seen:
    """What lies in the landing folder: new files, known ones by table, name and content, and what cannot be loaded."""

    new: list[NewFile] = field(default_factory=list)
    known: dict[tuple[str, str, str], Piece] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kept_bytes: int = 0


def look_at(connection: duckdb.DuckDBPyConnection, files: Iterable[LandedFile], scratch: Path) -> Seen:
    """Look at all files. `scratch` is an empty folder, in which working copies may stay."""
    # in the order of loading, so that the last content of a name stays
    loaded: dict[tuple[str, str], list[str]] = {}
    for table, name, sha256 in connection.execute(
        "select system_table, file_name, sha256 from raw.load_files order by file_id"
    ).fetchall():
        loaded.setdefault((table, name), []).append(sha256)
    seen = Seen()
    names: dict[tuple[str, str], str] = {}
    for file in files:
        pieces: list[Piece] = []
        with _as_problem(seen, file.label):
            pieces = _pieces(file)
        for piece in pieces:
            folder = scratch / str(len(seen.new) + len(seen.known) + len(seen.problems))
            with _as_problem(seen, piece.label, folder):
                table = _look_at(piece, folder, loaded, seen)
                other = names.setdefault((table, piece.name), piece.label)
                if other != piece.label:
                    raise UnreadableFileError(f"{other} is {piece.name} of {table}, too; rename one of them")
    return seen


@contextmanager
def _as_problem(seen: Seen, label: str, folder: Path | None = None) -> Iterator[None]:
    """Have what is wrong with a file be a problem of its own, and take its working copies away."""
    try:
        yield
    except (UnreadableFileError, OSError) as error:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise  # no fault of the file's
        seen.problems.append(f"{label}: {reason(error)}")


def reason(error: Exception) -> str:
    """What is wrong with a file, in words."""
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror}); if it was still being moved, run again"
    return str(error)


def _pieces(file: LandedFile) -> list[Piece]:
    head = head_of(file.path)
    sha256 = fingerprint(file.path).sha256
    if head.startswith(ZIP_MAGIC) and not is_zipped_workbook(file.path):
        return [Piece(file, sha256, member) for member in archive.members(file.path)]
    return [Piece(file, sha256)]


def _look_at(piece: Piece, folder: Path, loaded: dict[tuple[str, str], list[str]], seen: Seen) -> str:
    """Look at one file; returns the table that it is of."""
    content = None
    landed = Landed(piece.name, piece.sha256, piece.file.path.stat().st_size)
    if piece.member:
        content = piece.content(folder)
        print_ = fingerprint(content.path)
        landed = Landed(piece.name, print_.sha256, print_.size_bytes)
    for table in piece.file.candidates:
        contents = loaded.get((table.label, piece.name), [])
        if landed.sha256 in contents:
            seen.known[table.label, piece.name, landed.sha256] = piece
            shutil.rmtree(folder, ignore_errors=True)
            if landed.sha256 != contents[-1]:
                seen.notes.append(
                    f"{piece.label}: has the content it had before its last change, which is known and changes "
                    "nothing; to go back to it deliver it under another name"
                )
            return table.label
    new = NewFile(piece, landed, folder, "", open_file(content or piece.content(folder)))
    new.table = new.open().layout.table.label
    seen.new.append(new)
    size = _size(folder)
    if seen.kept_bytes + size > MOST_KEPT_BYTES:
        new.close()
    else:
        seen.kept_bytes += size
    return new.table


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.exists() else 0
