"""Loads landing files into schema `raw`: every value as text, with file, line and load id; append-only.

A file is known by its name and content: delivered again it adds nothing. Known content under another name is a delivery
of its own. Each file is appended in one transaction together with its entry in `raw.load_files`, so a crash leaves the
whole file or none of it; files are numbered in their order, and a number is not given again to another file.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.core.contract import Table, landed_tables
from orchestration.core.errors import BadInputError
from orchestration.load.encoding import printable
from orchestration.load.evolution import LoadedFile, fill_gained_columns
from orchestration.load.file_facts import FileLayout
from orchestration.load.file_load import Loaded, load_files
from orchestration.load.header_notes import LoadedHeaders
from orchestration.load.headers import no_data
from orchestration.load.kinds.opening import open_file
from orchestration.load.kinds.reading import Reading
from orchestration.load.landing_folder import find_files, landed_systems
from orchestration.load.new_files import NewFile, Seen, look_at
from orchestration.load.raw_tables import create_load_tables, create_raw_tables
from orchestration.load.scanned import Scanned
from orchestration.load.touched import Touched, touched

# So that a file of any size is loaded in less than a gigabyte, Python and what DuckDB does not count included.
MEMORY_LIMIT = "400MB"
# What small files add goes to the log first; so much of it is written down in one go, not a bit at a time.
LOGGED_BYTES = "128MB"
SCRATCH_PREFIX = "kpi-load-"


@dataclass
class LoadReport:
    """What one load did: files seen, loaded and known already, rows per table, days touched, and what deserves
    a word."""

    files_seen: int = 0
    files_loaded: int = 0
    files_known: int = 0
    rows_loaded: dict[str, int] = field(default_factory=dict)
    touched: dict[str, Touched] = field(default_factory=dict)
    malformed_lines: int = 0
    blank_rows: int = 0
    notes: list[str] = field(default_factory=list)


def check_landing(landing: Path) -> None:
    """Raises BadInputError where there is no such folder."""
    if not landing.is_dir():
        raise BadInputError(f"landing folder {landing} does not exist: create it, or name another with --landing")


def load(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    load_id: str,
    progress: Callable[[str], None] = lambda _: None,
    tables: Sequence[Table] | None = None,
) -> LoadReport:
    """Load every new file of `landing` into `raw`. `tables` are those that can land; by default all the project knows.

    All files are inspected before the first is loaded. Raises BadInputError naming every file that cannot be loaded
    and what is wrong with it, and everything else in the folder, which is not read. Nothing is loaded then; only where
    a file proves unreadable on its second reading (damaged, gone or changed meanwhile) the others are kept, and are
    known already at the next load.
    """
    tables = landed_tables() if tables is None else tables
    check_landing(landing)
    files, unread = find_files(landing, tables)
    if not files:
        raise BadInputError(
            f"landing folder {landing} holds no file in a <system>/<table> folder: nothing to load", unread
        )
    create_load_tables(connection)
    gained = create_raw_tables(connection, [table for table in tables if table.is_contract])
    scratch_parent = _scratch_parent(connection)
    _remove_leftovers(scratch_parent)
    connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    connection.execute(f"set checkpoint_threshold = '{LOGGED_BYTES}'")
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=scratch_parent) as scratch:
        seen = look_at(connection, files, Path(scratch))
        used = _used_tables(connection, landing, tables, seen)
        gained += create_raw_tables(connection, [table for table in used if not table.is_contract])
        if problems := [*unread, *seen.problems]:
            raise BadInputError(f"{_files(len(problems))} cannot be loaded; nothing was loaded or published", problems)
        report = LoadReport(len(seen.new) + len(seen.known), files_known=len(seen.known), notes=seen.notes)
        report.notes += fill_gained_columns(connection, used, gained, _reopener(seen, Path(scratch)))
        headers = LoadedHeaders(connection, used)
        outcomes = load_files(connection, seen.new, load_id, progress)
    for new, outcome in zip(seen.new, outcomes, strict=True):
        if isinstance(outcome, Loaded):
            _report(report, new, outcome, headers)
        else:
            problems.append(f"{new.piece.label}: {outcome}")
    report.touched = {
        table.label: touched(connection, table, load_id, rows)
        for table in used
        if (rows := report.rows_loaded.get(table.label, 0))
    }
    if problems:
        raise BadInputError(f"{_files(len(problems))} cannot be loaded; nothing was published", problems)
    return report


def _scratch_parent(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The folder of the database file, so that working copies need room only where the data lies."""
    row = connection.execute("select path from duckdb_databases() where database_name = current_database()").fetchone()
    return str(Path(row[0]).parent) if row and row[0] else None


def _remove_leftovers(scratch_parent: str | None) -> None:
    """Working copies of a load that was killed; the database file has one writer, so nobody else is using them."""
    for left in Path(scratch_parent).glob(f"{SCRATCH_PREFIX}*") if scratch_parent else ():
        shutil.rmtree(left, ignore_errors=True)


def _used_tables(
    connection: duckdb.DuckDBPyConnection, landing: Path, tables: Sequence[Table], seen: Seen
) -> list[Table]:
    """The tables that `raw` must have: the contract's, and all of each source system of which something landed."""
    labels = {new.table for new in seen.new}
    systems = {table.system for table in tables if not table.is_contract and table.label in labels}
    systems.update(landed_systems(connection, landing, tables))
    return [table for table in tables if table.is_contract or table.system in systems]


def _files(count: int) -> str:
    return f"{count} landing file{'s' if count > 1 else ''}"


def _report(report: LoadReport, new: NewFile, loaded: Loaded, headers: LoadedHeaders) -> None:
    """Put a loaded file on the report."""
    report.rows_loaded[new.table] = report.rows_loaded.get(new.table, 0) + loaded.rows
    report.files_loaded += 1
    report.notes += headers.notes(new.piece.label, new.piece.name, loaded.layout.match)
    report.notes += _notes(new.piece.label, loaded.layout, loaded.scanned)
    report.malformed_lines += len(loaded.scanned.malformed)
    report.blank_rows += loaded.scanned.blank_rows


def _notes(label: str, layout: FileLayout, scanned: Scanned) -> list[str]:
    said = (*layout.notes, *scanned.notes, *no_data(scanned.footer_lines, "from its footer on"))
    return [printable(f"{label}: {note}") for note in said]


def _reopener(seen: Seen, scratch: Path) -> Callable[[LoadedFile], Reading | None]:
    """Opens files that were loaded before and still lie in the landing folder as they were."""
    folder = scratch / "again"

    def reopen(loaded: LoadedFile) -> Reading | None:
        shutil.rmtree(folder, ignore_errors=True)
        piece = seen.known.get((loaded.table.label, loaded.name, loaded.sha256))
        return open_file(piece.content(folder)) if piece else None

    return reopen
