"""Rows as CSV, JSON and Markdown: every digit, every null, and text that holds the format's own signs."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest

from orchestration.show.export import Format, written

COLUMNS = ["period_start", "label", "value", "target", "is_complete"]
ROWS = [
    {"period_start": date(2026, 1, 1), "label": 'a, "b" | c\nd', "value": Decimal("123456789012.4567"),
     "target": None, "is_complete": True},
    {"period_start": date(2026, 2, 1), "label": "영업", "value": Decimal("0.0000"), "target": 0.1,
     "is_complete": False},
]  # fmt: skip


def test_csv_can_be_read_back() -> None:
    read = list(csv.reader(io.StringIO(written(COLUMNS, ROWS, Format.csv))))
    assert read == [
        COLUMNS,
        ["2026-01-01", 'a, "b" | c\nd', "123456789012.4567", "", "true"],
        ["2026-02-01", "영업", "0.0000", "0.1", "false"],
    ]


def test_json_has_numbers_and_nulls() -> None:
    read = json.loads(written(COLUMNS, ROWS, Format.json), parse_float=Decimal)
    assert read[0] == {
        "period_start": "2026-01-01", "label": 'a, "b" | c\nd', "value": Decimal("123456789012.4567"),
        "target": None, "is_complete": True,
    }  # fmt: skip
    assert "영업" in written(COLUMNS, ROWS, Format.json)


def test_markdown_is_a_table_whatever_the_text_holds() -> None:
    lines = written(COLUMNS, ROWS, Format.markdown).splitlines()
    assert lines[1] == "| --- | --- | ---: | ---: | --- |"
    assert lines[2] == '| 2026-01-01 | a, "b" \\| c d | 123456789012.4567 |  | true |'
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("format_", "expected"),
    [(Format.csv, "a,b\n"), (Format.json, "[]\n"), (Format.markdown, "| a | b |\n| --- | --- |\n")],
)
def test_no_rows_keep_the_header(format_: Format, expected: str) -> None:
    assert written(["a", "b"], [], format_) == expected


def test_csv_holds_no_formula_and_negative_numbers_stay_numbers() -> None:
    labels = ["=1+1", "+1", "-1", "@x", "\tx", "plain - text"]
    rows = [{"label": label, "value": Decimal("-1.5")} for label in labels]
    read = list(csv.reader(io.StringIO(written(["label", "value"], rows, Format.csv))))
    assert [line[0] for line in read[1:]] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "plain - text"]
    assert {line[1] for line in read[1:]} == {"-1.5"}
