"""The loader alone, on DuckDB: every file once, whole or not at all, and every line of it accounted for."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import BadInputError
from orchestration.load import evolution, loader
from orchestration.load.appending import Landed, enter
from orchestration.load.csv_scan import scan_csv
from orchestration.load.encoding import NOT_PRINTABLE
from orchestration.load.loader import LoadReport
from orchestration.load.plain_csv import insert_plain
from orchestration.load.scanned import BLANKS, WHITE_SPACE
from tests.support.builds import load, open_build, rows_of
from tests.support.landing import Landing, csv_text

TABLE = "billing.products"
HEADER = "product_id,product_name\n"
PRODUCTS = "select _line, product_id, product_name from raw.billing__products order by _file_id, _line"
MALFORMED = "select line, line_text from raw.malformed_lines order by file_id, line"


def product_lines(warehouse: Path) -> list[tuple[Any, ...]]:
    return rows_of(warehouse, PRODUCTS)


def malformed_lines(warehouse: Path) -> list[tuple[Any, ...]]:
    return rows_of(warehouse, MALFORMED)


def refusals(landing: Landing, warehouse: Path) -> dict[str, str]:
    """What a load that must fail says of each file."""
    with pytest.raises(BadInputError) as raised:
        load(landing, warehouse)
    assert raised.value.exit_code == 3
    return dict(detail.split(": ", 1) for detail in raised.value.details)


class TestEachFileOnce:
    def test_the_same_file_again_adds_nothing(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n")
        first, second = load(landing, warehouse), load(landing, warehouse, "load-2")
        assert (first.files_loaded, first.files_known) == (1, 0)
        assert (second.files_loaded, second.files_known) == (0, 1)
        assert product_lines(warehouse) == [(2, "a", "A")]

    @pytest.mark.parametrize("later_name", ["a.csv", "z.csv"])
    def test_the_same_content_under_another_name_is_a_delivery_of_its_own(
        self, landing: Landing, warehouse: Path, later_name: str
    ) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n", "m.csv")
        load(landing, warehouse)
        landing.add_file(TABLE, HEADER + "a,A\n", later_name)
        assert load(landing, warehouse, "load-2").files_loaded == 1
        assert rows_of(warehouse, "select _file, product_id from raw.billing__products order by _file_id") == [
            ("m.csv", "a"),
            (later_name, "a"),
        ]
        assert (load(landing, warehouse, "load-3").files_loaded, len(product_lines(warehouse))) == (0, 2)

    def test_a_file_set_back_to_what_it_held_before_changes_nothing_and_says_so(
        self, landing: Landing, warehouse: Path
    ) -> None:
        for load_id, name in (("load-1", "first"), ("load-2", "second")):
            landing.add_file(TABLE, f"{HEADER}a,{name}\n")
            assert load(landing, warehouse, load_id).notes == []
        landing.add_file(TABLE, f"{HEADER}a,first\n")
        report = load(landing, warehouse, "load-3")
        assert (report.files_loaded, len(product_lines(warehouse))) == (0, 2)
        assert report.notes == [
            "billing/products/rows.csv: has the content it had before its last change, which is known and changes "
            "nothing; to go back to it deliver it under another name"
        ]

    def test_files_load_in_the_order_in_which_people_count(self, landing: Landing, warehouse: Path) -> None:
        names = ["t (2).csv", "t (10).csv", "t10.csv", "t010.csv", "t9.csv", f"t{10**25}.csv", "T (11).csv"]
        for number, name in enumerate(names):
            landing.add_file(TABLE, f"{HEADER}a,{number}\n", name)
        load(landing, warehouse)
        assert [name for (name,) in rows_of(warehouse, "select file_name from raw.load_files order by file_id")] == [
            "T (11).csv", "t (2).csv", "t (10).csv", "t9.csv", "t010.csv", "t10.csv", f"t{10**25}.csv",
        ]  # fmt: skip

    def test_the_same_content_in_two_tables_is_two_files(self, landing: Landing, warehouse: Path) -> None:
        content = "order_id,ordered_at,status,refund_id,amount,refunded_at\n"
        landing.add_file("billing.orders", content)
        landing.add_file("billing.refunds", content)
        assert load(landing, warehouse).files_loaded == 2

    def test_changed_content_under_the_old_name_adds_its_rows_beside_the_old_ones(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, HEADER + "a,old\n")
        load(landing, warehouse, "load-1")
        landing.add_file(TABLE, HEADER + "a,new\nb,B\n")
        load(landing, warehouse, "load-2")
        assert rows_of(
            warehouse, "select _load_id, _file, _line, product_name from raw.billing__products order by _file_id, _line"
        ) == [
            ("load-1", "rows.csv", 2, "old"),
            ("load-2", "rows.csv", 2, "new"),
            ("load-2", "rows.csv", 3, "B"),
        ]

    def test_the_report_counts_rows_by_table(self, landing: Landing, warehouse: Path) -> None:
        landing.add(TABLE, {}, {})
        landing.add(TABLE, {}, file="more.csv")
        landing.add("crm.leads", {})
        assert load(landing, warehouse).rows_loaded == {"billing.products": 3, "crm.leads": 1}


class TestWholeOrNothing:
    @pytest.mark.parametrize(
        ("together_bytes", "kept"), [(1 << 20, []), (1, [(2, "a", "A")])], ids=["together", "each by itself"]
    )
    def test_an_error_while_files_are_appended_leaves_whole_ones(
        self,
        landing: Landing,
        warehouse: Path,
        monkeypatch: pytest.MonkeyPatch,
        together_bytes: int,
        kept: list[tuple[int, str, str]],
    ) -> None:
        """Those of a transaction that had ended, and nothing of the others."""
        monkeypatch.setattr("orchestration.load.file_load.TOGETHER_BYTES", together_bytes)
        landing.add_file(TABLE, HEADER + "a,A\n", "1.csv")
        landing.add_file(TABLE, HEADER + "b,B\n", "2.csv")

        def fail_after_the_second(connection: Any, row: tuple[int, Landed, str], *rest: Any) -> None:
            enter(connection, row, *rest)
            if row[1].name == "2.csv":
                raise RuntimeError("power cut")

        monkeypatch.setattr("orchestration.load.file_load.enter", fail_after_the_second)
        with pytest.raises(RuntimeError):
            load(landing, warehouse)
        assert product_lines(warehouse) == kept
        monkeypatch.undo()
        assert load(landing, warehouse, "load-2").files_loaded == 2 - len(kept)
        assert product_lines(warehouse) == [(2, "a", "A"), (2, "b", "B")]

    def test_a_load_killed_in_the_middle_leaves_whole_files_and_the_next_one_completes_it(
        self, landing: Landing, warehouse: Path
    ) -> None:
        rows, files = 20_000, 40
        body = "".join(f"p{number},name\n" for number in range(rows))
        for number in range(files):
            # The malformed line makes the loader work on a copy, which the killed process leaves behind.
            landing.add_file(TABLE, f"{HEADER}{body}only {number}\n", f"{number:02d}.csv")
        program = (
            "import sys; from pathlib import Path; "
            "from orchestration.load import file_load; file_load.TOGETHER_BYTES = 1 << 20; "
            "from tests.support.builds import load; from tests.support.landing import Landing; "
            "load(Landing(Path(sys.argv[1])), Path(sys.argv[2]))"
        )
        root = str(Path(__file__).parent.parent)
        process = subprocess.Popen([sys.executable, "-c", program, str(landing.folder), str(warehouse)], cwd=root)
        _wait_for_a_working_copy(process, warehouse)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "the load ended before it could be killed"
        if rows_of(warehouse, "select 1 from duckdb_tables() where table_name = 'load_files'"):
            assert _whole_files(warehouse, rows) < files
        load(landing, warehouse, "load-2")
        assert _whole_files(warehouse, rows) == files
        assert not list(warehouse.glob("kpi-load-*")), "the killed load's working copies are still there"


def _wait_for_a_working_copy(process: subprocess.Popen[bytes], warehouse: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if list(warehouse.glob("kpi-load-*/*")):
            return
        time.sleep(0.002)


def _whole_files(warehouse: Path, rows: int) -> int:
    """How many files are loaded, each of which must be complete."""
    loaded = rows_of(warehouse, "select row_count, malformed_line_count from raw.load_files")
    assert loaded == [(rows, 1)] * len(loaded)
    in_raw = rows_of(warehouse, "select count(*) from raw.billing__products group by _file_id")
    assert in_raw == [(rows,)] * len(loaded)
    assert rows_of(warehouse, "select count(*) from raw.malformed_lines") == [(len(loaded),)]
    return len(loaded)


class TestFilesThatCannotBeLoaded:
    def test_each_is_named_with_what_it_lacks_and_nothing_is_loaded(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n", "good.csv")
        bad = {
            "empty.csv": b"",
            "blank.csv": b" \n\r\n",
            "bom-only.csv": b"\xef\xbb\xbf",
            "one-column.csv": b"product_id,category\na,x\n",
            "both-columns.csv": b"category\nx\n",
            "no-header.csv": b"a,A\nb,B\n",
            "dots.csv": b"product_id.product_name\na.A\n",
            "odd-letter.csv": "product_id,product_name,ñ\na,A,1\n".encode("latin-1"),
            "page.xls": b"<html><table><tr><td>product_id</td></tr></table>",
            "letter.pdf": b"%PDF-1.7 and so on",
            "twice.csv": b"product_id,product_name,product_id\na,A,a\n",
            "open-header.csv": b'"product_id,product_name\na,A\n',
            "open-header-long.csv": b'"product_id,product_name\n' + b"a,A\n" * 50_000,
            "other.parquet": b"PAR1 and then nothing of the sort",
        }
        for name, content in bad.items():
            landing.add_file(TABLE, content, name)
        landing.add_file("crm.leads", "lead_id\nL1\n", "leads.csv")
        said = refusals(landing, warehouse)
        expected = {
            "empty.csv": "is empty: it has no header line",
            "blank.csv": "is empty: it has no header line",
            "bom-only.csv": "is empty: it has no header line",
            "one-column.csv": "lacks product_name; its header is product_id,category",
            "both-columns.csv": "lacks product_id, product_name; its header is category",
            "no-header.csv": "lacks product_id, product_name; its header is a,A",
            "dots.csv": (
                "lacks product_id, product_name; `product_id.product_name` may be its product_name; "
                "its header is product_id.product_name"
            ),
            "odd-letter.csv": (
                "is not UTF-8, from line 1 on: it may be cp1252 (`product_id,product_name,ñ`) or cp1250 "
                "(`product_id,product_name,ń`); export it as UTF-8, or declare which it is for its table: "
                "dialect: {encoding: cp1252}"
            ),
            "page.xls": ("is HTML or XML, which is not read: save it as CSV or .xlsx, or export it as Parquet or JSON"),
            "letter.pdf": "is a PDF, which is not read: save it as CSV or .xlsx, or export it as Parquet or JSON",
            "twice.csv": "has more than one column called product_id",
        }
        assert {name: said.get(f"billing/products/{name}") for name in expected} == expected
        assert said["billing/products/open-header-long.csv"].startswith("is not CSV: its header line cannot be read")
        assert said["billing/products/other.parquet"].startswith("is not a readable Parquet file")
        assert said["crm/leads/leads.csv"] == "lacks created_at; its header is lead_id"
        assert said["billing/products/open-header.csv"].startswith("lacks product_id, product_name; its header is ")
        assert len(said) == len(expected) + 4
        assert product_lines(warehouse) == []
        assert rows_of(warehouse, "select * from raw.load_files") == []

    def test_a_landing_folder_without_a_file_is_an_error_that_tells_what_is_not_read(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file("crm.leeds", "lead_id\n", "a.csv")
        landing.add_file(TABLE, "x", "readme.txt")
        assert refusals(landing, warehouse) == {
            "crm/leeds": "no such table; the nearest is crm/leads",
            "billing/products/readme.txt": "lacks product_id, product_name; its header is x",
        }

    def test_a_missing_landing_folder_is_named(self, tmp_path: Path, warehouse: Path) -> None:
        with pytest.raises(BadInputError, match="nowhere does not exist"):
            load(Landing(tmp_path / "nowhere"), warehouse)

    def test_whatever_is_not_read_stops_the_load_with_the_nearest_name(self, landing: Landing, warehouse: Path) -> None:
        landing.add(TABLE, {})
        landing.add_file("Planning.fx_rate", "x")
        landing.add_file("erp.machines", "x")
        landing.add_file("crm.xyz", "x")
        (landing.folder / "crm" / "leads.csv").write_text("x")
        for name in ("thoughts.csv", "Deals.csv"):
            (landing.folder / name).write_text("x")
        said = refusals(landing, warehouse)
        assert said.pop("erp/machines").startswith("no such table; there are crm/sales_reps, crm/accounts, ")
        assert said == {
            "Planning/fx_rate": "no such table; the nearest is planning/fx_rates",
            "crm/xyz": (
                "no such table; there are crm/sales_reps, crm/accounts, crm/leads, crm/deals, crm/deal_stage_changes, "
                "crm/activities"
            ),
            "crm/leads.csv": "not in a <system>/<table> folder; read would be crm/leads/leads.csv",
            "Deals.csv": "not in a <system>/<table> folder; read would be crm/deals/Deals.csv",
            "thoughts.csv": "not in a <system>/<table> folder; read would be <system>/<table>/thoughts.csv",
        }
        assert rows_of(warehouse, "select * from raw.load_files") == []

    def test_hidden_files_and_markdown_may_lie_anywhere(self, landing: Landing, warehouse: Path) -> None:
        landing.add(TABLE, {})
        for folder in ("", "billing", "billing/products"):
            for name in (".hidden.csv", "about.md", "README.MD"):
                (landing.folder / folder / name).write_text("x")
        report = load(landing, warehouse)
        assert (report.files_seen, report.notes) == (1, [])

    def test_names_that_are_no_plain_text_are_told_as_far_as_they_can_be(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add(TABLE, {}, file="good.csv")
        landing.add(TABLE, {}, file="매출\u3000{2} é.csv")
        landing.add(TABLE, {}, file="line\nbreak.csv")
        landing.add(TABLE, {}, file=b"latin-\xe9.csv".decode("utf-8", errors="surrogateescape"))
        assert refusals(landing, warehouse) == {
            "billing/products/line?break.csv": "its name is not plain text; rename it",
            "billing/products/latin-?.csv": "its name is not plain text; rename it",
        }

    @pytest.mark.parametrize("folder", ["", "billing", "billing/products"])
    def test_a_folder_that_cannot_be_looked_into_is_named(
        self, landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch, folder: str
    ) -> None:
        landing.add(TABLE, {})
        landing.add("crm.leads", {})
        closed, iterdir = landing.folder / folder, Path.iterdir

        def deny(path: Path) -> Any:
            if path == closed:
                raise PermissionError(13, "Permission denied")
            return iterdir(path)

        # permissions do not stop the tests' user where that is root
        monkeypatch.setattr(Path, "iterdir", deny)
        assert refusals(landing, warehouse) == {folder or ".": "cannot be looked into (Permission denied)"}

    def test_a_file_that_cannot_be_opened_is_named(
        self, landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed, opened = landing.add(TABLE, {}), Path.open

        def deny(path: Path, *arguments: Any) -> Any:
            if path == closed:
                raise PermissionError(13, "Permission denied")
            return opened(path, *arguments)

        monkeypatch.setattr(Path, "open", deny)
        assert refusals(landing, warehouse) == {"billing/products/rows.csv": "cannot be opened (Permission denied)"}

    def test_damaged_parquet_files_are_all_named_and_nothing_is_loaded(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n", "c.csv")
        for number, name in enumerate(("a.parquet", "b.parquet")):
            query = f"select 'p' || i as product_id, md5('{number}' || i) as product_name from range(9000) t(i)"
            path = parquet(landing, query, name)
            data = path.read_bytes()
            path.write_bytes(data[:100] + bytes(20_000) + data[20_100:])
        said = refusals(landing, warehouse)
        assert sorted(said) == ["billing/products/a.parquet", "billing/products/b.parquet"]
        assert all(reason.startswith("is not a readable Parquet file") for reason in said.values())
        assert product_lines(warehouse) == []


PARQUET_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut in the middle": lambda data: data[: len(data) // 2],
    "cut before its end": lambda data: data[:-4],
    "nothing but its first bytes": lambda data: data[:4],
    "another footer length": lambda data: data[:-8] + b"\xff\xff\xff\x7f" + data[-4:],
    "footer of zeros": lambda data: data[:-300] + bytes(292) + data[-8:],
    "footer of rubbish": lambda data: data[:-200] + b"\x3c\xa7" * 96 + data[-8:],
    "values of zeros": lambda data: data[:40] + bytes(200) + data[240:],
    "without its end": lambda data: data[:-4] + b"XXXX",
}


class TestFilesBeyondMeasure:
    """A file takes time and memory by its size, or is refused by name."""

    @pytest.mark.parametrize("damage", PARQUET_DAMAGE)
    def test_a_damaged_parquet_file_is_named(self, landing: Landing, warehouse: Path, damage: str) -> None:
        path = parquet(landing, "select 'p' || i as product_id, md5('n' || i) as product_name from range(900) t(i)")
        path.write_bytes(PARQUET_DAMAGE[damage](path.read_bytes()))
        [(name, told)] = refusals(landing, warehouse).items()
        assert name == "billing/products/rows.parquet"
        assert told.startswith("is not a readable Parquet file (")
        assert "\n" not in told

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("select 'p' || i as product_id, repeat('a', 1000000) as product_name from range(400) t(i)",
             "400 rows and 400,001,490 bytes of values in a file of"),
            ("select 'p' as product_id, 'n' as product_name from range(20000000) t(i)", "20,000,000 rows and "),
            ("select 'p' as product_id, repeat('a', 300000000) as product_name", "1 rows and 300,000,061 bytes"),
        ],
        ids=["one value many times", "one row many times", "one long value"],
    )  # fmt: skip
    def test_a_small_parquet_file_that_expands_is_refused_with_its_numbers(
        self, landing: Landing, warehouse: Path, query: str, told: str
    ) -> None:
        path = parquet(landing, query, compression="zstd")
        assert path.stat().st_size < 200_000
        start = time.monotonic()
        assert f"expands beyond measure: {told}" in refusals(landing, warehouse)["billing/products/rows.parquet"]
        assert time.monotonic() - start < 10

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            ("a1,Some name," * 24_000 + "\n",
             "line 2 has 48,000 fields in 312,000 bytes, its header 2: {lost}"),
            ('"a1","Some, name",' * 300,
             "line 2 has 600 fields in 5,400 bytes, its header 2: {lost}"),
            ("a,A\n" + "x" * (1 << 20) + "y\n",
             "line 3 is longer than 1,048,576 bytes: the file has lost its line ends, or one value's quotes; export it "
             "again"),
            ("x,y,z\n" * 120_000,
             "is not CSV: 100,001 of its first 100,002 lines have more fields than its header, "
             "line 100002 3 instead of 2"),
            (("x" + ",y" * 50 + "\n") * 9_000,
             "is not CSV: 6,123 of its first 6,124 lines have more fields than its header, line 6124 51 instead of 2"),
            ("x\n" * 120_000, "is not CSV: at least 120,000 of its 120,001 lines do not fit its header"),
        ],
        ids=["lost line ends", "lost line ends among quotes", "a long line", "surplus", "much surplus", "too few"],
    )  # fmt: skip
    def test_lines_beyond_measure_are_refused_by_name_in_little_time(
        self, landing: Landing, warehouse: Path, content: str, told: str
    ) -> None:
        landing.add_file(TABLE, HEADER + content)
        start = time.monotonic()
        lost = "the file has lost its line ends; export it again"
        assert refusals(landing, warehouse) == {"billing/products/rows.csv": told.format(lost=lost)}
        assert time.monotonic() - start < 10

    def test_a_header_that_lost_its_line_end_is_refused(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, "product_id,product_name," + "a1,Some name," * 24_000)
        assert refusals(landing, warehouse) == {
            "billing/products/rows.csv": (
                "has 48,003 columns in its header line, more than 2,000: it has lost its line ends; export it again"
            )
        }

    def test_many_commas_in_a_quoted_value_are_no_fields(self, landing: Landing, warehouse: Path) -> None:
        value = "1,2,3,\n" * 400 + "4," * 400
        landing.add_file(TABLE, f'{HEADER}a,"{value}"\n"{value}",B\nc,C{"," * 300}\n')
        load(landing, warehouse)
        assert [row[1:] for row in product_lines(warehouse)] == [("a", value), (value, "B"), ("c", "C")]


NAMES = {"cp949": "주식회사 하늘", "cp1252": "Größe", "cp932": "田中商事", "cp1251": "Завод Южный Москва"}


class TestOtherEncodings:
    @pytest.mark.parametrize("encoding", NAMES)
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_a_row_in_another_encoding_is_kept_with_its_letters_lost_and_told(
        self, landing: Landing, warehouse: Path, encoding: str, end: str
    ) -> None:
        first = f"{HEADER}a,A\n\n".replace("\n", end).encode()
        landing.add_file(TABLE, first + f"b,{NAMES[encoding]}{end}".encode(encoding) + f"c,é\ufffd{end}".encode())
        report = load(landing, warehouse)
        lost = NAMES[encoding].encode(encoding).decode(errors="replace")
        assert product_lines(warehouse) == [(2, "a", "A"), (4, "b", lost), (5, "c", "é\ufffd")]
        assert report.notes == [
            f"billing/products/rows.csv: 1 line is not UTF-8 (4); it looks like {encoding}, in which the first reads "
            f"`b,{NAMES[encoding]}`; letters of product_name are lost in 1; export the file as UTF-8 and deliver it "
            "again"
        ]
        assert rows_of(warehouse, "select * from raw.replaced_characters") == [(TABLE, 1, 4, "product_name")]
        assert (report.malformed_lines, malformed_lines(warehouse)) == (0, [])

    def test_an_id_is_never_mended_its_line_is_set_aside_with_its_bytes(
        self, landing: Landing, warehouse: Path
    ) -> None:
        rows = b"order_id,ordered_at,status,account_id,x\n"
        rows += "o1,2025-01-01,paid,a1,é\noß,2025-01-01,paid,,\no3,2025-01-01,paid,aß,\n".encode("cp1252")
        rows += b"".join(f"o{number},2025-01-01,paid,,\n".encode() for number in range(4, 40))
        landing.add_file("billing.orders", rows)
        report = load(landing, warehouse)
        assert malformed_lines(warehouse) == [(3, "o\\xdf,2025-01-01,paid,,"), (4, "o3,2025-01-01,paid,a\\xdf,")]
        assert rows_of(warehouse, "select error from raw.malformed_lines order by line") == [
            ("not utf-8 in order_id",), ("not utf-8 in account_id",),
        ]  # fmt: skip
        assert rows_of(warehouse, "select count(*) from raw.billing__orders") == [(37,)]
        assert report.notes[1].endswith("; 2 are set aside; export the file as UTF-8 and deliver it again")
        # what is lost in a column that nobody reads is no loss
        assert rows_of(warehouse, "select * from raw.replaced_characters") == []

    def test_a_malformed_line_is_shown_with_its_bytes_and_control_characters(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, f"{HEADER}a,A\n".encode() + b"\xb1\xe8,\x01,z\r\n" + b"x\x00\n")
        load(landing, warehouse)
        assert malformed_lines(warehouse) == [(3, "\\xb1\\xe8,\\x01,z"), (4, "x\\x00")]

    def test_a_file_that_is_all_in_another_encoding_is_read_in_it_and_that_is_told(
        self, landing: Landing, warehouse: Path
    ) -> None:
        rows = "".join(f"p{n},주식회사 하늘\n" for n in range(5))
        landing.add_file(TABLE, (HEADER + rows).encode("cp949"))
        landing.add_file(TABLE, "product_id,product_name,größe\r\na,A,\r\n".encode("cp1252"), "header.csv")
        landing.add_file(TABLE, (HEADER + "a,é\n").encode("utf-16-le"), "utf-16.csv")
        report = load(landing, warehouse)
        assert product_lines(warehouse) == [
            (2, "a", "A"), *((n + 2, f"p{n}", "주식회사 하늘") for n in range(5)), (2, "a", "é"),
        ]  # fmt: skip
        assert report.notes == [
            "billing/products/header.csv: unknown columns left out: größe",
            "billing/products/header.csv: is read as cp1252, in which line 1 reads `product_id,product_name,größe`",
            "billing/products/rows.csv: is read as cp949, in which line 2 reads `p0,주식회사 하늘`",
        ]

    def test_what_looks_packed_and_is_not_is_refused(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, b"PK\x03\x04rest", "book.csv")
        landing.add_file(TABLE, b"\x1f\x8brest", "zipped.csv")
        landing.add_file(TABLE, b"\xd0\xcf\x11\xe0rest", "old.csv")
        said = refusals(landing, warehouse)
        assert said["billing/products/book.csv"] == "is not a readable zip archive (File is not a zip file)"
        assert said["billing/products/zipped.csv"].startswith("is not a readable gzip file (")
        assert said["billing/products/old.csv"].startswith("is not a workbook that can be read (")

    def test_control_characters_are_loaded_as_they_came_and_alone_are_a_blank(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, f"{HEADER}a,A\x00\x0bB\n\x00,\x01\n\x1a")
        report = load(landing, warehouse)
        assert product_lines(warehouse) == [(2, "a", "A\x00\x0bB")]
        assert (report.blank_rows, report.malformed_lines) == (2, 0)


class TestFilesThatMove:
    """A file is inspected first and read later; in between it may go or change."""

    @pytest.mark.parametrize("when", ["before it is read", "after it is read"])
    @pytest.mark.parametrize("line", ["b,B", '"b\nb",B'], ids=["plain", "careful"])
    def test_a_file_that_disappears_is_named_and_the_next_load_does_without(
        self, landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch, line: str, when: str
    ) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n", "1.csv")
        gone = landing.add_file(TABLE, f"{HEADER}{line}\n", "2.csv")
        _meddle(monkeypatch, gone, gone.unlink, before=when.startswith("before"))
        said = refusals(landing, warehouse)
        assert said == {"billing/products/2.csv": "disappeared while it was being loaded; run again"}
        monkeypatch.undo()
        load(landing, warehouse, "load-2")
        assert product_lines(warehouse) == [(2, "a", "A")]

    @pytest.mark.parametrize("when", ["before it is read", "after it is read"])
    @pytest.mark.parametrize("key", ["a", "a\nb"], ids=["plain", "careful"])
    def test_a_file_that_changes_is_named_and_nothing_of_it_is_loaded(
        self, landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch, key: str, when: str
    ) -> None:
        path = landing.add_file(TABLE, f'{HEADER}"{key}",A\n')
        change = partial(path.write_text, f'{HEADER}"{key}",B\n')
        _meddle(monkeypatch, path, change, before=when.startswith("before"))
        said = refusals(landing, warehouse)
        assert said == {"billing/products/rows.csv": "changed while it was being loaded; run again when it has settled"}
        assert product_lines(warehouse) == []
        monkeypatch.undo()
        load(landing, warehouse, "load-2")
        assert product_lines(warehouse) == [(2, key, "B")]


def _meddle(monkeypatch: pytest.MonkeyPatch, path: Path, act: Any, *, before: bool) -> None:
    """Do something to a file just before, or just after, the loader reads it."""

    def meddled(read: Callable[..., Any]) -> Callable[..., Any]:
        def read_meddled(connection: Any, source: Path, *rest: Any) -> Any:
            if source != path:
                return read(connection, source, *rest)
            if before:
                act()
            found = read(connection, source, *rest)
            if not before:
                act()
            return found

        return read_meddled

    monkeypatch.setattr("orchestration.load.file_load.insert_plain", meddled(insert_plain))
    monkeypatch.setattr("orchestration.load.kinds.text.scan_csv", meddled(scan_csv))


class TestColumns:
    def test_column_order_is_free_and_missing_optional_columns_are_null(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, "category, product_name ,product_id\nx,A,a\n")
        load(landing, warehouse)
        assert rows_of(
            warehouse, "select product_id, product_name, category, unit_cost from raw.billing__products"
        ) == [("a", "A", "x", None)]

    def test_an_unknown_column_is_reported_once_however_many_files_have_it(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, "product_id,product_name,colour\na,A,red\n", "1.csv")
        landing.add_file(TABLE, "product_id,product_name,size,colour,\nb,B,5,red,\n", "2.csv")
        notes = load(landing, warehouse).notes
        assert notes == [
            "billing/products/1.csv: unknown columns left out: colour",
            "billing/products/2.csv: unknown columns left out: size, (no name)",
        ]
        landing.add_file(TABLE, "product_id,product_name,colour\nc,C,red\n", "3.csv")
        assert load(landing, warehouse, "load-2").notes == []

    @pytest.mark.parametrize(
        ("header", "told"),
        [
            ("Product ID,product_name", "Product ID is read as product_id"),
            ("product_id,product_name, Category ", "Category is read as category"),
            ("product_id,productName,unit-cost", "productName is read as product_name, unit-cost is read as unit_cost"),
            ("\uff30RODUCT\uff3fID,\u202fPRODUCT\u3000NAME", "\uff30RODUCT\uff3fID is read as product_id, "
             "PRODUCT\u3000NAME is read as product_name"),
            ("product_id,próduct_nàme", "próduct_nàme is read as product_name"),
            ("product_id,product_name,colour,Unit cost of it", ""),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_a_column_spelt_otherwise_is_read_and_told_once(
        self, landing: Landing, warehouse: Path, header: str, told: str, kind: str
    ) -> None:
        columns = header.split(",")
        for number in range(2):
            if kind == "csv":
                landing.add_file(TABLE, f"{header}\n" + ",".join(f"{number}" for _ in columns) + "\n", f"{number}.csv")
            else:
                query = "select " + ", ".join(f"'{number}' as \"{name}\"" for name in columns)
                parquet(landing, query, f"{number}.parquet")
        notes = [note for note in load(landing, warehouse).notes if "is read as" in note]
        assert notes == ([f"{TABLE}: 0.{kind}: {told}"] if told else [])
        assert {row[1:] for row in product_lines(warehouse)} == {("0", "0"), ("1", "1")}
        landing.add_file(TABLE, f"{header}\n" + ",".join("9" for _ in columns) + "\n", "9.csv")
        assert load(landing, warehouse, "load-2").notes == []

    def test_of_two_columns_that_may_be_one_the_exact_one_is_read_and_two_alike_are_refused(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, "product_id,product_name,Currency,currency\na,A,USD,EUR\n", "exact.csv")
        assert load(landing, warehouse).notes == ["billing/products/exact.csv: unknown columns left out: Currency"]
        assert rows_of(warehouse, "select currency from raw.billing__products") == [("EUR",)]
        landing.add_file(TABLE, "product_id,product_name,CURRENCY,Currency\na,A,USD,EUR\n", "alike.csv")
        assert refusals(landing, warehouse) == {
            "billing/products/alike.csv": (
                "has more than one column that may be currency: `CURRENCY`, `Currency`; rename one"
            )
        }

    def test_a_column_of_a_name_near_a_required_one_is_named(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, "prod_id,product_name\na,A\n")
        assert refusals(landing, warehouse) == {
            "billing/products/rows.csv": (
                "lacks product_id; `prod_id` may be its product_id; its header is prod_id,product_name"
            )
        }

    def test_a_long_header_is_shown_by_its_beginning(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, ",".join(f"column_{number}" for number in range(90)) + "\n")
        [told] = refusals(landing, warehouse).values()
        assert told.startswith("lacks product_id, product_name; its header is column_0,column_1,")
        assert (told.endswith("..."), len(told) < 300) == (True, True)


class TestOlderWarehouses:
    """A warehouse outlives the contract that it was built by."""

    def test_a_column_new_in_the_contract_is_filled_in_from_files_loaded_before_that_still_lie_there(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n", "1.csv")
        landing.add_file(TABLE, "product_id,product_name,category\nb,B,x\n", "2.csv")
        gone = landing.add_file(TABLE, "product_id,product_name,Category,Unit Cost\nc,C,x,4\n", "3.csv")
        load(landing, warehouse)
        with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
            for column in ("category", "unit_cost"):
                connection.execute(f"alter table raw.billing__products drop column {column}")
            connection.execute(
                "update raw.load_files set header = '', unknown_columns = "
                "if(file_id = 2, 'colour, category', 'Category, Unit Cost') where file_id > 1"
            )
        gone.unlink()
        landing.add_file(TABLE, "product_id,product_name,category,unit_cost\nd,D,y,5\n", "4.csv")
        report = load(landing, warehouse, "load-2")
        assert rows_of(
            warehouse, "select product_id, category, unit_cost from raw.billing__products order by product_id"
        ) == [("a", None, None), ("b", "x", None), ("c", None, None), ("d", "y", "5")]
        missing = (
            "billing.products: 3.csv had {} when it was not read yet, and its values are not here: "
            "deliver the files under other names, or build into an empty warehouse"
        )
        assert report.notes == [
            "billing.products: category is read by now, and filled in from 1 file loaded before",
            missing.format("category"),
            missing.format("unit_cost"),
        ]
        assert load(landing, warehouse, "load-3").notes == []

    def test_it_is_filled_in_by_the_next_load_where_the_disk_was_full_at_this_one(
        self, landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        landing.add_file(TABLE, "product_id,product_name,category\nb,B,x\n", "1.csv")
        load(landing, warehouse)
        with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
            connection.execute("alter table raw.billing__products drop column category")
            connection.execute("update raw.load_files set header = '', unknown_columns = 'category'")

        def full(_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(evolution, "numbered_records", full)
            with pytest.raises(OSError, match="No space left"):
                load(landing, warehouse, "load-2")
        load(landing, warehouse, "load-3")
        assert rows_of(warehouse, "select product_id, category from raw.billing__products") == [("b", "x")]

    def test_the_record_of_files_known_by_their_content_is_carried_over(
        self, landing: Landing, warehouse: Path
    ) -> None:
        landing.add_file(TABLE, HEADER + "a,A\n", "m.csv")
        load(landing, warehouse)
        columns = (
            "file_id, system_table, file_name, sha256, size_bytes, row_count, malformed_line_count, unknown_columns, "
            "load_id, loaded_at"
        )
        before = rows_of(warehouse, f"select {columns} from raw.load_files")
        with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
            connection.execute(f"""
                create table older as select {columns} from raw.load_files;
                drop table raw.load_files;
                create table raw.load_files (
                    file_id bigint primary key, system_table varchar not null, file_name varchar not null,
                    sha256 varchar not null, size_bytes bigint not null, row_count bigint not null,
                    malformed_line_count bigint not null, unknown_columns varchar not null, load_id varchar not null,
                    loaded_at timestamp not null, unique (system_table, sha256)
                );
                insert into raw.load_files from older;
                drop table older;
            """)
        landing.add_file(TABLE, HEADER + "a,A\n", "z.csv")
        report = load(landing, warehouse, "load-2")
        assert (report.files_known, report.files_loaded) == (1, 1)
        assert rows_of(warehouse, f"select {columns} from raw.load_files order by file_id limit 1") == before
        assert rows_of(warehouse, "select file_name, blank_rows from raw.load_files order by file_id") == [
            ("m.csv", 0),
            ("z.csv", 0),
        ]


@dataclass(frozen=True)
class Lines:
    """A file's text, and the line of each record that must come out of it, and of each malformed line."""

    text: str
    records: dict[int, tuple[str, str]]
    malformed: dict[int, str]
    blank: int


