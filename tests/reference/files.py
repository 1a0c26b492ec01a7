"""Landing files to rows of text: CSV and Parquet, lines that are neither, and the order of files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.reference.contract import Table, Values
from tests.reference.values import natural_file

SUFFIXES = (".csv", ".parquet")


class LandingError(Exception):
    """No landing file at all, or a file that cannot be loaded: the load stops."""


@dataclass
class LandedRow:
    file: str
    line: int
    texts: dict[str, str] | None
    """None for a malformed line."""
    values: Values = field(default_factory=dict)
    reasons: set[str] = field(default_factory=set)


def _split_record(lines: list[str], start: int) -> tuple[list[str] | None, int]:
    """The fields of the record that begins on a line, and the line after it. None: that one line is malformed."""
    if '"' not in lines[start]:
        return lines[start].split(","), start + 1
    fields: list[str] = []
    row, at = start, 0
    while True:
        line = lines[row]
        if line[at : at + 1] != '"':
            end = line.find(",", at)
            field_text = line[at:] if end < 0 else line[at:end]
            if '"' in field_text:
                return None, start + 1
            fields.append(field_text)
            at = len(line) if end < 0 else end
        else:
            parts: list[str] = []
            at += 1
            while True:
                quote = lines[row].find('"', at)
                if quote < 0:
                    parts.append(lines[row][at:] + "\n")
                    row, at = row + 1, 0
                    if row == len(lines):
                        return None, start + 1
                elif lines[row][quote + 1 : quote + 2] == '"':
                    parts.append(lines[row][at : quote + 1])
                    at = quote + 2
                else:
                    parts.append(lines[row][at:quote])
                    at = quote + 1
                    break
            fields.append("".join(parts))
            line = lines[row]
        if at == len(line):
            return fields, row + 1
        if line[at] != ",":
            return None, start + 1
        at += 1


def _read_csv(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str] | None]]]:
    # bytes that are no UTF-8 spoil their line, not their file
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    header, first = _split_record(lines, 0)
    if header is None:
        raise LandingError(f"{path}: no header line")

    def records() -> Iterator[tuple[int, list[str] | None]]:
        at = first
        while at < len(lines):
            number = at + 1
            fields, at = _split_record(lines, at)
            yield number, None if fields and any(map(_is_broken, fields)) else fields

    return [name.strip() for name in header], records()


def _is_broken(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


def _read_parquet(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str] | None]]]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        try:
            relation = connection.execute("select columns(*)::varchar from read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise LandingError(f"{path}: not Parquet") from error
        names = [column[0] for column in relation.description or []]
        rows = relation.fetchall()
    return names, ((number, ["" if v is None else v for v in row]) for number, row in enumerate(rows, 1))


def read_table(folder: Path, table: Table) -> tuple[list[LandedRow], list[str]]:
    """The rows of all files of a table, without the blank ones, and the files' names as people sort them."""
    rows: list[LandedRow] = []
    files = [path for path in folder.glob("*") if path.suffix in SUFFIXES and path.is_file()]
    for path in sorted(files, key=lambda file: natural_file(file.name)):
        names, records = _read_csv(path) if path.suffix == ".csv" else _read_parquet(path)
        if lacking := table.starred - set(names):
            raise LandingError(f"{path}: lacks {', '.join(sorted(lacking))}")
        for line, fields in records:
            if fields is not None and not any(text.strip() for text in fields):
                continue
            well_formed = fields is not None and len(fields) == len(names)
            texts = dict(zip(names, fields or (), strict=True)) if well_formed else None
            rows.append(LandedRow(path.name, line, texts, reasons=set() if well_formed else {"malformed_line"}))
    return rows, sorted((path.name for path in files), key=natural_file)
