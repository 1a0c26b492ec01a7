"""Turns the sheets of a workbook into records, in a process of its own: `python -m ... FILE FOLDER FIRST_ROWS`.

A damaged or hostile workbook may take any memory, or end the process that reads it; this one may have only so much.
Writes each sheet into FOLDER as `<number>.csv`, a row with its number first, and says what they are as JSON on stdout.
"""

from __future__ import annotations

import csv
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import python_calamine

MEMORY_BYTES = 4 << 30
# Excel computes with so many digits; further ones are noise of binary fractions.
DIGITS = 15
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
ERROR_CELL = re.compile(
    rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]{1,3})(\d+)"[^>]*>.{0,4000}?<v>([^<]{1,40})</v>', re.DOTALL
)


def cell_text(value: Any) -> str:
    """A cell's value as text: whole numbers without a point, others without noise, dates and times as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return (
            f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02d}:{abs(seconds) % 60:02d}"
        )
    return "" if value is None else str(value)


def number_text(value: float) -> str:
    """A number with the digits that it has as a spreadsheet shows it, never with an exponent."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == 0:
        return "0"
    text = format(Decimal(format(value, f".{DIGITS}g")), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def sheet_rows(sheet: Any, errors: dict[tuple[int, int], str]) -> Iterator[list[str]]:
    """The rows of a sheet from its first on, cells from the first column that holds something on."""
    left = sheet.start[1] if sheet.start else 0
    by_row: dict[int, dict[int, str]] = {}
    for (row, column), text in errors.items():
        by_row.setdefault(row, {})[column - left] = text
    for number, cells in enumerate(sheet.iter_rows()):
        texts = [cell_text(value) for value in cells]
        for column, text in by_row.get(number, {}).items():
            if 0 <= column < len(texts):
                texts[column] = texts[column] or text
        yield texts


def write_sheet(sheet: Any, errors: dict[tuple[int, int], str], path: Path, first_rows: int) -> dict[str, Any]:
    """Write a sheet's rows up to the last that holds something; returns its width and its first rows."""
    width = cells = blank = 0
    first: list[list[str]] = []
    with path.open("w", encoding="utf-8", errors="replace", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for number, texts in enumerate(sheet_rows(sheet, errors), start=1):
            if number <= first_rows:
                first.append(texts)
            cells = max(cells, len(texts))
            held = next((at for at in range(len(texts), 0, -1) if texts[at - 1].strip()), 0)
            if not held:
                blank += 1
                continue
            for earlier in range(number - blank, number):
                writer.writerow((earlier, *[""] * len(texts)))
            blank = 0
            width = max(width, held)
            writer.writerow((number, *texts))
    return {"width": width, "cells": cells, "first_rows": first}


def error_cells(path: Path) -> dict[str, dict[tuple[int, int], str]]:
    """The cells of each sheet of an .xlsx file that hold an error (`#N/A`), which the library leaves out."""
    found: dict[str, dict[tuple[int, int], str]] = {}
    with zipfile.ZipFile(path) as book:
        names = set(book.namelist())
        if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return found
        relations = {
            one.get("Id"): one.get("Target", "")
            for one in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
        }
        for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iter():
            target = relations.get(sheet.get(RELATION), "")
            member = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if not sheet.tag.endswith("}sheet") or member not in names:
                continue
            data = book.read(member)
            if b't="e"' in data:
                found[sheet.get("name", "")] = {
                    (int(row) - 1, _column(letters)): text.decode() for letters, row, text in ERROR_CELL.findall(data)
                }
    return found


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def main(file: str, folder: str, first_rows: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    path = Path(file)
    try:
        errors = error_cells(path) if zipfile.is_zipfile(path) else {}
        book = python_calamine.CalamineWorkbook.from_path(file)
        sheets = []
        for number, about in enumerate(book.sheets_metadata):
            if about.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(about.name)
            target = Path(folder) / f"{number}.csv"
            written = write_sheet(sheet, errors.get(about.name, {}), target, int(first_rows))
            is_visible = about.visible == python_calamine.SheetVisibleEnum.Visible
            sheets.append({"name": about.name, "path": str(target), "is_visible": is_visible, **written})
        said: dict[str, Any] = {"sheets": sheets}
    except python_calamine.PasswordError:
        said = {"error": "it is protected by a password"}
    except (python_calamine.CalamineError, zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError) as error:
        said = {"error": (str(error) or type(error).__name__).splitlines()[0]}
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
