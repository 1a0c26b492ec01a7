"""Loads landing files into schema `raw`: every value as text, with file, line and load id; append-only.

A file is known by its name and content: delivered again it adds nothing. Known content under another name is a delivery
of its own. Each file is scanned into temporary tables, then appended in one transaction together with its entry in
`raw.load_files`, so a crash leaves the whole file or none of it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.core.contract import Table
from orchestration.core.errors import BadInputError
from orchestration.load.csv_lines import LineFindings, examine_lines
from orchestration.load.csv_scan import scan_csv
from orchestration.load.encoding import guessed
from orchestration.load.file_facts import FileLayout, Fingerprint, UnreadableFileError, fingerprint
from orchestration.load.landing_files import inspect_file
from orchestration.load.landing_folder import LandedFile, find_files
from orchestration.load.parquet_scan import examine_parquet, scan_parquet
from orchestration.load.raw_tables import create_raw_tables
from orchestration.load.scanned import SCAN_TABLE, Scanned, drop_blank_records

# So that a file of any size is loaded in less than a gigabyte, Python and what DuckDB does not count included.
MEMORY_LIMIT = "500MB"
SCRATCH_PREFIX = "kpi-load-"
MOST_LINES_SHOWN = 10


@dataclass
class LoadReport:
    """What one load did: files seen, loaded and known already, rows per table, and what deserves a word."""

    files_seen: int = 0
    files_loaded: int = 0
    files_known: int = 0
    rows_loaded: dict[str, int] = field(default_factory=dict)
    malformed_lines: int = 0
    blank_rows: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _NewFile:
    file: LandedFile
    layout: FileLayout
    print_: Fingerprint
    lines: LineFindings


def check_landing(landing: Path) -> None:
    """Raises BadInputError where there is no such folder."""
    if not landing.is_dir():
        raise BadInputError(f"landing folder {landing} does not exist: create it, or name another with --landing")


def load(
    connection: duckdb.DuckDBPyConnection,
    landing: Path,
    load_id: str,
    progress: Callable[[str], None] = lambda _: None,
) -> LoadReport:
    """Load every new file of `landing` into `raw`.

    All files are inspected before the first is loaded. Raises BadInputError naming every file that cannot be loaded
    and what is wrong with it, and everything else in the folder, which is not read. Nothing is loaded then; only where
    a file proves unreadable on its second reading (damaged, gone or changed meanwhile) the others are kept, and are
    known already at the next load.
    """
    check_landing(landing)
    files, unread = find_files(landing)
    if not files:
        raise BadInputError(
            f"landing folder {landing} holds no <system>/<table>/*.csv or *.parquet file: nothing to load",
            unread,
        )
    report = LoadReport(files_seen=len(files), notes=create_raw_tables(connection))
    new_files = _new_files(connection, files, unread, report)
    _note_unknown_columns(connection, new_files, report)
    scratch_parent = _scratch_parent(connection)
    _remove_leftovers(scratch_parent)
    problems: list[str] = []
    connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=scratch_parent) as scratch:
        for position, new in enumerate(new_files, start=1):
            progress(f"{new.file.label} ({position} of {len(new_files)})")
            try:
                rows = _load_file(connection, new, load_id, Path(scratch), report)
            except UnreadableFileError as error:
                problems.append(f"{new.file.label}: {error}")
                continue
            label = new.file.table.label
            report.rows_loaded[label] = report.rows_loaded.get(label, 0) + rows
            report.files_loaded += 1
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


def _new_files(
    connection: duckdb.DuckDBPyConnection, files: Iterable[LandedFile], unread: Iterable[str], report: LoadReport
) -> list[_NewFile]:
    """The files not loaded yet, all inspected. Raises BadInputError naming those that cannot be, and `unread`."""
    # in the order of loading, so that the last content of a name stays
    known: dict[tuple[str, str], list[str]] = {}
    for table, name, sha256 in connection.execute(
        "select system_table, file_name, sha256 from raw.load_files order by file_id"
    ).fetchall():
        known.setdefault((table, name), []).append(sha256)
    problems = list(unread)
    new_files: list[_NewFile] = []
    for file in files:
        try:
            layout = inspect_file(file)
            print_ = fingerprint(file.path)
            contents = known.get((file.table.label, file.name), [])
            is_new = print_.sha256 not in contents
            lines = _examine(file.path, layout, print_) if is_new else LineFindings()
        except (UnreadableFileError, OSError) as error:
            problems.append(f"{file.label}: {_reason(error)}")
            continue
        if is_new:
            new_files.append(_NewFile(file, layout, print_, lines))
            continue
        report.files_known += 1
        if print_.sha256 != contents[-1]:
            report.notes.append(
                f"{file.label}: has the content it had before its last change, which is known and changes nothing; "
                "to go back to it deliver it under another name"
            )
    if problems:
        raise BadInputError(f"{_files(len(problems))} cannot be loaded; nothing was loaded or published", problems)
    return new_files


def _examine(path: Path, layout: FileLayout, print_: Fingerprint) -> LineFindings:
    """Look through a new file. Raises UnreadableFileError where it cannot be given to the reader."""
    if not layout.is_parquet:
        return examine_lines(path, layout, print_)
    examine_parquet(path)
    return LineFindings()


def _files(count: int) -> str:
    return f"{count} landing file{'s' if count > 1 else ''}"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror}); if it was still being moved, run again"
    return str(error)


def _load_file(
    connection: duckdb.DuckDBPyConnection, new: _NewFile, load_id: str, scratch: Path, report: LoadReport
) -> int:
    """Load one file in one transaction; returns the rows added. Raises UnreadableFileError, nothing loaded then."""
    path = new.file.path
    try:
        scanned = _scan(connection, new, scratch)
        if fingerprint(path).sha256 != new.print_.sha256:
            raise UnreadableFileError("changed while it was being loaded; run again when it has settled")
    except (UnreadableFileError, OSError, duckdb.Error) as error:
        if "No space left" in str(error):
            raise
        raise UnreadableFileError(_load_failure(error, path)) from error
    connection.execute("begin transaction")
    try:
        rows = _append(connection, new, load_id, scanned)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    report.notes += _encoding_note(new, scanned)
    report.malformed_lines += len(scanned.malformed)
    report.blank_rows += scanned.blank_rows
    return rows


def _scan(connection: duckdb.DuckDBPyConnection, new: _NewFile, scratch: Path) -> Scanned:
    """Read a file into `scanned_records`. No transaction: a refused read would end it."""
    if not new.layout.is_parquet:
        return scan_csv(connection, new.file.path, new.layout, new.print_, new.lines, new.file.table, scratch)
    scan_parquet(connection, new.file.path)
    return Scanned(blank_rows=drop_blank_records(connection, len(new.layout.columns)))


def _note_unknown_columns(
    connection: duckdb.DuckDBPyConnection, new_files: Iterable[_NewFile], report: LoadReport
) -> None:
    """Report each unknown column once: at the first file of its table that has it, and never again."""
    reported = {
        (table, column)
        for table, columns in connection.execute(
            "select distinct system_table, unknown_columns from raw.load_files"
        ).fetchall()
        for column in columns.split(", ")
    }
    for new in new_files:
        table = new.file.table
        unknown = new.layout.unknown_columns(table)
        fresh = [name for name in unknown if (table.label, name) not in reported]
        reported.update((table.label, name) for name in fresh)
        if fresh:
            report.notes.append(f"{new.file.label}: unknown columns left out: {', '.join(fresh)}")


def _load_failure(error: Exception, path: Path) -> str:
    if not path.exists():
        return "disappeared while it was being loaded; run again"
    if isinstance(error, UnreadableFileError):
        return str(error)
    return f"cannot be read ({str(error).splitlines()[0]})"


def _encoding_note(new: _NewFile, scanned: Scanned) -> list[str]:
    """A line on the lines of a file that are not UTF-8; none where all are."""
    lines = new.lines.undecodable
    if not lines:
        return []
    them, look = ("it", "looks") if len(lines) == 1 else ("they", "look")
    shown = ", ".join(str(number) for number in list(lines)[:MOST_LINES_SHOWN])
    more = ", ..." if len(lines) > MOST_LINES_SHOWN else ""
    looks = guessed(lines.values())
    columns = ", ".join(sorted({name for _, name in scanned.replaced}))
    aside = sum(entry.line in lines for entry in scanned.malformed)
    kept = f"letters of {columns} are lost in {len({line for line, _ in scanned.replaced})}" if columns else ""
    lost = f"{aside} are set aside" if aside else ""
    return [
        f"{new.file.label}: {len(lines)} {'line is' if len(lines) == 1 else 'lines are'} not UTF-8 ({shown}{more})"
        + (f"; {them} {look} {looks}" if looks else "")
        + "".join(f"; {one}" for one in (kept, lost) if one)
        + "; export the file as UTF-8 and deliver it again"
    ]


def _append(connection: duckdb.DuckDBPyConnection, new: _NewFile, load_id: str, scanned: Scanned) -> int:
    """Append the scanned records and the malformed lines to `raw`, and enter the file in `raw.load_files`."""
    table: Table = new.file.table
    file_id = _scalar(connection, "select coalesce(max(file_id), 0) + 1 from raw.load_files")
    positions = {name: position for position, name in enumerate(new.layout.columns)}
    values = ", ".join(f"s.c{positions[name]}" if name in positions else "null" for name in table.column_names)
    records, line = f"{SCAN_TABLE} as s", "s._base"
    if _scalar(connection, "select count(*) from skipped_lines") > 0:
        # the join by order sorts what it is given: the numbers alone
        records += (
            f" inner join (select _base, _base + coalesce(skipped, 0) as _line from {SCAN_TABLE} "
            "asof left join skipped_lines on _base >= base) as numbered using (_base)"
        )
        line = "numbered._line"
    connection.execute(
        f"insert into raw.{table.raw_name} (_file_id, _file, _line, _load_id, {', '.join(table.column_names)}) "
        f"select ?, ?, {line}, ?, {values} from {records}",
        [file_id, new.file.name, load_id],
    )
    rows = _scalar(connection, f"select count(*) from {SCAN_TABLE}")
    if scanned.malformed:
        # As one JSON text: binding a list costs a tenth of a millisecond for each of its values.
        connection.execute(
            "insert into raw.malformed_lines select ?, ?, entry.* from (select unnest(from_json(?, "
            """'[{"line": "BIGINT", "text": "VARCHAR", "error": "VARCHAR"}]')) as entry)""",
            [table.label, file_id, json.dumps([vars(entry) for entry in scanned.malformed])],
        )
    entry = {
        "file_id": file_id,
        "system_table": table.label,
        "file_name": new.file.name,
        "sha256": new.print_.sha256,
        "size_bytes": new.print_.size_bytes,
        "row_count": rows,
        "malformed_line_count": len(scanned.malformed),
        "unknown_columns": ", ".join(new.layout.unknown_columns(table)),
        "load_id": load_id,
        "blank_rows": scanned.blank_rows,
    }
    connection.execute(
        f"insert into raw.load_files ({', '.join(entry)}, loaded_at) "
        f"values ({', '.join('?' for _ in entry)}, cast(now() at time zone 'UTC' as timestamp))",
        list(entry.values()),
    )
    if scanned.replaced:
        connection.executemany(
            "insert into raw.replaced_characters values (?, ?, ?, ?)",
            [(table.label, file_id, line, name) for line, name in scanned.replaced],
        )
    connection.execute(f"drop table {SCAN_TABLE}")
    return rows


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])
