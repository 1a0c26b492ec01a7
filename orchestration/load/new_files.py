"""Which of the landed files are new, and whether they can be loaded: each is looked at, and read through, once.

Members of zip archives are files of their own. What is unpacked, decoded or converted for the look is kept for the
loading, as long as that is no great deal.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import duckdb

from orchestration.core.errors import is_full_disk
from orchestration.load.appending import Landed, at_once
from orchestration.load.file_facts import Fingerprint, UnreadableFileError, fingerprint
from orchestration.load.kinds import archive
from orchestration.load.kinds.opening import head_of, open_file
from orchestration.load.kinds.reading import Content, Reading
from orchestration.load.kinds.workbook import ZIP_MAGIC, is_zipped_workbook
from orchestration.load.landing_folder import LandedFile

# Working copies beyond so much are made again when their file is loaded.
MOST_KEPT_BYTES = 2 << 30
# So many files are looked at before the first of them is taken in.
FILES_AHEAD = 8
One = TypeVar("One")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Piece:
    """A landed file, or a member of one that is a zip archive. `print_` is that of the landed file."""

    file: LandedFile
    print_: Fingerprint
    member: str = ""

    @property
    def sha256(self) -> str:
        return self.print_.sha256

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
        known = None if path == unpacked else self.print_
        return Content(path, self.file.candidates, scratch, self.file.partitions, known)


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


@dataclass(frozen=True)
class _Fault:
    """A landed file that cannot be looked at."""

    file: LandedFile
    error: Exception


@dataclass(frozen=True)
class _Known:
    """A file that was loaded before: its table, and whether its content is the last one that its name had."""

    piece: Piece
    table: str
    sha256: str
    is_last: bool


@dataclass
class _Look:
    """What a look at a file found, or what is wrong with it."""

    name: str
    label: str
    folder: Path
    found: NewFile | _Known | Exception | None = None


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
    with ThreadPoolExecutor(at_once(connection)) as pool:
        pieces = (piece for found in _ahead(pool, _pieces, files) for piece in found)
        numbered = ((piece, scratch / str(number)) for number, piece in enumerate(pieces))
        for look in _ahead(pool, lambda one: _look_at(*one, loaded), numbered):
            try:
                table = _take_in(look, seen)
                other = names.setdefault((table, look.name), look.label)
                if other != look.label:
                    raise UnreadableFileError(f"{other} is {look.name} of {table}, too; rename one of them")
            except (UnreadableFileError, OSError) as error:
                shutil.rmtree(look.folder, ignore_errors=True)
                if is_full_disk(error):
                    raise  # no fault of the file's
                seen.problems.append(f"{look.label}: {reason(error)}")
    return seen


def _ahead(pool: ThreadPoolExecutor, function: Callable[[One], Result], items: Iterable[One]) -> Iterator[Result]:
    """The results of a function in the order of its items, of which only a few are worked on ahead: their working
    copies take room."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > FILES_AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def reason(error: Exception) -> str:
    """What is wrong with a file, in words."""
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror}); if it was still being moved, run again"
    return str(error)


def _pieces(file: LandedFile) -> list[Piece | _Fault]:
    try:
        head = head_of(file.path)
        print_ = fingerprint(file.path)
        if head.startswith(ZIP_MAGIC) and not is_zipped_workbook(file.path):
            return [Piece(file, print_, member) for member in archive.members(file.path)]
    except (UnreadableFileError, OSError) as error:
        return [_Fault(file, error)]
    return [Piece(file, print_)]


def _look_at(piece: Piece | _Fault, folder: Path, loaded: dict[tuple[str, str], list[str]]) -> _Look:
    """Look at one file, or find that it is known."""
    if isinstance(piece, _Fault):
        return _Look(piece.file.name, piece.file.label, folder, piece.error)
    look = _Look(piece.name, piece.label, folder)
    try:
        content = None
        landed = Landed(piece.name, piece.sha256, piece.print_.size_bytes)
        if piece.member:
            content = piece.content(folder)
            print_ = fingerprint(content.path)
            landed = Landed(piece.name, print_.sha256, print_.size_bytes)
        for table in piece.file.candidates:
            contents = loaded.get((table.label, piece.name), [])
            if landed.sha256 in contents:
                look.found = _Known(piece, table.label, landed.sha256, is_last=landed.sha256 == contents[-1])
                return look
        reading = open_file(content or piece.content(folder))
        look.found = NewFile(piece, landed, folder, reading.layout.table.label, reading)
    except (UnreadableFileError, OSError) as error:
        look.found = error
    return look


def _take_in(look: _Look, seen: Seen) -> str:
    """Enter a file into what was seen; returns the table that it is of. Raises what is wrong with it."""
    found = look.found
    if isinstance(found, NewFile):
        seen.new.append(found)
        size = _size(look.folder)
        if seen.kept_bytes + size > MOST_KEPT_BYTES:
            found.close()
        else:
            seen.kept_bytes += size
        return found.table
    if isinstance(found, _Known):
        seen.known[found.table, look.name, found.sha256] = found.piece
        shutil.rmtree(look.folder, ignore_errors=True)
        if not found.is_last:
            seen.notes.append(
                f"{look.label}: has the content it had before its last change, which is known and changes "
                "nothing; to go back to it deliver it under another name"
            )
        return found.table
    assert found is not None
    raise found


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir()) if folder.exists() else 0
