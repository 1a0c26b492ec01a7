"""Reads a plain text straight into its raw table, in one pass that keeps the order of its lines.

The reader must find one record on each line; lines known to be none stand as empty records in a working copy. Where it
finds any other number, the file is not plain, and is read carefully instead.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

from orchestration.core.errors import is_full_disk
from orchestration.load.appending import Landed, insert_into
from orchestration.load.csv_lines import LineFindings
from orchestration.load.file_facts import FileLayout, copy_bytes, this_file_only
from orchestration.load.plain_lines import PlainText
from orchestration.load.scanned import BLANKS, MalformedLine, Scanned, shown, some_value

COPY_BYTES = 1 << 20


def insert_plain(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    layout: FileLayout,
    plain: PlainText,
    row: tuple[int, Landed, str],
    scratch: Path,
) -> Scanned | None:
    """Append the records of a text to its raw table; None where it proves not to be plain (roll back then).

    `row` is what each row has: the file's number, the file, and the load's id. The caller has a transaction.
    """
    file_id, landed, load_id = row
    source, malformed = path, list[MalformedLine]()
    if plain.aside:
        source = scratch / "plain.csv"
        malformed = _with_empty_records(path, layout, plain, source)
    names = [f"c{position}" for position in range(layout.column_count)]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    try:
        [(rows,)] = connection.execute(
            f"""
            {insert_into(layout, "$file_id", "$file", "$load_id")}
            from (
                select $blanks as _blanks, 1 + row_number() over () as _line, {", ".join(names)}
                from read_csv(
                    $source, columns = {{{columns}}}, header = false, skip = 1, auto_detect = false,
                    delim = '{layout.delimiter}', quote = '"', escape = '"', strict_mode = true
                )
            )
            where {some_value(layout.column_count)}
            """,
            {
                "source": this_file_only(source),
                "blanks": BLANKS,
                "file_id": file_id,
                "file": landed.name,
                "load_id": load_id,
            },
        ).fetchall()
    except duckdb.Error as error:
        if is_full_disk(error):
            raise
        return None
    finally:
        if source is not path:
            source.unlink(missing_ok=True)
    if rows != plain.records:
        return None
    return Scanned(malformed, plain.blank_rows)


def _with_empty_records(path: Path, layout: FileLayout, plain: PlainText, copy: Path) -> list[MalformedLine]:
    """Copy a text, with records without any value for the lines set aside, so that the others keep their numbers.

    Returns the malformed ones.
    """
    empty = layout.delimiter.encode() * (layout.column_count - 1)
    malformed: list[MalformedLine] = []
    with path.open("rb") as old, copy.open("wb") as new:
        position = 0
        for one in plain.aside:
            copy_bytes(old, new, one.start - position)
            text = old.read(one.end - one.start).decode(errors="replace")
            if one.error:
                malformed.append(shown(MalformedLine(one.line, text, one.error), LineFindings()))
            new.write(empty)
            position = one.end
        shutil.copyfileobj(old, new, COPY_BYTES)
    return malformed
