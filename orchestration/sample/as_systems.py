"""Writes the sample company as source systems deliver it: `kpi sample --as hubspot,stripe`.

The company is the one of `kpi sample` without its dirt. What the systems carry lies in landing/<system>/<object>/; the
rest (plans, ad spend, surveys, and who the reps are) in the contract's own files.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path

import duckdb

from orchestration.core.contract import Table, source_tables
from orchestration.sample import check_target, write_sample
from orchestration.warehouse.sql import literal

Rows = Sequence[Mapping[str, str]]


# Each is a module of orchestration.sample.systems with FILLS, the tables of the contract that it carries, and
# `<system>_objects`, which makes its objects' rows of all tables' rows, and `key_of`, the key that a row of a table has
# once the system brings it.
SYSTEMS = ("hubspot", "stripe")


def write_sample_as(
    target: Path, systems: Sequence[str], *, scale: int, seed: int, as_of: date, currency: str
) -> dict[str, int]:
    """Write the landing files of the sample company in the shapes of these systems; memory grows with the scale.

    Without systems it is the same company in the contract's own files. Returns the rows written per table and object.
    Raises ValueError for a system that is not known, and whatever `write_sample` raises.
    """
    if unknown := [system for system in systems if system not in SYSTEMS]:
        raise ValueError(f"the sample company is known as {' and '.join(SYSTEMS)}, not as {unknown[0]}")
    check_target(target, scale, as_of)
    with tempfile.TemporaryDirectory(prefix="kpi-sample-") as folder:
        clean = Path(folder) / "landing"
        write_sample(clean, scale=scale, seed=seed, as_of=as_of, currency=currency, has_dirt=False)
        tables = {table.label: _current(_rows(clean, table.label), table) for table in source_tables()}
    tables["crm.sales_reps"] = with_own_addresses(tables["crm.sales_reps"])
    modules = {system: import_module(f"orchestration.sample.systems.{system}") for system in systems}
    carried = {label: module.key_of for module in modules.values() for label in module.FILLS}
    written: dict[str, int] = {}
    for table in source_tables():
        if table.label not in carried:
            rows = _with_keys_of_systems(tables[table.label], table, carried)
            written[table.label] = _write(target.joinpath(*table.label.split(".")), rows, as_of)
    for system, module in modules.items():
        for name, rows in getattr(module, f"{system}_objects")(tables).items():
            written[f"{system}.{name}"] = _write(target / system / name, rows, as_of)
    return written


def with_own_addresses(sales_reps: Rows) -> list[dict[str, str]]:
    """Reps, each with an address of its own, by which it is the user of another system: that of a namesake of an
    earlier one begins with the rep's key."""
    taken: set[str] = set()
    rows = [dict(rep) for rep in sales_reps]
    for rep in rows:
        if rep["email"] in taken:
            rep["email"] = f"{rep['rep_id'].lower()}.{rep['email']}"
        taken.add(rep["email"])
    return rows


def _with_keys_of_systems(rows: Rows, table: Table, carried: Mapping[str, Callable[[str, str], str]]) -> Rows:
    """Rows of the contract's own files, their references to what a system carries by its keys."""
    parents = {column.name: column.parent for column in table.columns if column.parent and column.parent in carried}

    def key(name: str, value: str) -> str:
        return carried[parents[name]](parents[name], value) if name in parents else value

    return [{name: key(name, value) for name, value in row.items()} for row in rows]


def _rows(landing: Path, label: str) -> list[dict[str, str]]:
    """The rows of a table of a landing folder, as text."""
    rows: list[dict[str, str]] = []
    for file in sorted(landing.joinpath(*label.split(".")).iterdir()):
        if file.suffix == ".csv":
            with file.open(encoding="utf-8-sig", newline="") as stream:
                rows += [dict(row) for row in csv.DictReader(stream)]
            continue
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            found = connection.execute(
                f"select columns(*)::varchar from read_parquet({literal(file)}, file_row_number = false)"
            )
            names = [column[0] for column in found.description]
            rows += [
                {name: value or "" for name, value in zip(names, values, strict=True)} for values in found.fetchall()
            ]
    return rows


def _current(rows: Rows, table: Table) -> list[dict[str, str]]:
    """The last version of each key."""
    keys = [column.name for column in table.columns if column.key]
    newest: dict[tuple[str, ...], Mapping[str, str]] = {}
    for row in rows:
        key = tuple(row.get(name, "") for name in keys)
        if key not in newest or row.get("updated_at", "") >= newest[key].get("updated_at", ""):
            newest[key] = row
    return [{name: value for name, value in row.items() if name in table.column_names} for row in newest.values()]


def _write(folder: Path, rows: Iterable[Mapping[str, str]], as_of: date) -> int:
    """One CSV file with all rows; none where there are none."""
    listed = list(rows)
    if not listed:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    names = dict.fromkeys(name for row in listed for name in row)
    with (folder / f"{as_of.isoformat()}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
    return len(listed)
