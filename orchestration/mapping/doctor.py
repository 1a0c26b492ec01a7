"""What a landing folder holds, before any build: what is read as what, and what is not."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.core.contract import Table, landed_tables, tables_filled
from orchestration.core.errors import BadInputError
from orchestration.core.settings import Settings
from orchestration.load.headers import match_header
from orchestration.load.kinds.reading import Reading
from orchestration.load.landing_folder import find_files
from orchestration.load.loader import check_landing
from orchestration.load.new_files import look_at
from orchestration.load.raw_tables import create_load_tables
from orchestration.mapping.formats import date_format, number_format
from orchestration.mapping.known import known_values
from orchestration.mapping.sample_rows import read_sample

# So many files of a table are looked into for their values.
MOST_SAMPLED = 3
MOST_VALUES = 3


@dataclass
class ReadTable:
    """A table of which files lie there: how many, its columns that they have, and what is to be said of them."""

    table: Table
    # the tables of the contract that its rows become, and which of their columns it can fill
    fills: Mapping[str, Sequence[str]]
    files: list[str] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    @property
    def absent(self) -> list[str]:
        """Columns that no file has."""
        return [name for name in self.table.column_names if name not in self.columns]


@dataclass
class Diagnosis:
    """What lies in a landing folder: tables that are read, and a line on each file that is not."""

    tables: list[ReadTable]
    problems: list[str]

    @property
    def filled(self) -> set[str]:
        """The tables of the contract that rows come for, and as `system.table.column` their columns that files have."""
        found: set[str] = set()
        for one in self.tables:
            for label, columns in one.fills.items():
                found |= {label, *(f"{label}.{name}" for name in (one.columns if one.table.is_contract else columns))}
        return found


def diagnose(settings: Settings) -> Diagnosis:
    """Look at every file of the landing folder. Raises BadInputError where there is none, or nothing in it."""
    check_landing(settings.landing)
    tables = landed_tables(settings.company_sources)
    files, problems = find_files(settings.landing, tables)
    if not files and not problems:
        raise BadInputError(
            f"landing folder {settings.landing} is empty: files go into <system>/<table>/, such as crm/deals/export.csv"
        )
    filled = tables_filled(settings.company_sources)
    found: dict[str, ReadTable] = {}
    with duckdb.connect() as connection, tempfile.TemporaryDirectory(prefix="kpi-doctor-") as scratch:
        create_load_tables(connection)
        seen = look_at(connection, files, Path(scratch))
        for new in seen.new:
            reading = new.open()
            table = reading.layout.table
            fills = {table.label: ()} if table.is_contract else filled.get(table.label, {})
            entry = found.setdefault(table.label, ReadTable(table, fills))
            entry.files.append(new.piece.label)
            _note(entry, reading)
            if table.is_contract and len(entry.files) <= MOST_SAMPLED and not new.piece.member:
                entry.remarks += [
                    f"{new.piece.label}: {remark}" for remark in _value_remarks(table, new.piece.file.path, settings)
                ]
            new.close()
    order = {table.label: place for place, table in enumerate(tables)}
    return Diagnosis(sorted(found.values(), key=lambda one: order[one.table.label]), problems + seen.problems)


def _note(entry: ReadTable, reading: Reading) -> None:
    match = reading.layout.match
    entry.columns |= set(match.positions) | set(reading.layout.constants)
    label = entry.files[-1]
    spelt = [f"{theirs} as {name}" for name, theirs in match.respelt.items()]
    if spelt and entry.table.is_contract:
        entry.remarks.append(f"{label}: reads {', '.join(spelt)}")
    if match.unknown_columns and entry.table.is_contract:
        entry.remarks.append(f"{label}: does not read {', '.join(match.unknown_columns)}")
    entry.remarks += [f"{label}: {note}" for note in reading.layout.notes]


def _value_remarks(table: Table, path: Path, settings: Settings) -> list[str]:
    """What would be set aside of a file in the contract's own columns, by its first rows."""
    sample = read_sample(path, [table], table.dialect.sheet)
    positions = match_header(table, sample.columns).positions
    remarks: list[str] = []
    commas = {name.strip() for name in settings.decimal_comma_in.split(",")}
    for column in table.columns:
        if column.name not in positions:
            continue
        values = sample.values(sample.columns[positions[column.name]])
        if not values:
            remarks += [f"{column.name} is blank in every row"] if column.required else []
        elif column.type in ("timestamp", "date", "month"):
            remarks += _date_remarks(column.name, values)
        elif column.type in ("decimal", "rate", "integer"):
            if not commas & {table.system, table.label}:
                remarks += _number_remarks(column.name, values)
        elif column.accepted or column.name == "stage":
            known = set(column.accepted) or set(known_values(column).values())
            if others := [value for value in dict.fromkeys(values) if value not in known]:
                shown = ", ".join(f"`{value}`" for value in others[:MOST_VALUES])
                remarks.append(f"{column.name} has {shown}, which are none of {', '.join(sorted(known))}")
    return remarks


def _date_remarks(name: str, values: Sequence[str]) -> list[str]:
    written = date_format(values)
    if written is None:
        return [f"{name} is no date: `{values[0]}`"]
    if written.written in ("iso",):
        return []
    also = f", or {written.also}" if written.also else ""
    return [f"{name} is written {written.written}{also} (`{values[0]}`): `kpi map` makes a source that reads it"]


def _number_remarks(name: str, values: Sequence[str]) -> list[str]:
    number = number_format(values)
    if number is None:
        return [f"{name} is no number: `{values[0]}`"]
    if number.is_ambiguous or number.decimal == ",":
        return [f"{name} is written `{_telling(values)}`: if that is a decimal comma, set decimal_comma_in"]
    if not number.is_plain:
        return [f"{name} is written `{_telling(values)}`: a number is written 1234.50; `kpi map` reads it"]
    return []


def _telling(values: Sequence[str]) -> str:
    """The value that says most of how numbers are written."""
    return max(values, key=lambda value: (sum(char in ",." for char in value), len(value)))
