"""Files of every kind: the same rows come out of each, with their lines, and nothing of a file is lost."""

from __future__ import annotations

import datetime
import errno
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from orchestration.core.contract import Column, Dialect, Table, source_tables
from orchestration.core.errors import BadInputError, no_room
from orchestration.load import file_load, loader, new_files
from orchestration.load.kinds import archive, charset, json_records, workbook, workbook_worker
from orchestration.load.landing_folder import landed_systems
from tests.support import files
from tests.support.landing import Landing, csv_text

TABLE = "billing.products"
COLUMNS = ("product_id", "product_name", "category")
NAMES = (
    "주식회사 하늘", 'say "hi"', "semi; colon", "com, ma", "pipe | tab", "서울\n특별시", "007", "1.50", "o'brien",
    "무역 상사",
)  # fmt: skip
ROWS = [(f"p{number:03d}", NAMES[number % 10], "" if number % 4 else f"분류 {number}") for number in range(40)]
TO_WESTERN = {"주식회사 하늘": "Weiß Bäcker", "서울\n특별시": "Köln\nMülheim", "무역 상사": "Société"}
WESTERN = [(key, TO_WESTERN.get(name, name), "Öl" if category else "") for key, name, category in ROWS]
PLAIN = Dialect()


def contract_table(label: str = TABLE) -> Table:
    return next(table for table in source_tables() if table.label == label)


def with_dialect(**dialect: Any) -> tuple[Table, ...]:
    return (replace(contract_table(), dialect=Dialect(**dialect)),)


def load(
    landing: Landing, tables: Sequence[Table] | None = None
) -> tuple[duckdb.DuckDBPyConnection, loader.LoadReport]:
    connection = duckdb.connect()
    return connection, loader.load(connection, landing.folder, "load-1", tables=tables)


def refusals(landing: Landing, tables: Sequence[Table] | None = None) -> list[str]:
    with pytest.raises(BadInputError) as raised:
        load(landing, tables)
    return list(raised.value.details)


def text_of(rows: Sequence[Sequence[str]], delimiter: str = ",", above: str = "") -> tuple[str, list[int]]:
    """Rows as CSV with a blank line after the tenth and a malformed one after the twentieth, and the line of each."""
    text = above + csv_text([COLUMNS]).replace(",", delimiter)
    lines = []
    for number, row in enumerate(rows):
        lines.append(text.count("\n") + 1)
        fields = (f'"{value.replace(chr(34), chr(34) * 2)}"' if value else "" for value in row)
        text += delimiter.join(fields) + "\n"
        text += "\n" if number == 9 else "malformed\n" if number == 19 else ""
    return text, lines


