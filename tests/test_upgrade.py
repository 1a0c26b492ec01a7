"""A warehouse that the first version of this project loaded is taken on by this one."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.core.contract import PROJECT_ROOT, source_tables
from tests.support.builds import build, load, open_build, rows_of
from tests.support.landing import Landing

UPGRADE = PROJECT_ROOT / "tests" / "upgrade"
NOTES = [
    "crm.accounts: owner_rep_id is read by now, and filled in from 1 file loaded before",
    "billing.refunds: tax_amount is read by now, and filled in from 1 file loaded before",
    "planning.sales_quotas: months is read by now, and filled in from 1 file loaded before",
]


@pytest.fixture
def older(landing: Landing, warehouse: Path) -> Landing:
    """The files that the first version loaded; `warehouse` is as it left it."""
    shutil.copytree(UPGRADE / "landing", landing.folder, dirs_exist_ok=True)
    warehouse.mkdir()
    with duckdb.connect(str(warehouse / "build.duckdb")) as connection:
        connection.execute((UPGRADE / "first_version.sql").read_text(encoding="utf-8"))
    return landing


def test_what_the_first_version_loaded_is_what_this_one_would_load(
    older: Landing, warehouse: Path, tmp_path: Path
) -> None:
    report = load(older, warehouse, "load-2")
    assert (report.files_loaded, report.files_known, report.notes) == (0, 7, NOTES)
    assert load(older, warehouse, "load-3").notes == []
    load(older, tmp_path / "fresh")
    with open_build(warehouse) as upgraded, open_build(tmp_path / "fresh") as fresh:
        for table in source_tables():
            query = f"select _file, _line, {', '.join(table.column_names)} from raw.{table.raw_name} order by all"
            assert rows_of(upgraded, query) == rows_of(fresh, query), table.label
        query = "select system_table, file_name, sha256, row_count, unknown_columns from raw.load_files order by all"
        assert rows_of(upgraded, query) == rows_of(fresh, query)


def test_files_that_are_gone_leave_their_new_columns_empty_and_that_is_told(older: Landing, warehouse: Path) -> None:
    (older.folder / "billing" / "refunds" / "refunds.csv").unlink()
    report = load(older, warehouse, "load-2")
    assert report.notes == [
        NOTES[0],
        "billing.refunds: refunds.csv had tax_amount when it was not read yet, and its values are not here: "
        "deliver the files under other names, or build into an empty warehouse",
        NOTES[2],
    ]
    assert rows_of(warehouse, "select refund_id, tax_amount from raw.billing__refunds") == [("F1", None)]


@pytest.mark.slow
def test_the_warehouse_is_built_from_it(older: Landing, warehouse: Path) -> None:
    record = build(older, warehouse, quarantine_threshold=1)
    assert record.exit_code == 0
    assert [note for note in record.notes if "filled in" in note] == NOTES
    # a quota of three months, and a refund of which a part is tax
    quotas = "select quota_month::date::varchar, quota_amount::integer from facts.fct_sales_quotas order by 1"
    assert rows_of(warehouse, quotas) == [("2025-01-01", 100), ("2025-02-01", 100), ("2025-03-01", 100)]
