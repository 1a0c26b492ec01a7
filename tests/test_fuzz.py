"""Input that nobody meant: damaged files through the loader, hostile and odd values through a whole build.

`make test` takes FUZZ_EXAMPLES files of each kind (60); `make fuzz` takes thousands.
"""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from orchestration.build.pipeline import run_build
from orchestration.core.contract import Table, source_tables
from orchestration.core.errors import BadInputError
from orchestration.warehouse.connections import open_published
from tests.support.builds import load, rows_of, settings_for
from tests.support.command import kpi
from tests.support.files import gzipped, objects, xls, xlsx, zipped
from tests.support.landing import MINIMAL, Landing, csv_text

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
TABLE = "billing.order_items"
HOSTILE = (
    "'; drop table raw.load_files; --", '"; drop schema raw cascade; --', "{{ 1/0 }}", "{% raw %}", "${HOME}", "$(id)",
    "../../etc/passwd", "<script>alert(1)</script>", "=1+1", "@SUM(A1)", "\x01\x1b[31m", "a\u202eb", "\ufeff", "NaN",
    "Infinity", "-0", "1e400", "9" * 60, "0x10", "2026-02-30", "2026-13-01", "2099-12-31T23:59:59.999999999Z",
    "24:00", "2026-01-01T25:00", "영업 '팀'", "😀" * 50, "null", "NULL", "\\N", "TRUE", "\u3000", "a\nb",
    'say "hi"', ",", "'", '"', "%s", "?", "x" * 5000,
)  # fmt: skip


def valid_csv() -> bytes:
    return csv_text(valid_rows()).encode()


def valid_parquet() -> bytes:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "rows.parquet"
        connection.execute(
            f"copy (select 'i' || range as order_item_id, 'O1' as order_id, 'P1' as product_id, '1' as quantity, "
            f"'2.50' as unit_price from range(50)) to '{path}' (format parquet)"
        )
        return path.read_bytes()


def valid_rows() -> list[list[str]]:
    rows = [MINIMAL[TABLE](number) for number in range(8)]
    return [list(rows[0]), *(list(row.values()) for row in rows)]


def valid_objects() -> list[str]:
    header, *rows = valid_rows()
    return objects(header, rows)


def valid_xlsx() -> bytes:
    return xlsx({"Data": valid_rows()})


def valid_xls() -> bytes:
    return xls(valid_rows())


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with some of its bytes changed, doubled, taken out, or its end cut off."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        kind = draw(st.sampled_from(("change", "insert", "remove", "cut", "repeat")))
        if kind == "change" and content:
            content[at] = draw(st.integers(0, 255))
        elif kind == "insert":
            content[at:at] = draw(st.sampled_from((b'"', b"\n", b"\r", b",", b"\x00", b"\xff\xfe", b"\xe9", b"PAR1")))
        elif kind == "remove":
            del content[at : at + draw(st.integers(1, 20))]
        elif kind == "cut":
            del content[at:]
        else:
            content[at:at] = content[at : at + 40] * draw(st.integers(1, 30))
    return bytes(content)


def check(content: bytes, name: str) -> None:
    """A load takes the file with every row accounted for, or refuses it by name; nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        landing, warehouse = Landing(Path(folder) / "landing"), Path(folder) / "warehouse"
        landing.add_file(TABLE, content, name)
        try:
            load(landing, warehouse)
        except BadInputError as error:
            assert error.exit_code == 3 and any(name in detail for detail in error.details), error.details
            return
        counted = rows_of(
            warehouse, "select coalesce(sum(row_count), 0), coalesce(sum(malformed_line_count), 0) from raw.load_files"
        )
        rows = rows_of(warehouse, "select count(*) from raw.billing__order_items")
        malformed = rows_of(warehouse, "select count(*) from raw.malformed_lines")
        assert counted == [(rows[0][0], malformed[0][0])]


FUZZED = settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@FUZZED
@given(damaged(valid_csv()))
@example(b"")
@example(b"\n")
@example(valid_csv().replace(b"\n", b""))
@example(b"\xff\xfe" + valid_csv().decode().encode("utf-16-le"))
def test_a_damaged_csv_file_is_loaded_row_by_row_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.csv")


@FUZZED
@given(damaged(valid_csv().decode().encode("utf-16")))
def test_a_damaged_file_in_utf_16_is_loaded_row_by_row_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.txt")


@FUZZED
@given(damaged(gzipped(valid_csv())))
def test_a_damaged_gzip_file_is_loaded_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.csv.gz")


@FUZZED
@given(damaged(zipped({"a.csv": valid_csv()})))
def test_a_damaged_zip_archive_is_loaded_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.zip")


@FUZZED
@given(damaged(("[" + ",\n".join(valid_objects()) + "]").encode()))
@example(b"[")
@example(b'{"data": [{"a": 1}')
def test_a_damaged_json_array_is_loaded_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.json")


@FUZZED
@given(damaged("\n".join(valid_objects()).encode()))
def test_damaged_json_lines_are_loaded_row_by_row_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.jsonl")


@FUZZED
@given(damaged(valid_xlsx()))
def test_a_damaged_workbook_is_loaded_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.xlsx")


@FUZZED
@given(damaged(valid_xls()))
def test_a_damaged_old_workbook_is_loaded_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.xls")


@FUZZED
@given(damaged(valid_parquet()))
@example(b"PAR1")
@example(b"PAR1" + bytes(100) + b"PAR1")
def test_a_damaged_parquet_file_is_loaded_or_refused_by_name(content: bytes) -> None:
    check(content, "rows.parquet")


def test_hostile_and_odd_values_end_in_the_books_and_do_nothing_else(tmp_path: Path) -> None:
    """Every column of every table in turn takes every such value; each row is current or set aside."""
    landing = Landing(tmp_path / "landing")
    landing.add_parents()
    rng = random.Random(7)
    for table in source_tables():
        landing.add_records(table.label, hostile_rows(landing, table, rng), "hostile.csv")
    built = settings_for(landing.folder, tmp_path / "warehouse", quarantine_threshold=1)
    record = run_build(built)
    assert record.exit_code == 0
    for name, book in record.tables.items():
        parts = sum(book[part] for part in ("current", "superseded", "deleted", "quarantined"))
        assert book["read"] == parts + book.get("left_out", 0) > 0, name
    with open_published(built.paths.marts_file) as connection:
        names = connection.execute("select account_name from facts.dim_accounts").fetchall()
        schemas = connection.execute("select count(*) from duckdb_tables() where schema_name = 'kpi'").fetchall()
    assert {"'; drop table raw.load_files; --", "{{ 1/0 }}", "<script>alert(1)</script>"} <= {name for (name,) in names}
    assert schemas == [(52,)]
    assert rows_of(built.warehouse, "select count(*) > 0 from raw.load_files") == [(True,)]


def hostile_rows(landing: Landing, table: Table, rng: random.Random) -> list[dict[str, str]]:
    return [
        landing.row(table.label, **{column.name: value, **({"updated_at": ""} if rng.random() < 0.1 else {})})
        for column in table.columns
        for value in HOSTILE
    ]


def test_only_who_builds_reads_the_warehouse(tmp_path: Path) -> None:
    landing, warehouse = Landing(tmp_path / "landing"), tmp_path / "warehouse"
    landing.add_parents()
    ended = kpi("build", "--landing", landing.folder, "--warehouse", warehouse, "--as-of", "2026-06-30")
    assert ended.exit_code == 0, ended.err
    open_to_others = [path for path in warehouse.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert open_to_others == []