def with_a_blank_row(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    return [COLUMNS, *rows[:10], ("", "", ""), *rows[10:]]


@dataclass(frozen=True)
class Kind:
    """A file: its name and content, the line of each of the rows, and what stands between them."""

    name: str
    content: bytes
    lines: Sequence[int]
    rows: Sequence[tuple[str, str, str]] = tuple(ROWS)
    malformed: int = 1
    blank: int = 1
    dialect: Dialect = PLAIN
    told: str = ""


def of_text(name: str, encoding: str = "utf-8", delimiter: str = ",", above: str = "", **about: Any) -> Kind:
    rows = about.get("rows", ROWS)
    text, lines = text_of(rows, delimiter, above)
    pack = about.pop("pack", bytes)
    return Kind(name, pack(text.encode(encoding)), lines, **about)


def of_sheet(name: str, write: Callable[[list[Sequence[str]]], bytes]) -> Kind:
    lines = [number + 2 + (number > 9) for number in range(40)]
    return Kind(name, write(with_a_blank_row(ROWS)), lines, malformed=0)


def of_json(name: str, lead: str, between: str, end: str, *, is_lines: bool, encoding: str = "utf-8") -> Kind:
    entries = files.objects(COLUMNS, ROWS)
    entries.insert(20, '"malformed"')
    lines = [number + 1 + (number > 19) for number in range(40)]
    if is_lines:
        entries.insert(10, "")
        lines = [number + 1 + (number > 9) + (number > 19) for number in range(40)]
    return Kind(name, (lead + between.join(entries) + end).encode(encoding), lines, blank=int(is_lines))


KINDS = {
    "comma": of_text("rows.csv"),
    "byte-order mark": of_text("rows.csv", "utf-8-sig"),
    "semicolon": of_text("rows.csv", delimiter=";"),
    "tab": of_text("rows.tsv", delimiter="\t"),
    "pipe": of_text("rows.txt", delimiter="|"),
    "another delimiter, declared": of_text("rows.csv", delimiter="^", dialect=Dialect(delimiter="^")),
    "sep= line": of_text("rows.csv", delimiter="|", above="sep=|\n"),
    "UTF-16 LE": of_text("rows.csv", "utf-16", "\t"),
    "UTF-16 BE": of_text("rows.csv", "utf-16-be", above="\ufeff"),
    "CP949, detected": of_text("rows.csv", "cp949", told="is read as cp949, in which line 2 reads"),
    "CP949, declared": of_text("rows.csv", "cp949", dialect=Dialect(encoding="euc-kr")),
    "Windows-1252, detected": of_text("rows.csv", "cp1252", ";", rows=WESTERN, told="is read as cp1252, in which"),
    "Latin-1, declared": of_text("rows.csv", "latin-1", ";", rows=WESTERN, dialect=Dialect(encoding="latin-1")),
    "gzip": of_text("rows.csv.gz", pack=files.gzipped),
    "zip": of_text(
        "rows.zip",
        pack=lambda content: files.zipped({"a/b/rows.csv": content, "__MACOSX/._rows.csv": b"x", ".hidden": b"x"}),
    ),
    "title rows": of_text(
        "rows.csv", above="Sales report 2025\n\nfrom:,January\n", told="2 rows above its header are no data"
    ),
    ".xlsx": of_sheet("rows.xlsx", lambda rows: files.xlsx({"Data": rows})),
    ".xls": of_sheet("rows.xls", files.xls),
    ".xlsb": of_sheet("rows.xlsb", files.xlsb),
    ".ods": of_sheet("rows.ods", files.ods),
    "JSON array": of_json("rows.json", "[\n", ",\n", "\n]", is_lines=False),
    "JSON object": of_json("rows.json", '{"next": {"n": 1}, "results": [', ",", '], "count": 40}', is_lines=False),
    "JSON in UTF-16": of_json("rows.json", "[", ",", "]", is_lines=False, encoding="utf-16"),
    "JSON lines": of_json("rows.jsonl", "", "\n", "", is_lines=True),
    "Parquet": Kind(
        "rows.parquet",
        files.parquet(COLUMNS, [*ROWS[:10], ("", "", ""), *ROWS[10:]]),
        [number + 1 + (number > 9) for number in range(40)],
        malformed=0,
    ),
    "partition folder": of_text("year=2025/month=1/part-0"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_come_out_of_every_kind_of_file(landing: Landing, kind: str) -> None:
    file = KINDS[kind]
    path = landing.folder / "billing" / "products" / file.name
    path.parent.mkdir(parents=True)
    path.write_bytes(file.content)
    connection, report = load(landing, [replace(contract_table(), dialect=file.dialect)])
    columns = ", ".join(f"coalesce({name}, '')" for name in COLUMNS)
    found = connection.execute(f"select _line, {columns} from raw.billing__products order by _line").fetchall()
    assert found == [(line, *row) for line, row in zip(file.lines, file.rows, strict=True)]
    name = f"{file.name}/a/b/rows.csv" if kind == "zip" else file.name
    assert connection.execute("select _file from raw.billing__products group by all").fetchall() == [(name,)]
    counts = "row_count, malformed_line_count, blank_rows"
    assert connection.execute(f"select {counts} from raw.load_files").fetchall() == [(40, file.malformed, file.blank)]
    assert [text for (text,) in connection.execute("select line_text from raw.malformed_lines").fetchall()] == (
        ['"malformed"' if "JSON" in kind else "malformed"] * file.malformed
    )
    assert [note[: len(file.told)] for note in (note.split(": ", 1)[1] for note in report.notes)] == (
        [file.told] if file.told else []
    )
    again = loader.load(connection, landing.folder, "load-2", tables=[replace(contract_table(), dialect=file.dialect)])
    assert (again.files_loaded, again.files_known, again.notes) == (0, 1, [])


class TestLinesThatAreNoRows:
    def test_header_preamble_records_blank_malformed_and_footer_lines_make_the_file(self, landing: Landing) -> None:
        lines = [
            "Report;;", ";;", "product_id;product_name;category", "a;A;x", "", "malformed", "b;B;y",
            "Grand Totals (2 records)", ";;5", "c;C;", "Confidential",
        ]  # fmt: skip
        landing.add_file(TABLE, "\n".join(lines) + "\n")
        connection, report = load(landing, with_dialect(footer=("Grand Totals .*",)))
        assert connection.execute("select _line, product_id from raw.billing__products").fetchall() == [
            (4, "a"), (7, "b"),
        ]  # fmt: skip
        counts = "preamble_lines, row_count, blank_rows, malformed_line_count, footer_lines"
        [counted] = connection.execute(f"select {counts} from raw.load_files").fetchall()
        assert counted == (1, 2, 1, 1, 4)
        # the header, and the blank line above it
        assert sum(counted) + 2 == len(lines)
        assert report.notes == [
            "billing/products/rows.csv: 1 row above its header is no data",
            "billing/products/rows.csv: 4 rows from its footer on are no data",
        ]

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_a_declared_header_row_is_taken_whatever_stands_above(self, landing: Landing, kind: str) -> None:
        rows = [
            ["product_id", "product_name", "old"],
            ["z", "Z", "z"],
            ["product_id", "product_name", ""],
            ["a", "A", ""],
        ]
        content = csv_text(rows).encode() if kind == "csv" else files.xlsx({"Data": rows})
        landing.add_file(TABLE, content, f"rows.{kind}")
        connection, _ = load(landing, with_dialect(header_row=3))
        assert connection.execute("select _line, product_id from raw.billing__products").fetchall() == [(4, "a")]
        assert connection.execute("select preamble_lines from raw.load_files").fetchall() == [(2,)]

    def test_no_row_of_data_is_taken_for_a_header(self, landing: Landing) -> None:
        landing.add_file(TABLE, "a,A\nproduct_id,product_name\nb,B\n")
        assert refusals(landing) == ["billing/products/rows.csv: lacks product_id, product_name; its header is a,A"]


class TestWorkbooks:
    def test_values_come_as_the_text_that_a_person_would_write(self, landing: Landing) -> None:
        values: list[object] = [
            7, 7.0, 1234567890123, 0.1 + 0.2, 1e-7, 123456.789, -0.5, True, datetime.date(2025, 1, 2),
            datetime.datetime(2025, 1, 2, 3, 4, 5), datetime.time(3, 4, 5), "007", "1.50", "#N/A", " x ",
        ]  # fmt: skip
        rows: files.Cells = [
            ["product_id", "product_name"],
            *([f"p{number}", value] for number, value in enumerate(values)),
        ]
        landing.add_file(TABLE, files.xlsx({"Data": rows}), "rows.xlsx")
        connection, _ = load(landing)
        found = connection.execute("select product_name from raw.billing__products order by _line").fetchall()
        assert [value for (value,) in found] == [
            "7", "7", "1234567890123", "0.3", "0.0000001", "123456.789", "-0.5", "true", "2025-01-02",
            "2025-01-02 03:04:05", "03:04:05", "007", "1.50", "#N/A", " x ",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("value", "text"),
        [(0.30000000000000004, "0.3"), (1e15, "1000000000000000"), (2.5e-8, "0.000000025"), (-0.0, "0"), (100.0, "100"),
         (datetime.timedelta(hours=30, minutes=5), "30:05:00"), (None, ""),
         (datetime.datetime(2025, 1, 2, 3, 4, 5, 500_000), "2025-01-02 03:04:05.500")],
    )  # fmt: skip
    def test_a_cell_as_text(self, value: object, text: str) -> None:
        assert workbook_worker.cell_text(value) == text

    def test_merged_title_rows_are_skipped_and_the_row_of_the_sheet_is_the_line(self, landing: Landing) -> None:
        rows: files.Cells = [
            ["Sales report 2025", "", ""],
            [],
            ["", "product_id", "product_name"],
            ["", 1, "A"],
            [],
            ["", 2, "B"],
        ]
        landing.add_file(TABLE, files.xlsx({"Data": rows}, merged="A1:C1"), "rows.xlsx")
        connection, report = load(landing)
        assert connection.execute("select _line, product_id from raw.billing__products").fetchall() == [
            (4, "1"), (6, "2"),
        ]  # fmt: skip
        assert "billing/products/rows.xlsx: 1 row above its header is no data" in report.notes
        assert connection.execute("select blank_rows, preamble_lines from raw.load_files").fetchall() == [(1, 1)]

    def test_the_only_sheet_that_fits_is_read_and_the_others_are_named(self, landing: Landing) -> None:
        sheets: dict[str, files.Cells] = {
            "Notes": [["x"]],
            "Products": [["product_id", "product_name"], [1, "A"]],
            "Empty": [],
        }
        landing.add_file(TABLE, files.xlsx(sheets), "rows.xlsx")
        connection, report = load(landing)
        assert connection.execute("select product_id from raw.billing__products").fetchall() == [("1",)]
        assert report.notes == ["billing/products/rows.xlsx: its sheet Products is read, Notes not"]

    def test_a_hidden_sheet_is_read_only_where_no_other_fits(self, landing: Landing) -> None:
        rows = {key: [["product_id", "product_name"], [key, "A"]] for key in ("new", "old")}
        landing.add_file(TABLE, files.xlsx({"New": rows["new"], "Old": rows["old"]}, hidden="Old"), "a.xlsx")
        landing.add_file(TABLE, files.xlsx({"Old": rows["old"], "Notes": [["x"]]}, hidden="Old"), "b.xlsx")
        connection, _ = load(landing)
        assert connection.execute("select _file, product_id from raw.billing__products order by 1").fetchall() == [
            ("a.xlsx", "new"), ("b.xlsx", "old"),
        ]  # fmt: skip

    @pytest.mark.parametrize(("declared", "read"), [("new", "2"), (2, "2"), ("Old", "1")])
    def test_of_several_that_fit_the_declared_one_is_read(
        self, landing: Landing, declared: str | int, read: str
    ) -> None:
        sheets: dict[str, files.Cells] = {
            name: [["product_id", "product_name"], [key, "A"]] for name, key in (("Old", 1), ("New", 2))
        }
        landing.add_file(TABLE, files.xlsx(sheets), "rows.xlsx")
        assert refusals(landing) == [
            "billing/products/rows.xlsx: has 2 sheets that fit: Old, New; declare the one to read for "
            "billing.products: dialect: {sheet: Old}"
        ]
        connection, _ = load(landing, with_dialect(sheet=declared))
        assert connection.execute("select product_id from raw.billing__products").fetchall() == [(read,)]
        [told] = refusals(landing, with_dialect(sheet="Third"))
        assert told.endswith("has no sheet Third, which is declared; it has Old, New")

    def test_a_workbook_that_takes_too_much_memory_is_refused_and_takes_nobody_with_it(self, landing: Landing) -> None:
        book = files.xlsx({"Data": [["product_id", "product_name"], ["a", "A"]]})
        far = book_with_a_cell_far_away(book)
        landing.add_file(TABLE, far, "rows.xlsx")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        [told] = refusals(landing)
        assert "is not a workbook that can be read, at" in told
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20

    def test_a_workbook_with_sheets_beyond_measure_is_refused_by_its_numbers(
        self, landing: Landing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(workbook, "MAX_SHEET_BYTES", 1 << 20)
        content = files.zipped({"xl/worksheets/sheet1.xml": b" " * (2 << 20)})
        landing.add_file(TABLE, content, "rows.xlsx")
        assert refusals(landing) == [
            "billing/products/rows.xlsx: has sheets of 2,097,152 bytes, more than 1,048,576, in a file of "
            f"{len(content):,}; export it as CSV"
        ]


def book_with_a_cell_far_away(book: bytes) -> bytes:
    """A workbook with a value in the last cell of its sheet, so that its area is of 17 thousand million cells."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    cell = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    members[sheet] = members[sheet].replace(b"</sheetData>", cell)
    return files.zipped(members)


class TestTexts:
    def test_the_delimiter_with_which_most_columns_are_found_is_taken(self, landing: Landing) -> None:
        table = an_object("deals", "amount", "deal_id", "owner")
        landing.add_file("shop.deals", "amount,;deal_id;owner\n1;2,5;3\n")
        connection, _ = load(landing, [table])
        assert connection.execute("select amount, deal_id, owner from raw.shop__deals").fetchall() == [
            ("1", "2,5", "3")
        ]

    @pytest.mark.parametrize("first", ["ORCID", "[Order ID]", "BZh9", "Rar!", "Obj"])
    def test_a_columns_name_is_not_taken_for_another_kind_of_file(self, landing: Landing, first: str) -> None:
        landing.add_file(TABLE, f"{first},product_id,product_name\nx,a,A\n")
        connection, _ = load(landing)
        assert connection.execute("select product_id from raw.billing__products").fetchall() == [("a",)]

    def test_names_that_would_be_patterns_are_names(self, landing: Landing) -> None:
        for name in ("a[1].csv", "a*.csv", "a?.csv"):
            landing.add_file(TABLE, f"product_id,product_name\n{name},A\n", name)
        landing.add_file(TABLE, files.parquet(COLUMNS, [("q", "Q", None)]), "b[1].parquet")
        landing.add_file(TABLE, files.parquet(COLUMNS, [("r", "R", None)]), "b*.parquet")
        connection, _ = load(landing)
        assert connection.execute("select _file, product_id from raw.billing__products order by 1").fetchall() == [
            ("a*.csv", "a*.csv"), ("a?.csv", "a?.csv"), ("a[1].csv", "a[1].csv"),
            ("b*.parquet", "r"), ("b[1].parquet", "q"),
        ]  # fmt: skip


class TestJson:
    def test_numbers_keep_their_digits_and_nested_values_are_json_or_columns_of_their_own(
        self, landing: Landing
    ) -> None:
        lines = [
            '{"product_id": 12345678901234567890, "product_name": 1.50, "category": {"a": [1.0, null, "é"]}}',
            '{"product_id": 1, "product_name": true, "unit": {"cost": 2.10, "Currency": "EUR"}, "currency": "USD"}',
        ]
        landing.add_file(TABLE, "\n".join(lines), "rows.ndjson")
        connection, _ = load(landing)
        columns = "product_id, product_name, category, unit_cost, currency"
        assert connection.execute(f"select {columns} from raw.billing__products").fetchall() == [
            ("12345678901234567890", "1.50", '{"a": [1.0, null, "é"]}', None, None),
            ("1", "true", None, "2.10", "USD"),
        ]

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ('[{"product_id": 1}, {"product_id"', "is not JSON: look at what begins at character 21 "),
            ('[{"product_id": 1, "product_name": 2}', "is not JSON: at character 38 there should be ]; the file"),
            ('{"rows": 5}\n', "lacks product_id, product_name; its header is rows"),
            ('{"rows":\n [{"product_id": 1}]}', "is a JSON object without an array called data or results"),
            ('{"a"\n{"b"\n', "is not JSON: not json, line 1"),
            ("[1, 2]", "is not JSON: not a json object, line 1"),
            ('[{"product_id": 1, "product_name": 2}] x', "is not JSON: something stands behind its end, character 40"),
            ("[" * 100_000, "is not JSON: look at what begins at character 2 "),
        ],
    )  # fmt: skip
    def test_what_is_no_table_is_refused(self, landing: Landing, content: str, told: str) -> None:
        landing.add_file(TABLE, content, "rows.json")
        [said] = refusals(landing)
        assert said.startswith(f"billing/products/rows.json: {told}")

    def test_an_array_of_nothing_is_a_file_without_rows(self, landing: Landing) -> None:
        landing.add_file(TABLE, "[]", "rows.json")
        connection, report = load(landing)
        assert connection.execute("select row_count from raw.load_files").fetchall() == [(0,)]
        assert report.notes == []

    def test_objects_larger_than_what_is_read_at_once_come_whole(
        self, landing: Landing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(json_records, "CHUNK_CHARACTERS", 7)
        landing.add_file(TABLE, json.dumps([{"product_id": key, "product_name": name} for key, name, _ in ROWS]))
        connection, _ = load(landing)
        found = connection.execute(
            "select product_id, product_name from raw.billing__products order by _line"
        ).fetchall()
        assert found == [row[:2] for row in ROWS]


class TestParquet:
    def test_nested_values_are_json(self, landing: Landing) -> None:
        path = landing.add_file(TABLE, b"", "rows.parquet")
        with duckdb.connect() as connection:
            nested = "{'a': 'x', 'b': [1, 2]} as product_name, [date '2025-01-02'] as category"
            connection.execute(f"copy (select 1 as product_id, {nested}) to '{path}' (format parquet)")
        connection, _ = load(landing)
        assert connection.execute("select product_name, category from raw.billing__products").fetchall() == [
            ('{"a":"x","b":[1,2]}', '["2025-01-02"]')
        ]


class TestPackedFiles:
    def test_each_member_of_an_archive_is_a_file_of_its_own(self, landing: Landing) -> None:
        members: dict[str, bytes | str] = {
            "1.csv": "product_id,product_name\na,A\n",
            "x/2.json": '[{"product_id": "b", "product_name": "B"}]',
        }
        path = landing.add_file(TABLE, files.zipped(members), "all.zip")
        connection, report = load(landing)
        assert report.files_loaded == 2
        assert connection.execute("select _file, product_id from raw.billing__products order by all").fetchall() == [
            ("all.zip/1.csv", "a"), ("all.zip/x/2.json", "b"),
        ]  # fmt: skip
        path.write_bytes(files.zipped({**members, "3.csv": "product_id,product_name\nc,C\n"}))
        again = loader.load(connection, landing.folder, "load-2")
        assert (again.files_known, again.files_loaded) == (2, 1)

    @pytest.mark.parametrize("kind", ["zip", "gzip", ".xlsx", "CP949, detected", "JSON array"])
    def test_working_copies_beyond_what_is_kept_are_made_again(
        self, landing: Landing, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr(new_files, "MOST_KEPT_BYTES", 0)
        landing.add_file(TABLE, KINDS[kind].content, KINDS[kind].name)
        connection, _ = load(landing)
        assert connection.execute("select row_count from raw.load_files").fetchall() == [(40,)]

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_a_full_disk_is_no_fault_of_the_file(
        self, landing: Landing, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(archive, "_copy", full)
        landing.add_file(TABLE, KINDS["gzip"].content, "rows.csv.gz")
        with pytest.raises(OSError, match=os.strerror(number)) as raised:
            load(landing)
        told = no_room(raised.value)
        assert told is not None
        assert str(told).startswith("no room on the disk")

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
    def test_nor_is_one_that_duckdb_finds_full(
        self, landing: Landing, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        def full(*_: object) -> None:
            raise duckdb.IOException(f"IO Error: Could not write file x: {os.strerror(number)}")

        monkeypatch.setattr(file_load, "_check_unchanged", full)
        landing.add_file(TABLE, KINDS["comma"].content, "rows.csv")
        with pytest.raises(duckdb.IOException) as raised:
            load(landing)
        assert no_room(raised.value) is not None

    def test_a_faulty_member_is_named_in_its_archive(self, landing: Landing) -> None:
        members: dict[str, bytes | str] = {
            "1.csv": "product_id,product_name\na,A\n",
            "2.csv": "x\n",
            "3.zip": files.zipped({"a": "b"}),
        }
        landing.add_file(TABLE, files.zipped(members), "all.zip")
        assert refusals(landing) == [
            "billing/products/all.zip/2.csv: lacks product_id, product_name; its header is x",
            "billing/products/all.zip/3.zip: is an archive that cannot be read, or one within another: unpack it",
        ]

    @pytest.mark.parametrize("kind", ["gz", "zip", "many in a zip"])
    def test_a_bomb_is_refused_by_its_numbers_and_takes_no_room(
        self, landing: Landing, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        monkeypatch.setattr(archive, "MUCH", 1 << 20)
        bomb = b"product_id,product_name\n" + b"a,A\n" * 600_000
        if kind == "gz":
            content = files.gzipped(bomb)
        else:
            content = files.zipped(
                {f"{n}.csv": bomb[: len(bomb) // 4] for n in range(4)} if "many" in kind else {"1": bomb}
            )
        landing.add_file(TABLE, content, "rows")
        [told] = refusals(landing)
        assert told.startswith("billing/products/rows: expands beyond measure: to ")
        assert told.endswith(f" bytes and more, from {len(content):,}")

    def test_damaged_and_empty_archives_are_refused(self, landing: Landing) -> None:
        packed = files.zipped({"1.csv": "product_id,product_name\n" + "a,A\n" * 99})
        landing.add_file(TABLE, packed[:-30], "cut.zip")
        landing.add_file(TABLE, packed[:45] + b"\x00\x01\x02" + packed[48:], "damaged.zip")
        central = packed.index(b"PK\x01\x02")
        for name, place, value in (("method", 10, b"\x01"), ("secret", 8, b"\x01")):
            of_member = packed[: place - 2] + value + packed[place - 1 :]
            of_list = of_member[: central + place] + value + of_member[central + place + 1 :]
            landing.add_file(TABLE, of_list, f"{name}.zip")
        landing.add_file(TABLE, files.zipped({".hidden": "x"}), "empty.zip")
        landing.add_file(TABLE, files.gzipped(b"product_id,product_name\n" + b"a,A\n" * 99)[:-9], "cut.gz")
        said = {line.split(": ")[0].split("/")[2]: line.split(": ", 1)[1] for line in refusals(landing)}
        assert said["cut.zip"].startswith("is not a readable zip archive (")
        assert said["damaged.zip"].startswith("is not a readable member of a zip archive (")
        assert said["method.zip"].startswith("is not a readable member of a zip archive (That compression method")
        assert said["secret.zip"] == "is protected by a password: pack it again without"
        assert said["empty.zip"] == "is a zip archive that holds no file to read"
        assert said["cut.gz"].startswith("is not a readable gzip file (")


class TestEncodings:
    WORDS: ClassVar = {
        "cp1252": ("Größe", "Société Générale", "Señor Núñez", "São João", "Åkeri Göteborg"),
        "cp1250": ("Łódź", "Gdańsk", "Spółka z ograniczoną odpowiedzialnością"),
        "cp1251": ("Завод Южный Москва", "Общество Ромашка", "Торговый дом Весна", "Компания Север", "Поставщик воды"),
        "cp949": ("주식회사 하늘", "서울특별시 강남구", "무역"),
        "cp932": ("株式会社ソラ", "東京都", "田中商事"),
        "gb18030": ("北京公司", "上海贸易有限公司", "深圳市"),
        "big5": ("台北公司", "高雄貿易有限公司", "臺灣"),
    }

    @pytest.mark.parametrize("encoding", WORDS)
    def test_what_is_certain_is_taken(self, encoding: str) -> None:
        readings, is_certain = charset.likeliest_readings([word.encode(encoding) for word in self.WORDS[encoding]])
        assert (readings[0].encoding, is_certain) == (encoding, True)

    @pytest.mark.parametrize(
        ("word", "readings"), [("ñ", ["cp1252", "cp1250"]), ("São", ["cp1252", "cp1250"]), ("é", ["cp1252", "cp1251"])]
    )
    def test_what_can_be_read_two_ways_is_asked(self, landing: Landing, word: str, readings: list[str]) -> None:
        rows = "product_id,product_name\n" + "".join(f"p{number},{word}\n" for number in range(40))
        landing.add_file(TABLE, rows.encode("cp1252"))
        [told] = refusals(landing)
        either = " or ".join(f"{one} (`p0,{word.encode('cp1252').decode(one)}`)" for one in readings)
        assert told == (
            f"billing/products/rows.csv: is not UTF-8, from line 2 on: it may be {either}; export it as UTF-8, or "
            "declare which it is for its table: dialect: {encoding: cp1252}"
        )
        connection, report = load(landing, with_dialect(encoding="cp1252"))
        assert connection.execute("select product_name from raw.billing__products group by all").fetchall() == [(word,)]
        assert report.notes == []

    def test_a_file_in_two_encodings_is_refused(self, landing: Landing) -> None:
        lines = ["product_id,product_name", *(f"p{number},주식회사 하늘" for number in range(20))]
        content = "".join(f"{line}\n" for line in lines[:10]).encode()
        content += "".join(f"{line}\n" for line in lines[10:]).encode("cp949")
        landing.add_file(TABLE, content)
        assert refusals(landing) == [
            "billing/products/rows.csv: is in two encodings: 11 of its 21 lines are not UTF-8, from line 11 on, 9 "
            "others are; export it as UTF-8"
        ]

    def test_a_declared_encoding_that_is_not_the_files_is_refused_with_the_line(self, landing: Landing) -> None:
        landing.add_file(TABLE, "product_id,product_name\na,A\nb,Café\n".encode("cp1252"))
        assert refusals(landing, with_dialect(encoding="cp949")) == [
            "billing/products/rows.csv: is not cp949 throughout: look at line 3; export it as UTF-8"
        ]
        [told] = refusals(landing, with_dialect(encoding="cp9999"))
        assert "there is no encoding cp9999, which is declared for its table" in told

    def test_a_file_in_utf_8_is_read_as_that_whatever_is_declared_and_told(self, landing: Landing) -> None:
        landing.add_file(TABLE, "product_id,product_name\na,Größe\n")
        connection, report = load(landing, with_dialect(encoding="cp1252"))
        assert connection.execute("select product_name from raw.billing__products").fetchall() == [("Größe",)]
        assert report.notes == ["billing/products/rows.csv: is UTF-8, though cp1252 is declared, and is read as UTF-8"]


def an_object(name: str, *columns: str | Column, **about: Any) -> Table:
    """An object of the source system `shop`; a column with `*` is required."""
    made = tuple(
        one if isinstance(one, Column) else Column(one.rstrip("*"), required=one.endswith("*"), key=False)
        for one in columns
    )
    return Table("shop", name, made, None, is_contract=False, **about)


DEALS = an_object("deals", "deal_id*", "stage_id*", "amount")
EXPORT = an_object(
    "deals_export",
    Column("record_id", required=True, key=True, aliases=("Record ID", "레코드 ID")),
    Column("value", required=False, key=False, aliases=("Amount in company currency", "Amount")),
    folders=("shop/deals",),
    keeps_other_columns=True,
)
TABLES = (*source_tables(), DEALS, EXPORT)


class TestSystems:
    def test_the_header_decides_between_the_tables_of_a_folder(self, landing: Landing) -> None:
        landing.add_file("shop.deals", "deal_id,stage_id\nd1,s1\n", "a.csv")
        landing.add_file("shop.deals", "레코드 id,AMOUNT,Deal Name\nd2,5,Big\n", "b.csv")
        connection, report = load(landing, TABLES)
        assert connection.execute("select deal_id, stage_id, amount from raw.shop__deals").fetchall() == [
            ("d1", "s1", None)
        ]
        assert connection.execute("select record_id, value, _other_columns from raw.shop__deals_export").fetchall() == [
            ("d2", "5", '{"Deal Name":"Big"}')
        ]
        assert report.rows_loaded == {"shop.deals": 1, "shop.deals_export": 1}
        assert report.notes == ["shop.deals_export: b.csv: 레코드 id is read as record_id, AMOUNT is read as value"]

    def test_a_file_that_fits_none_is_told_what_it_lacks_for_each(self, landing: Landing) -> None:
        landing.add_file("shop.deals", "deal_id,name\nd1,x\n", "a.csv")
        assert refusals(landing, TABLES) == [
            "shop/deals/a.csv: fits none of the 2 tables of its folder: for shop.deals it lacks stage_id; "
            "for shop.deals_export it lacks record_id; its header is deal_id,name"
        ]

    def test_blank_values_are_left_out_of_the_other_columns_and_names_that_come_twice_are_told_apart(
        self, landing: Landing
    ) -> None:
        landing.add_file("shop.deals_export", 'Record ID,x,x,"say ""it""s",\n1,2, ,4,5\n2,,,,\n')
        connection, report = load(landing, TABLES)
        found = connection.execute("select _other_columns from raw.shop__deals_export order by _line").fetchall()
        assert [json.loads(value) for (value,) in found] == [{"x": "2", 'say "it"s': "4", "(no name)": "5"}, {}]
        assert report.notes == []

    def test_a_wide_file_of_months_keeps_them_by_name(self, landing: Landing) -> None:
        months = [f"2025년 {month}월" for month in range(1, 13)]
        header = ["레코드 ID", *months, "비고", "비고", "it's", 'a "b"']
        landing.add_file("shop.deals", csv_text([header, ["r1", *map(str, range(12)), "메모", "", "x", "y"]]))
        connection, _ = load(landing, TABLES)
        [(kept,)] = connection.execute("select _other_columns from raw.shop__deals_export").fetchall()
        expected = {month: str(number) for number, month in enumerate(months)}
        assert json.loads(kept) == {**expected, "비고": "메모", "it's": "x", 'a "b"': "y"}
        values = connection.execute("select _other_columns ->> '2025년 12월' from raw.shop__deals_export").fetchall()
        assert values == [("11",)]

    def test_an_earlier_alias_is_better_than_a_later_one(self, landing: Landing) -> None:
        landing.add_file("shop.deals", "Record ID,Amount,Amount in company currency\n1,2,3\n")
        connection, _ = load(landing, TABLES)
        found = connection.execute("select value, _other_columns from raw.shop__deals_export").fetchall()
        assert found == [("3", '{"Amount":"2"}')]

    def test_unknown_columns_of_a_system_are_counted_once(self, landing: Landing) -> None:
        landing.add_file("shop.deals", "deal_id,stage_id,x,y\n1,2,3,4\n", "a.csv")
        landing.add_file("shop.deals", "deal_id,stage_id,x,y,z\n1,2,3,4,5\n", "b.csv")
        _, report = load(landing, TABLES)
        assert report.notes == ["shop.deals: a.csv: 2 of its columns are not read"]

    def test_only_systems_that_landed_have_tables_and_then_all_of_theirs(self, landing: Landing) -> None:
        landing.add(TABLE, {})
        other = replace(an_object("things", "thing_id*"), system="other")
        connection, _ = load(landing, (*TABLES, other))
        names = "select table_name from duckdb_tables() where table_name like 'shop%' or table_name like 'other%'"
        assert connection.execute(names).fetchall() == []
        assert landed_systems(connection, landing.folder, (*TABLES, other)) == []
        path = landing.add_file("Shop.Deals", "deal_id,stage_id\nd1,s1\n", "a.csv")
        assert landed_systems(None, landing.folder, (*TABLES, other)) == ["shop"]
        loader.load(connection, landing.folder, "load-2", tables=(*TABLES, other))
        assert sorted(connection.execute(names).fetchall()) == [("shop__deals",), ("shop__deals_export",)]
        path.unlink()
        path.parent.rmdir()
        path.parent.parent.rmdir()
        assert landed_systems(connection, landing.folder, (*TABLES, other)) == ["shop"]

    def test_two_files_that_would_be_one_by_name_are_refused(self, landing: Landing) -> None:
        for folder in ("shop.deals", "Shop.DEALS"):
            landing.add_file(folder, f"deal_id,stage_id\n{folder},s1\n", "a.csv")
        [told] = refusals(landing, TABLES)
        assert told.endswith("shop/deals/a.csv is a.csv of shop.deals, too; rename one of them") or told.endswith(
            "Shop/DEALS/a.csv is a.csv of shop.deals, too; rename one of them"
        )

    def test_what_folders_say_becomes_columns_that_the_table_has(self, landing: Landing) -> None:
        table = an_object("orders", "order_id*", "year*", "region")
        folder = landing.folder / "shop" / "orders"
        for path, content in {
            "year=2025/region=A%2FB/part-0.csv": b"order_id\n1\n",
            "year=2024/region=__HIVE_DEFAULT_PARTITION__/part-0.parquet": files.parquet(["order_id"], [["2"]]),
            "year=2023/part-0.json": b'[{"order_id": 3}]',
            "year=2023/_SUCCESS": b"",
            "old/2022.csv": b"order_id,year\n4,2022\n",
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        connection, _ = load(landing, [table])
        assert connection.execute(
            "select order_id, year, region, _file from raw.shop__orders order by 1"
        ).fetchall() == [
            ("1", "2025", "A/B", "year=2025/region=A%2FB/part-0.csv"),
            ("2", "2024", None, "year=2024/region=__HIVE_DEFAULT_PARTITION__/part-0.parquet"),
            ("3", "2023", None, "year=2023/part-0.json"),
            ("4", "2022", None, "old/2022.csv"),
        ]


class TestEvolution:
    """Columns that a table gains are filled in from files that were loaded before."""

    OLDER = an_object("deals", "deal_id*", "stage_id*")
    NEWER = an_object(
        "deals", "deal_id*", "stage_id*", Column("owner", required=False, key=False, aliases=("Deal owner",))
    )

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "zip", "json", "parquet", "csv.gz"])
    def test_values_are_filled_in_by_file_and_line(self, landing: Landing, kind: str) -> None:
        columns, rows = ("deal_id", "stage_id", "deal owner"), [("d1", "s", "한"), ("d2", "s", "B"), ("d3", "s", "")]
        text = csv_text([columns, *rows]).replace("\nd2", "\n\nmalformed\nd2").encode()
        content = {
            "csv": text,
            "xlsx": files.xlsx({"Data": [columns, *rows]}),
            "zip": files.zipped({"a.csv": text}),
            "json": ("[" + ",".join(files.objects(columns, rows)) + "]").encode(),
            "parquet": files.parquet(["deal_id", "stage_id", '"deal owner"'], [*rows[:2], ("d3", "s", None)]),
            "csv.gz": files.gzipped(text),
        }[kind]
        landing.add_file("shop.deals", content, f"rows.{kind}")
        connection, _ = load(landing, [self.OLDER])
        before = connection.execute("select _file_id, _line, deal_id from raw.shop__deals order by all").fetchall()
        report = loader.load(connection, landing.folder, "load-2", tables=[self.NEWER])
        assert connection.execute("select deal_id, owner from raw.shop__deals order by 1").fetchall() == [
            ("d1", "한"), ("d2", "B"), ("d3", None),
        ]  # fmt: skip
        assert (
            connection.execute("select _file_id, _line, deal_id from raw.shop__deals order by all").fetchall() == before
        )
        assert report.notes == ["shop.deals: owner is read by now, and filled in from 1 file loaded before"]
        assert connection.execute("select unknown_columns from raw.load_files").fetchall() == [("",)]
        assert loader.load(connection, landing.folder, "load-3", tables=[self.NEWER]).notes == []

    @pytest.mark.parametrize("change", ["gone", "other content"])
    def test_a_file_that_is_not_there_any_more_is_named_once(self, landing: Landing, change: str) -> None:
        path = landing.add_file("shop.deals", "deal_id,stage_id,owner\nd1,s,A\n", "a.csv")
        landing.add_file("shop.deals", "deal_id,stage_id\nd0,s\n", "z.csv")
        connection, _ = load(landing, [self.OLDER])
        path.unlink() if change == "gone" else path.write_text("deal_id,stage_id,owner\nd1,s,B\n")
        report = loader.load(connection, landing.folder, "load-2", tables=[self.NEWER])
        assert report.notes == [
            "shop.deals: a.csv had owner when it was not read yet, and its values are not here: "
            "deliver the files under other names, or build into an empty warehouse"
        ]
        assert loader.load(connection, landing.folder, "load-3", tables=[self.NEWER]).notes == []

    def test_a_load_that_was_cut_off_before_the_values_were_filled_in_is_made_good(self, landing: Landing) -> None:
        landing.add_file("shop.deals", "deal_id,stage_id,owner\nd1,s,A\n", "a.csv")
        connection, _ = load(landing, [self.OLDER])
        connection.execute("alter table raw.shop__deals add column owner varchar")
        loader.load(connection, landing.folder, "load-2", tables=[self.NEWER])
        assert connection.execute("select owner from raw.shop__deals").fetchall() == [("A",)]

    def test_what_folders_say_is_filled_in_too(self, landing: Landing) -> None:
        for folder in ("owner=A%2FB", "x/owner=__HIVE_DEFAULT_PARTITION__", "other"):
            path = landing.folder / "shop" / "deals" / folder / "a.csv"
            path.parent.mkdir(parents=True)
            path.write_text(f"deal_id,stage_id\n{folder[0]},s\n")
        connection, _ = load(landing, [self.OLDER])
        report = loader.load(connection, landing.folder, "load-2", tables=[self.NEWER])
        assert connection.execute("select _file, owner from raw.shop__deals order by 1").fetchall() == [
            ("other/a.csv", None),
            ("owner=A%2FB/a.csv", "A/B"),
            ("x/owner=__HIVE_DEFAULT_PARTITION__/a.csv", None),
        ]
        assert report.notes == ["shop.deals: owner is read by now, and filled in from 2 files loaded before"]

    def test_values_that_were_kept_move_into_their_column_though_the_file_is_gone(self, landing: Landing) -> None:
        older = replace(self.OLDER, keeps_other_columns=True)
        landing.add_file("shop.deals", 'deal_id,stage_id,Deal Owner,x\nd1,s,"A ""x""",1\nd2,s,,2\n', "a.csv").touch()
        connection, _ = load(landing, [older])
        (landing.folder / "shop" / "deals" / "a.csv").unlink()
        landing.add_file("shop.deals", "deal_id,stage_id\nd0,s\n", "z.csv")
        newer = replace(self.NEWER, keeps_other_columns=True)
        report = loader.load(connection, landing.folder, "load-2", tables=[newer])
        found = connection.execute("select deal_id, owner, _other_columns from raw.shop__deals order by 1").fetchall()
        assert found == [("d0", None, "{}"), ("d1", 'A "x"', '{"x":"1"}'), ("d2", None, '{"x":"2"}')]
        assert report.notes[0] == "shop.deals: owner is read by now, and filled in from 1 file loaded before"
        assert loader.load(connection, landing.folder, "load-3", tables=[newer]).notes == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "utf-16", "gz", "zip", "json", "jsonl", "parquet"])
def test_a_large_file_takes_bounded_memory(tmp_path: Path, kind: str) -> None:
    """A million rows in about a gigabyte, whatever the kind."""
    program = """
import sys; from pathlib import Path
import duckdb
from orchestration.load import loader
connection = duckdb.connect(str(Path(sys.argv[1]) / "build.duckdb"))
connection.execute("set enable_progress_bar = false")
loader.load(connection, Path(sys.argv[1]) / "landing", "load-1")
# of this program alone: getrusage counts what the process was before, too
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    landing = Landing(tmp_path / "landing")
    with duckdb.connect() as connection:
        columns = "'p' || range as product_id, 'name 하늘 ' || range as product_name, md5('' || range) as category"
        path = landing.add_file(TABLE, b"", "rows")
        form = {"json": "json, array true", "jsonl": "json", "parquet": "parquet"}.get(kind, "csv")
        connection.execute(f"copy (select {columns} from range(1000000)) to '{path}' (format {form})")
    content = path.read_bytes()
    if kind == "utf-16":
        path.write_bytes(content.decode().encode("utf-16"))
    elif kind == "gz":
        path.write_bytes(files.gzipped(content))
    elif kind == "zip":
        path.write_bytes(files.zipped({"rows.csv": content}))
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(ended.stdout.split()[-1]) < 1.1 * (1 << 20), ended.stdout
    with duckdb.connect(str(tmp_path / "build.duckdb")) as connection:
        assert connection.execute("select count(*) from raw.billing__products").fetchall() == [(1_000_000,)]
