"""JSON: an object a line, an array of objects, or an object that has the array as its `data` or `results`.

Read as a stream, twice: once for the columns, once for the records. Numbers keep their digits; what is nested becomes
JSON text, and a column of its own where a table has a column of that name (`owner.id`, `owner_id`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, TextIO

from orchestration.core.contract import Table
from orchestration.load.encoding import printable
from orchestration.load.file_facts import FileLayout, UnreadableFileError
from orchestration.load.headers import bare_name, check_header, first_that_fits, match_header
from orchestration.load.kinds.reading import Content
from orchestration.load.kinds.records import MAX_VALUE_BYTES, RecordsReading, write_records
from orchestration.load.kinds.text import utf8_text
from orchestration.load.scanned import MalformedLine

# Under these an object has the records.
RECORDS_KEYS = ("data", "results")
CHUNK_CHARACTERS = 1 << 20
MAX_COLUMNS = 2_000
MOST_LEVELS = 4
MAX_MALFORMED = 100_000
WHITE_SPACE = " \t\r\n"


class Number(str):
    """A number as its digits stand in the file."""


@dataclass(frozen=True)
class Entry:
    """What stands on a line or at a place of an array (from 1): an object, or a text and what is wrong with it."""

    line: int
    record: dict[str, Any] | None
    text: str = ""
    error: str = ""


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number)


def open_json(content: Content) -> RecordsReading:
    """Look at a JSON file. Raises UnreadableFileError where it holds no records, or fits none of its tables."""
    declared = next((table.dialect.encoding for table in content.candidates if table.dialect.encoding), None)
    text = utf8_text(content, declared)
    is_lines = _is_lines(text.path)
    paths: dict[str, None] = {}
    malformed: list[MalformedLine] = []
    blank_lines = count = 0
    for entry in _entries(text.path, is_lines):
        count += 1
        if entry.record is not None:
            _note_columns(entry.record, paths)
        elif entry.error:
            malformed.append(MalformedLine(entry.line, printable(entry.text[:MAX_VALUE_BYTES]), entry.error))
        else:
            blank_lines += 1
        if len(malformed) > MAX_MALFORMED:
            raise UnreadableFileError(f"is not JSON: at least {len(malformed):,} of its first {count:,} lines are not")
    if malformed and len(malformed) + blank_lines == count:
        raise UnreadableFileError(f"is not JSON: {malformed[0].error}, line {malformed[0].line}")
    columns = {table: _columns(table, list(paths)) for table in content.candidates}
    layout = first_that_fits(content.candidates, lambda table: _layout(table, columns[table], content, text.notes))
    records = content.working_folder() / "records.csv"
    places = [path.split("\0") for path in columns[layout.table]]
    write_records(
        records,
        (
            (entry.line, [_text(_at(entry.record, place)) for place in places])
            for entry in _entries(text.path, is_lines)
            if entry.record is not None
        ),
    )
    return RecordsReading(records, layout, malformed, blank_lines)


def _columns(table: Table, paths: list[str]) -> list[str]:
    """The paths that are columns: the keys of the objects, and what is nested in them where a table has it by name."""
    known = {bare_name(name) for column in table.columns for name in (column.name, *column.aliases)}
    top = {bare_name(path) for path in paths if "\0" not in path}
    return [path for path in paths if "\0" not in path or bare_name(path) in known - top]


def _layout(table: Table, columns: list[str], content: Content, notes: tuple[str, ...]) -> FileLayout:
    if len(columns) > MAX_COLUMNS:
        raise UnreadableFileError(f"has {len(columns):,} columns, more than {MAX_COLUMNS:,}")
    match = match_header(table, [column.replace("\0", ".") for column in columns])
    if columns:  # an array of nothing is an export without rows
        check_header(match, content.partitions)
    return FileLayout(match, constants=content.constants(table), notes=notes)


def _note_columns(record: dict[str, Any], paths: dict[str, None], above: str = "", levels: int = 1) -> None:
    """Add the path of every key; of nested ones, joined by NUL, as many as there is room for."""
    for key, value in record.items():
        path = above + key.replace("\0", "")
        if path not in paths and (levels == 1 or len(paths) < 5 * MAX_COLUMNS):
            paths[path] = None
            if len(paths) > 10 * MAX_COLUMNS:
                raise UnreadableFileError(
                    f"has more than {10 * MAX_COLUMNS:,} columns: its objects differ in their keys"
                )
        if isinstance(value, dict) and levels < MOST_LEVELS:
            _note_columns(value, paths, f"{path}\0", levels + 1)


def _at(record: dict[str, Any] | None, place: Sequence[str]) -> Any:
    value: Any = record
    for key in place:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str) else _nested(value)


def _nested(value: Any) -> str:
    """A nested value as JSON again, its numbers with their digits."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{encode_basestring(key)}: {_nested(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested, value)) + "]"
    if isinstance(value, Number):
        return str(value)
    return encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def _is_lines(path: Path) -> bool:
    """Whether a file has an object a line, rather than one value."""
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        lines = iter(lambda: stream.readline(MAX_VALUE_BYTES), "")
        held = list(islice((line for line in lines if line.strip()), 2))
    if not held or not held[0].lstrip().startswith("{") or len(held[0]) == MAX_VALUE_BYTES:
        return False
    try:
        first = json.loads(held[0])
    except ValueError:
        return len(held) > 1 and held[1].lstrip().startswith("{")
    return len(held) > 1 or not any(isinstance(first.get(key), list) for key in RECORDS_KEYS)