def lines(
    text: str, records: dict[int, tuple[str, str]], malformed: dict[int, str] | None = None, blank: int = 0
) -> Lines:
    return Lines(text, records, malformed or {}, blank)


AB = {2: ("a", "A"), 3: ("b", "B")}
# Written with \n; each is also tried with other line ends and a byte-order mark.
LINE_CASES = {
    "plain": lines(f"{HEADER}a,A\nb,B\n", AB),
    "no newline at the end": lines(f"{HEADER}a,A\nb,B", AB),
    "header only": lines(HEADER, {}),
    "header only, no newline": lines(HEADER.strip(), {}),
    "quoted header": lines('"product_id","product_name"\na,A\nb,B\n', AB),
    "blank lines before the header": lines(f"\n\n{HEADER}a,A\n", {4: ("a", "A")}),
    "separators and blanks alone": lines(
        f'{HEADER}a,A\n,\n , \u3000\n"",\n" \t","\u00a0"\nb,B\n,"\n"\n', {2: ("a", "A"), 7: ("b", "B")}, blank=5
    ),
    "separators and blanks in another number": lines(
        f'{HEADER},,,\na,A\n\t\n"" \n" ",,\n', {3: ("a", "A")}, blank=4
    ),
    "no values but a quote": lines(f'{HEADER}a,A\n,"\nb,B\n', {2: ("a", "A"), 4: ("b", "B")}, {3: ',"'}),
    "blank lines between": lines(f"{HEADER}\na,A\n\n\nb,B\n\n", {3: ("a", "A"), 6: ("b", "B")}, blank=4),
    "header over two lines": lines(
        'product_id,product_name,"a\nb"\na,A,\n\nb,B,\n', {3: ("a", "A"), 5: ("b", "B")}, blank=1
    ),
    "newline in quotes": lines(f'{HEADER}a,"A\nA"\nb,B\n', {2: ("a", "A\nA"), 4: ("b", "B")}),
    "blank lines in quotes": lines(f'{HEADER}a,"\n\n"\nb,B\n', {2: ("a", "\n\n"), 5: ("b", "B")}),
    "blank lines in and after quotes": lines(
        f'{HEADER}\na,"A\n\n"\n\n"\n",B\n', {3: ("a", "A\n\n"), 7: ("\n", "B")}, blank=2
    ),
    "quotes in quotes": lines(f'{HEADER}a,"say ""hi"""\n"""",b\n', {2: ("a", 'say "hi"'), 3: ('"', "b")}),
    "too few fields": lines(f"{HEADER}a,A\nx\nb,B\n", {2: ("a", "A"), 4: ("b", "B")}, {3: "x"}),
    "too many fields": lines(f"{HEADER}a,A\nx,y,z\nb,B\n", {2: ("a", "A"), 4: ("b", "B")}, {3: "x,y,z"}),
    "surplus fields that are empty hold no data and are let pass": lines(
        f'{HEADER}a,A,\nx,y,,z\nb,B,,""\n', {2: ("a", "A"), 4: ("b", "B")}, {3: "x,y,,z"}
    ),
    "spaces alone": lines(f"{HEADER}a,A\n  \nb,B\n", {2: ("a", "A"), 4: ("b", "B")}, blank=1),
    "malformed first": lines(f"{HEADER}x\na,A\n", {3: ("a", "A")}, {2: "x"}),
    "malformed last, no newline": lines(f"{HEADER}a,A\nx", {2: ("a", "A")}, {3: "x"}),
    "malformed alone": lines(f"{HEADER}x\ny\n", {}, {2: "x", 3: "y"}),
    "malformed over three lines": lines(
        f'{HEADER}a,A\n"x\n\ny"\nb,B\n', {2: ("a", "A"), 6: ("b", "B")}, {3: '"x\n\ny"'}
    ),
    "malformed after blank lines and newlines in quotes": lines(
        f'{HEADER}\na,"A\n\n"\n\nx\nb,B\n', {3: ("a", "A\n\n"), 8: ("b", "B")}, {7: "x"}, blank=2
    ),
    "malformed after a header over two lines": lines(
        'product_id,product_name,"a\nb"\nx\na,A,\n', {4: ("a", "A")}, {3: "x"}
    ),
    "an open quote in the middle": lines(
        f'{HEADER}a,A\nx,"y\nb,B\nc,C\n', {2: ("a", "A"), 4: ("b", "B"), 5: ("c", "C")}, {3: 'x,"y'}
    ),
    "an open quote before quoted values": lines(
        f'{HEADER}x,"y\n"a","A, A"\nb,B\n', {3: ("a", "A, A"), 4: ("b", "B")}, {2: 'x,"y'}
    ),
    "open quotes before values over lines": lines(
        f'{HEADER}x,"y\na,A\nb,"B\n\nB"\nz,"w\nc,C\nd,"D, D\n"\n',
        {3: ("a", "A"), 4: ("b", "B\n\nB"), 8: ("c", "C"), 9: ("d", "D, D\n")},
        {2: 'x,"y', 7: 'z,"w'},
    ),
    "an open quote at the end": lines(f'{HEADER}a,A\nx,"y\n', {2: ("a", "A")}, {3: 'x,"y'}),
    "an open quote at the end, no newline": lines(f'{HEADER}a,A\nx,"y', {2: ("a", "A")}, {3: 'x,"y'}),
    "open quotes that pair across lines": lines(
        f'{HEADER}x,"y\na,A\nz,"w\nb,B\n', {3: ("a", "A"), 5: ("b", "B")}, {2: 'x,"y', 4: 'z,"w'}
    ),
    "open quote in the first value": lines(f'{HEADER}"x,y\na,A\n', {3: ("a", "A")}, {2: '"x,y'}),
    "stray quotes after an open one": lines(
        f'{HEADER}"x,y\n"c","d "z" e"\na,A\n', {4: ("a", "A")}, {2: '"x,y', 3: '"c","d "z" e"'}
    ),
    "text after a closing quote": lines(f'{HEADER}a,"x"y\nb,B\n', {3: ("b", "B")}, {2: 'a,"x"y'}),
    "an open quote and blank lines": lines(f'{HEADER}x,"y\n\na,A\n\n', {4: ("a", "A")}, {2: 'x,"y'}, blank=2),
}  # fmt: skip
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
# Case, line end and mark of each file that they make; by content, for one content is one file.
VARIANTS = {
    mark + case.text.replace("\n", end): (name, end_name, "BOM" if mark else "no BOM")
    for name, case in LINE_CASES.items()
    for end_name, end in reversed(LINE_ENDS.items())
    for mark in ("", "\ufeff")
}


