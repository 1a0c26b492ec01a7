"""A plain text, read in one pass, comes out as it does when it is read carefully, line by line."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.core.contract import source_tables
from orchestration.core.errors import BadInputError
from orchestration.load import file_load
from orchestration.load.kinds import text
from orchestration.load.plain_lines import PlainText, plain_text
from orchestration.load.touched import Touched, days_of_load, keys_of_load
from tests.support.builds import load, open_build, rows_of
from tests.support.landing import Landing

TABLE = "billing.products"
HEADER = "product_id,product_name,category\n"
# A text below the header, and whether it is read in one pass.
CASES = {
    "plain": ("a,A,x\nb,B,y\n", True),
    "no last line end": ("a,A,x\nb,B,y", True),
    "no records": ("", True),
    "quoted values": ('a,"A, ""b""",x\n"b",B,y\n', True),
    "letters beyond ASCII": ("a,제품,é\n\u00a0,B,\n", True),
    "blank lines": ("\na,A,x\n\n \nb,B,y\n\n", True),
    "records of nothing": ("a,A,x\n,,\nb,B,y\n,,", True),
    "malformed lines": ("a\na,A,x\nb,B,y,z\nc,C,z\n", True),
    "malformed lines with quotes": ('"a,b",A\na,A,x\n"b,c",B,y,z\nc,C,z\n', False),
    "open quotes": ('a,"A,x\nb,B,y\nc,"C,z\nd,D,w\n', True),
    "many open quotes": ("".join(f'a{n},"A,x\nb{n},B,y\n' for n in range(40)), True),
    "an open quote and a quoted value": ('a,"A,x\nb,"B, b",y\nc,C,z\n', False),
    "a value that goes on": ('a,"A\nB",x\nb,B,y\n', False),
    "an open quote that a later one closes": ('a,"A,x\nb,B,y\nc,C","z\n', False),
    "an open quote and an empty value": ('a,"A,x\nb,"",y\nc,C,z\n', False),
    "quotes within a value": ('a,A "b" c,x\nb,5",y\nc,C,z\n', False),
    "letters after a quoted value": ('a,"A"b,x\nb,B,y\n', False),
    "blanks in a record of nothing": ("a,A,x\n ,,\nb,B,y\n", False),
    "empty values beyond the header's": ("a,A,x,\nb,B,y,,\nc,C,z\n", True),
    "a value after an empty one beyond the header's": ("a,A,x,,w\nb,B,y\n", True),
    "a carriage return within a line": ("a,A\rb,x\nb,B,y\n", False),
    "zeros": ("a,A\x00,x\n\x00,\x01,\nb,B,y\n", False),
}  # fmt: skip


def landed(folder: Path, content: bytes) -> dict[str, Any]:
    """What a load makes of a file: rows, malformed lines, the file's entry, the report's notes, or what is refused."""
    landing = Landing(folder / "landing")
    landing.add_file(TABLE, content)
    try:
        report = load(landing, folder)
    except BadInputError as error:
        return {"refused": error.details}
    return {
        "rows": rows_of(folder, "select * from raw.billing__products order by _line"),
        "malformed": rows_of(folder, "select * from raw.malformed_lines order by line"),
        "file": rows_of(folder, "select * exclude (loaded_at) from raw.load_files"),
        "notes": report.notes,
        "counts": (report.rows_loaded, report.malformed_lines, report.blank_rows),
    }


def both_ways(folder: Path, content: bytes) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """What comes of a file by the way that the loader takes, and when it is read carefully; whether these differ."""
    careful: list[Path] = []
    with pytest.MonkeyPatch.context() as patch:
        load_carefully = file_load._load_carefully

        def noted(connection: Any, task: Any) -> Any:
            careful.append(task.new.piece.file.path)
            return load_carefully(connection, task)

        patch.setattr(file_load, "_load_carefully", noted)
        found = landed(folder / "as it is", content)
        in_one_pass = not careful
        patch.setattr(text, "plain_text", lambda *_: None)
        return found, landed(folder / "carefully", content), in_one_pass


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("case", CASES)
def test_a_file_comes_out_as_when_it_is_read_carefully(tmp_path: Path, case: str, end: str) -> None:
    content, is_plain = CASES[case]
    found, carefully, in_one_pass = both_ways(tmp_path, (HEADER + content).replace("\n", end).encode())
    assert found == carefully
    assert in_one_pass == is_plain