def _entries(path: Path, is_lines: bool) -> Iterator[Entry]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n" if is_lines else None) as stream:
        yield from _of_lines(stream) if is_lines else _of_array(stream)


def _of_lines(stream: TextIO) -> Iterator[Entry]:
    for number, line in enumerate(iter(lambda: stream.readline(MAX_VALUE_BYTES), ""), start=1):
        if len(line) == MAX_VALUE_BYTES:
            raise UnreadableFileError(f"line {number} is longer than {MAX_VALUE_BYTES:,} characters: export it again")
        text = line.strip()
        if not text:
            yield Entry(number, None)
            continue
        try:
            value, end = DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            yield Entry(number, None, text, "not json")
            continue
        if end < len(text) or not isinstance(value, dict):
            yield Entry(number, None, text, "not one json object")
        else:
            yield Entry(number, value)


def _of_array(stream: TextIO) -> Iterator[Entry]:
    """The elements of an array, or of the array that an object has under one of `RECORDS_KEYS`."""
    reader = _Reader(stream)
    if reader.peek() != "{":
        yield from reader.array()
    else:
        found = False
        reader.take("{")
        while reader.peek() != "}":
            key = reader.value()
            reader.take(":")
            if not found and key in RECORDS_KEYS and reader.peek() == "[":
                found = True
                yield from reader.array()
            else:
                reader.value()
            if reader.peek() != ",":
                break
            reader.take(",")
        reader.take("}")
        if not found:
            raise UnreadableFileError(
                f"is a JSON object without an array called {' or '.join(RECORDS_KEYS)}: export an array of objects"
            )
    if reader.peek():
        raise UnreadableFileError(f"is not JSON: something stands behind its end, character {reader.place + 1:,}")


class _Reader:
    """Takes JSON off a stream, value by value, holding no more of it than the value at hand."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._before = 0
        self._is_over = False

    @property
    def place(self) -> int:
        """How many characters are taken."""
        return self._before + self._at

    def _read(self, characters: int) -> None:
        chunk = self._stream.read(characters)
        self._is_over = not chunk
        self._before += self._at
        self._text = self._text[self._at :] + chunk
        self._at = 0

    def peek(self) -> str:
        """The next character that is no white space; '' at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in WHITE_SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_over:
                return ""
            self._read(CHUNK_CHARACTERS)

    def take(self, char: str) -> None:
        if self.peek() != char:
            raise UnreadableFileError(
                f"is not JSON: at character {self.place + 1:,} there should be {char}"
                + ("; the file is cut off" if not self.peek() else "")
            )
        self._at += 1

    def value(self) -> Any:
        self.peek()
        more = CHUNK_CHARACTERS
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
                # a number may go on in what is not read yet
                if end < len(self._text) or self._is_over:
                    self._at = end
                    return value
            except (ValueError, RecursionError) as error:
                if self._is_over or len(self._text) - self._at > 8 * MAX_VALUE_BYTES:
                    raise UnreadableFileError(
                        f"is not JSON: look at what begins at character {self.place + 1:,} ({error})"
                    ) from error
            self._read(more)
            more *= 2

    def array(self) -> Iterator[Entry]:
        self.take("[")
        number = 0
        while self.peek() != "]":
            number += 1
            value = self.value()
            if isinstance(value, dict):
                yield Entry(number, value)
            else:
                yield Entry(number, None, _nested(value), "not a json object")
            if self.peek() != ",":
                break
            self.take(",")
        self.take("]")