def file_name(variant: tuple[str, str, str]) -> str:
    return "-".join(variant).replace(" ", "_").replace(",", "") + ".csv"


@pytest.fixture(scope="module")
def variants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The build file after one load of all variants."""
    folder = tmp_path_factory.mktemp("lines")
    landing = Landing(folder / "landing")
    for text, variant in VARIANTS.items():
        landing.add_file(TABLE, text, file_name(variant))
    assert load(landing, folder / "warehouse").files_loaded == len(VARIANTS)
    with open_build(folder / "warehouse") as connection:
        yield connection


class TestLineNumbers:
    @pytest.mark.parametrize("variant", VARIANTS.values(), ids="-".join)
    def test_every_record_and_malformed_line_has_its_own_line(
        self, variants: duckdb.DuckDBPyConnection, variant: tuple[str, str, str]
    ) -> None:
        name, end, _ = variant
        [(file_id, read, blank)] = rows_of(
            variants,
            "select file_id, row_count + malformed_line_count, blank_rows from raw.load_files where file_name = ?",
            file_name(variant),
        )
        records = rows_of(
            variants, "select _line, product_id, product_name from raw.billing__products where _file_id = ?", file_id
        )
        malformed = rows_of(variants, "select line, line_text from raw.malformed_lines where file_id = ?", file_id)
        # A file of CR alone is read as if its lines ended with LF, so that is what its values hold.
        inside = "\n" if end == "CR" else LINE_ENDS[end]
        expected = LINE_CASES[name]
        assert {line: (key, value) for line, key, value in records} == {
            line: (key.replace("\n", inside), value.replace("\n", inside))
            for line, (key, value) in expected.records.items()
        }
        assert dict(malformed) == {line: text.replace("\n", inside) for line, text in expected.malformed.items()}
        assert read == len(expected.records) + len(expected.malformed)
        assert blank == expected.blank

    @pytest.mark.parametrize(
        "text",
        [
            "product_id,product_name\r\na,A\nb,B\r\nc,C\n",
            "product_id,product_name\na,A\r\nb,B\nc,C\r\n",
            "product_id,product_name\ra,A\nb,B\nc,C\n",
            "product_id,product_name\r\na,A\rb,B\r\nc,C\r",
            "product_id,product_name\na,A\nb,B\nc,C\r",
        ],
    )
    def test_mixed_line_ends(self, landing: Landing, warehouse: Path, text: str) -> None:
        landing.add_file(TABLE, text)
        load(landing, warehouse)
        assert product_lines(warehouse) == [(2, "a", "A"), (3, "b", "B"), (4, "c", "C")]

    def test_a_lone_carriage_return_in_a_value_is_no_line_end(self, landing: Landing, warehouse: Path) -> None:
        landing.add_file(TABLE, f'{HEADER}a,"x\ry"\nb,B\n')
        load(landing, warehouse)
        assert product_lines(warehouse) == [(2, "a", "x\ry"), (3, "b", "B")]

    def test_long_values_and_ten_thousand_characters_come_whole(self, landing: Landing, warehouse: Path) -> None:
        long = "x" * 10_000
        many_lines = "y,\n" * 20_000
        landing.add_file(TABLE, f'{HEADER}a,{long}\nb,"{many_lines}"\nc,C\n')
        load(landing, warehouse)
        assert product_lines(warehouse) == [(2, "a", long), (3, "b", many_lines), (20_004, "c", "C")]

    def test_a_large_file_keeps_its_lines_and_time_where_every_second_line_is_blank_or_malformed(
        self, landing: Landing, warehouse: Path
    ) -> None:
        count = 60_000
        landing.add_file(TABLE, HEADER + "".join(f"p{n},P\n\n" for n in range(count)), "blank.csv")
        landing.add_file(TABLE, HEADER + "".join(f"p{n},P\nx{n}\n" for n in range(count)), "malformed.csv")
        start = time.monotonic()
        load(landing, warehouse)
        assert time.monotonic() - start < 20
        wrong = rows_of(
            warehouse,
            "select count(*) filter (where _line <> 2 + 2 * substring(product_id, 2)::bigint), count(*) "
            "from raw.billing__products",
        )
        assert wrong == [(0, 2 * count)]
        assert rows_of(
            warehouse,
            "select count(*) from raw.malformed_lines where line = 3 + 2 * substring(line_text, 2)::bigint",
        ) == [(count,)]

    def test_a_file_larger_than_the_readers_chunks_keeps_its_lines(self, landing: Landing, warehouse: Path) -> None:
        """The reader shares a file out among threads, which must agree on what is quoted and where lines start."""
        text, expected, line = io.StringIO(), {}, 2
        text.write(HEADER)
        for number in range(60_000):
            if number % 9_000 == 17:
                text.write(f"bad {number}\n")
                line += 1
            value = f"{number}, {'quoted' * 50}" + "\nand more" * (number % 3)
            text.write(f'p{number},"{value}"\n')
            expected[f"p{number}"] = line
            line += 1 + number % 3
        landing.add_file(TABLE, text.getvalue())
        assert len(text.getvalue()) > 18_000_000
        report = load(landing, warehouse)
        assert report.malformed_lines == 7
        assert dict(rows_of(warehouse, "select product_id, _line from raw.billing__products")) == expected


# No NUL and no lone surrogates: neither can stand in a UTF-8 text file. \r is left to the cases above.
VALUES = st.text(
    st.one_of(st.sampled_from('a,"\n ;\u00a0한é\U0001f600'), st.characters(codec="utf-8", exclude_characters="\0\r")),
    max_size=6,
)
RECORDS = st.tuples(VALUES, VALUES, VALUES)
MALFORMED_LINES = st.sampled_from(["x", "x,y", "x,y,z,w", ",,,x", '"x"', '"x,y",z', " "])
ENTRIES = st.lists(st.one_of(RECORDS, RECORDS, RECORDS, MALFORMED_LINES, st.just("")), max_size=12)


class TestAnyTable:
    @settings(max_examples=120)
    @given(entries=ENTRIES, newline=st.sampled_from(["\n", "\r\n"]), mark=st.booleans(), ends=st.booleans())
    def test_any_records_among_malformed_and_blank_lines_come_back_exactly_each_with_its_line(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        entries: list[tuple[str, str, str] | str],
        newline: str,
        mark: bool,
        ends: bool,
    ) -> None:
        text = "product_id,product_name,category" + newline
        records, malformed, blank = [], [], 0
        for entry in entries:
            line = text.count("\n") + 1
            text += csv_text([entry], newline) if isinstance(entry, tuple) else entry + newline
            if not "".join(entry).strip(BLANKS):
                blank += 1
            elif isinstance(entry, tuple):
                records.append((line, *entry))
            else:
                malformed.append((line, entry))
        if not ends:
            text = text.removesuffix(newline)
            blank -= entries[-1:] == [""]
        folder = tmp_path_factory.mktemp("any")
        landing = Landing(folder / "landing")
        landing.add_file(TABLE, ("\ufeff" if mark else "") + text)
        connection = duckdb.connect()
        report = loader.load(connection, landing.folder, "load-1")
        values = ", ".join(f"coalesce({name}, '')" for name in ("product_id", "product_name", "category"))
        assert connection.execute(f"select _line, {values} from raw.billing__products order by _line").fetchall() == (
            records
        )
        assert connection.execute(MALFORMED).fetchall() == malformed
        assert report.rows_loaded == {TABLE: len(records)}
        assert (report.malformed_lines, report.blank_rows) == (len(malformed), blank)

    @settings(max_examples=50)
    @given(
        rows=st.lists(st.tuples(*[st.text("abc, ;é\n", max_size=5)] * 2), max_size=10),
        opens=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(['x,"y', '"x,y', '"x","y', 'x,"y z'])), max_size=4),
    )
    def test_open_quotes_cost_just_their_own_lines(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        rows: list[tuple[str, str]],
        opens: list[tuple[int, str]],
    ) -> None:
        # Keys keep a line from being blank, and from continuing an open quote as if it were meant.
        entries = [csv_text([(f"k{number}", *row)]).rstrip("\n") for number, row in enumerate(rows)]
        kept = dict(enumerate(rows))
        for position, line in opens:
            entries.insert(min(position, len(entries)), line + ',"open')
        landing = Landing(tmp_path_factory.mktemp("open") / "landing")
        landing.add_file(TABLE, "product_id,product_name,category\n" + "".join(f"{entry}\n" for entry in entries))
        connection = duckdb.connect()
        report = loader.load(connection, landing.folder, "load-1")
        found = connection.execute(
            "select product_id, coalesce(product_name, ''), coalesce(category, '') from raw.billing__products "
            "order by _line"
        ).fetchall()
        assert found == [(f"k{number}", *row) for number, row in kept.items()]
        assert report.malformed_lines == len(opens)


def parquet(
    landing: Landing, query: str, file: str = "rows.parquet", table: str = TABLE, compression: str = "snappy"
) -> Path:
    path = landing.add_file(table, b"", file)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'Asia/Tokyo'")
        connection.execute(f"copy ({query}) to '{path}' (format parquet, compression {compression})")
    return path


class TestParquet:
    def test_typed_columns_come_as_the_text_that_a_csv_would_hold(self, landing: Landing, warehouse: Path) -> None:
        parquet(
            landing,
            """
            select
                'D1' as deal_id, 'renewal'::enum('renewal', 'upsell') as deal_type, 'closed_won' as stage,
                12.50::decimal(10, 2) as amount, 0.25::double as probability, true as lost_reason,
                timestamp '2026-01-02 03:04:05.678' as created_at, date '2026-01-03' as expected_close_on,
                timestamptz '2026-01-04 05:06:07+09:00' as closed_at, 42 as owner_rep_id, null::integer as account_id,
                '\u00e9\U0001f600, "x"' as deal_name
            """,
            table="crm.deals",
        )
        load(landing, warehouse)
        columns = (
            "deal_id", "deal_type", "stage", "amount", "probability", "lost_reason", "created_at",
            "expected_close_on", "closed_at", "owner_rep_id", "account_id", "deal_name",
        )  # fmt: skip
        assert rows_of(warehouse, f"select {', '.join(columns)} from raw.crm__deals") == [
            (
                "D1", "renewal", "closed_won", "12.50", "0.25", "true", "2026-01-02 03:04:05.678",
                "2026-01-03", "2026-01-03 20:06:07+00", "42", None, 'é\U0001f600, "x"',
            )
        ]  # fmt: skip

    def test_parquet_loads_to_the_same_text_as_csv_and_counts_rows_as_lines(
        self, landing: Landing, warehouse: Path
    ) -> None:
        query = "select 'p' || i as product_id, 'n, ' || i as product_name, i % 2 as category from range(3000) t(i)"
        parquet(landing, query)
        with duckdb.connect() as connection:
            path = landing.add_file(TABLE, "", "rows.csv")
            connection.execute(f"copy ({query}) to '{path}' (format csv, header)")
        load(landing, warehouse)
        texts = "select product_id, product_name, category, _line - {shift} from raw.billing__products where _file = ?"
        from_csv = rows_of(warehouse, texts.format(shift=1) + " order by all", "rows.csv")
        assert len(from_csv) == 3000
        assert rows_of(warehouse, texts.format(shift=0) + " order by all", "rows.parquet") == from_csv

    def test_rows_without_any_value_are_skipped_and_counted(self, landing: Landing, warehouse: Path) -> None:
        parquet(
            landing,
            "select * from (values (null, null, null), ('a', 'A', 1), (' ', '\u3000', null), (null, null, 0)) "
            "as t (product_id, product_name, unit_cost)",
        )
        report = load(landing, warehouse)
        assert product_lines(warehouse) == [(2, "a", "A"), (4, None, None)]
        assert report.blank_rows == 2
        assert rows_of(warehouse, "select row_count, blank_rows from raw.load_files") == [(2, 2)]

    def test_the_content_decides_what_a_file_is_not_its_name(self, landing: Landing, warehouse: Path) -> None:
        parquet(landing, "select 'a' as product_id, 'A' as product_name", "really-parquet.csv")
        landing.add_file(TABLE, HEADER + "b,B\n", "really-csv.parquet")
        landing.add_file(TABLE, HEADER + "c,C\n", "UPPER.CSV")
        parquet(landing, "select 'd' as product_id, 'D' as product_name", "UPPER.PARQUET")
        report = load(landing, warehouse)
        assert report.files_loaded == 4
        assert {row[1:] for row in product_lines(warehouse)} == {("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")}

    def test_a_parquet_file_without_a_starred_column_is_refused_and_odd_column_names_are_not(
        self, landing: Landing, warehouse: Path
    ) -> None:
        parquet(landing, 'select 1 as product_id, 2 as product_name, 3 as "odd ""name"', "odd.parquet")
        report: LoadReport = load(landing, warehouse)
        assert report.notes == ['billing/products/odd.parquet: unknown columns left out: odd "name']
        parquet(landing, "select 1 as product_id", "short.parquet")
        assert refusals(landing, warehouse) == {
            "billing/products/short.parquet": "lacks product_name; its header is product_id"
        }


def test_a_blank_is_what_staging_takes_off_the_ends_of_a_text() -> None:
    macros = (PROJECT_ROOT / "macros" / "engine.sql").read_text(encoding="utf-8")
    [in_sql] = re.findall(r"macro white_space\(\) -%}\s*{{ return\('(.*?)'\) }}", macros)
    assert in_sql.encode().decode("unicode_escape") == WHITE_SPACE
    [taken_out] = re.findall(r"macro duckdb__printable\(expression\) -%}\s*regexp_replace\(.*?, '(.*?)\+'", macros)
    pattern = re.sub(r"x\{(....)\}", r"u\1", taken_out)
    assert "".join(char for char in map(chr, range(0x10FFFF)) if re.match(pattern, char)) == NOT_PRINTABLE


def test_the_csv_written_by_the_test_helper_is_read_back_by_the_standard_library() -> None:
    records = [["a", 'b"c'], ["d\ne", "f,g"]]
    assert list(csv.reader(io.StringIO(csv_text(records), newline=""))) == records