LINES = st.lists(
    st.lists(st.sampled_from(["a", "Bb", "5", "", " ", '"', '"x, y"', '""', '"é"', "제", "\x00", "\t"]), max_size=5)
    .map(",".join),
    max_size=12,
)  # fmt: skip


@given(lines=LINES, end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_file_comes_out_as_when_it_is_read_carefully(lines: list[str], end: str, last: bool) -> None:
    content = end.join([HEADER.strip(), *lines]) + (end if last else "")
    with tempfile.TemporaryDirectory() as folder:
        found, carefully, _ = both_ways(Path(folder), content.encode())
    assert found == carefully


def test_lines_keep_their_numbers_however_large_the_files(tmp_path: Path) -> None:
    """Each record has the number of its line as its value; every 1000th line is none."""
    landing, lines = Landing(tmp_path / "landing"), 300_000
    for number in range(3):
        body = "".join(
            f"p{line},only\n" if line % 1000 == 0 else f'{line},"file {number}",x\n' for line in range(2, lines)
        )
        landing.add_file(TABLE, HEADER + body, f"{number}.csv")
    report = load(landing, tmp_path)
    bad = len(range(1000, lines, 1000))
    assert report.malformed_lines == 3 * bad
    assert rows_of(
        tmp_path,
        "select _file_id, count(*), count(distinct _line), bool_and(product_id = cast(_line as varchar)), "
        "bool_and(product_name = 'file ' || (_file_id - 1)) from raw.billing__products group by 1 order by 1",
    ) == [(number, lines - 2 - bad, lines - 2 - bad, True, True) for number in (1, 2, 3)]
    assert rows_of(tmp_path, "select count(*) from raw.malformed_lines where line_text <> 'p' || line || ',only'") == [
        (0,)
    ]


def test_a_file_that_is_not_what_it_seemed_leaves_those_beside_it_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are loaded in one transaction, which its failure ends."""
    landing = Landing(tmp_path / "landing")
    for name in ("a", "b", "c"):
        landing.add_file(TABLE, f"{HEADER}{name},{name},x\n", f"{name}.csv")

    def mistaken(path: Path, *rest: Any) -> PlainText | None:
        found = plain_text(path, *rest)
        assert found is not None
        return replace(found, records=2) if path.name == "b.csv" else found

    monkeypatch.setattr(text, "plain_text", mistaken)
    assert load(landing, tmp_path).rows_loaded == {TABLE: 3}
    assert rows_of(tmp_path, "select _file, _line, product_id from raw.billing__products order by 1") == [
        ("a.csv", 2, "a"), ("b.csv", 2, "b"), ("c.csv", 2, "c"),
    ]  # fmt: skip
    assert rows_of(tmp_path, "select file_name, row_count from raw.load_files order by 1") == [
        ("a.csv", 1), ("b.csv", 1), ("c.csv", 1),
    ]  # fmt: skip


def test_the_report_says_which_days_a_load_touched(tmp_path: Path) -> None:
    orders = next(table for table in source_tables() if table.label == "billing.orders")
    landing = Landing(tmp_path / "landing")
    landing.add("billing.orders", {"ordered_at": "2025-12-30"})
    assert load(landing, tmp_path).touched == {"billing.orders": Touched(1, None, None)}
    landing.add("billing.orders", {"ordered_at": "2026-01-05T10:00:00Z"}, {"ordered_at": "soon"}, file="more.csv")
    landing.add("billing.orders", {"ordered_at": "2026-01-02"}, file="last.csv")
    first, last = date(2026, 1, 2), date(2026, 1, 5)
    assert load(landing, tmp_path, "load-2").touched == {"billing.orders": Touched(3, first, last)}
    with open_build(tmp_path) as connection:
        assert connection.execute(keys_of_load(orders), {"load_id": "load-1"}).fetchall() == [("order-1",)]
        assert len(connection.execute(keys_of_load(orders), {"load_id": "load-2"}).fetchall()) == 3
        days = connection.execute(str(days_of_load(orders)), {"load_id": "load-2"}).fetchall()
    assert {(day, count) for column, day, count in days if column == "ordered_at"} == {(first, 1), (last, 1), (None, 1)}
