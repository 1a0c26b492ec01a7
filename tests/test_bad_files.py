"""The `kpi` command on bad input: exit codes, messages of a line or two, and published files that stay as they were."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from orchestration.core.errors import BadInputError
from orchestration.load.encoding import NOT_PRINTABLE
from orchestration.load.plain_csv import insert_plain
from tests.support.builds import build, rows_of
from tests.support.command import Ended, contents, kpi, last_run
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

AS_OF = ("--as-of", "2026-06-30")


@dataclass(frozen=True)
class Company:
    """A small company with some dirt, built once with a threshold that lets it pass."""

    landing: Landing
    warehouse: Path
    first_build: Ended

    def copy_warehouse(self, to: Path) -> Path:
        shutil.copytree(self.warehouse, to, symlinks=True)
        return to


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company")
    landing, warehouse = Landing(folder / "landing"), folder / "warehouse"
    landing.add_parents()
    landing.add("billing.order_items", {"order_id": "O1", "unit_price": "125"})
    landing.add("billing.refunds", {"order_id": "O-nowhere", "refund_id": "[bold]R9[/] :smile:"})
    landing.add_file(
        "crm.accounts",
        b"colour,created_at,account_name,account_id,shape\nred,2026-01-01,Acme,A2,round\nred,,,A3,round\n"
        + "blue,2026-01-01,Größe,A4,round\n".encode("latin-1")
        + b'blue,2026-01-01,"open,A5,round\nblue,2026-01-01,Last,A6,round\n',
        "export.csv",
    )
    landing.add_file("crm.leads", "lead_id,created_at\n", "header-only.csv")
    ended = kpi(
        "build", "--landing", landing.folder, "--warehouse", warehouse, *AS_OF, "--var", "quarantine_threshold=1"
    )
    return Company(landing, warehouse, ended)


class TestWhatIsKept:
    def test_dirt_within_the_threshold_is_set_aside_and_the_rest_published(self, company: Company) -> None:
        assert company.first_build.exit_code == 0, company.first_build.err
        run = last_run(company.warehouse)
        assert run["exit_code"] == 0
        books = {table: {name: count for name, count in book.items() if count} for table, book in run["tables"].items()}
        assert books["crm.accounts"] == {"read": 6, "current": 4, "quarantined": 2}
        assert books["billing.refunds"] == {"read": 1, "quarantined": 1}
        assert [(gate["gate"], gate["passed"]) for gate in run["gates"]] == [
            ("after_load", True), ("after_staging", True), ("after_facts", True), ("after_kpi", True),
        ]  # fmt: skip
        assert (company.warehouse / "marts.duckdb").exists()

    def test_reordered_columns_are_read_and_unknown_ones_left_out_and_reported_once(self, company: Company) -> None:
        assert rows_of(
            company.warehouse, "select account_id, account_name from staging.stg_crm__accounts order by 1"
        ) == [("A1", "Account 1"), ("A2", "Acme"), ("A4", "Gr\ufffd\ufffde"), ("A6", "Last")]
        note = "crm/accounts/export.csv: unknown columns left out: colour, shape"
        assert company.first_build.out.count(note) == 1
        assert last_run(company.warehouse)["notes"].count(note) == 1
        assert rows_of(
            company.warehouse, "select table_name from duckdb_columns() where column_name in ('colour', 'shape')"
        ) == []  # fmt: skip

    def test_a_line_in_another_encoding_is_kept_and_told(self, company: Company) -> None:
        [note] = [note for note in last_run(company.warehouse)["notes"] if "UTF-8" in note]
        assert note == (
            "crm/accounts/export.csv: 1 line is not UTF-8 (4); it looks like cp1252, in which the first reads "
            "`blue,2026-01-01,Größe,A4,round`; letters of account_name are lost in 1; "
            "export the file as UTF-8 and deliver it again"
        )
        assert note in " ".join(company.first_build.out.split())
        assert {"table": "crm.accounts", "finding": "replaced_characters", "rows": 1} in [
            {name: entry[name] for name in ("table", "finding", "rows")}
            for entry in last_run(company.warehouse)["findings"]
        ]

    def test_quarantine_lists_table_file_line_reasons_and_text_as_it_came(self, company: Company) -> None:
        ended = kpi("quarantine", "--warehouse", company.warehouse)
        assert ended.exit_code == 0
        lines = ended.out.splitlines()
        assert lines[0] == "3 rows quarantined:"
        assert lines[1] == "billing.refunds rows.csv:2 unknown_order"
        assert '"refund_id":"[bold]R9[/] :smile:"' in lines[2]
        assert lines[3] == "crm.accounts export.csv:3 missing_account_name, missing_created_at"
        assert lines[5:] == [
            "crm.accounts export.csv:5 malformed_line",
            '    blue,2026-01-01,"open,A5,round',
        ]

    def test_quarantine_of_one_table_or_a_few_rows(self, company: Company) -> None:
        one_table = kpi("quarantine", "--warehouse", company.warehouse, "--table", "billing.refunds").out
        assert one_table.splitlines()[0] == "1 rows quarantined:"
        assert "crm.accounts" not in one_table
        assert kpi("quarantine", "--warehouse", company.warehouse, "--limit", "1").out.splitlines()[0] == (
            "3 rows quarantined, the first 1:"
        )
        clean = kpi("quarantine", "--warehouse", company.warehouse, "--table", "crm.deals")
        assert (clean.exit_code, clean.out.strip()) == (0, "nothing is quarantined in crm.deals")


class TestControlCharacters:
    """What a terminal or an old system leaves in texts: PostgreSQL, workbooks and XML cannot hold it."""

    @staticmethod
    def _soil(file: Path) -> None:
        """Put control characters into every value of a file, its ids and dates included, and a malformed line below."""
        header, *rows = (line.split(",") for line in file.read_text(encoding="utf-8").splitlines())
        soiled = [[value and f"\x01{value[:1]}\x00\x1b{value[1:]}\x7f\ufffe" for value in row] for row in rows]
        lines = [[*header, "od\x01d"], *([*row, "x"] for row in soiled), ["bad\x00\x01line"]]
        file.write_text("".join(",".join(line) + "\n" for line in lines), encoding="utf-8")

    def test_they_go_from_every_value_and_reach_nothing_that_is_published(self, tmp_path: Path) -> None:
        landing, warehouse = Landing(tmp_path / "landing"), tmp_path / "warehouse"
        landing.add_parents()
        landing.add("billing.order_items", {"order_id": "O1", "unit_price": "125"})
        landing.add("billing.subscription_changes", {"unit_amount": "10"})
        landing.add(
            "crm.deals", {"deal_id": "D2", "owner_rep_id": "R1", "stage": "closed_won", "closed_at": "2026-02-03"}
        )
        landing.add("marketing.ad_spend", {})
        for file in landing.folder.rglob("*.csv"):
            self._soil(file)
        ended = kpi(
            "build", "--landing", landing.folder, "--warehouse", warehouse, *AS_OF, "--var", "quarantine_threshold=1"
        )
        assert ended.exit_code == 0, ended.err
        for table, book in last_run(warehouse)["tables"].items():
            if book["read"]:
                # the malformed line of each of its files
                assert book["current"] == book["read"] - book["quarantined"] > 0, table
        assert rows_of(warehouse, "select rep_id, rep_name from staging.stg_crm__sales_reps") == [("R1", "Rep 1")]
        with duckdb.connect(str(warehouse / "marts.duckdb"), read_only=True) as connection:
            texts = connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns() "
                "where data_type = 'VARCHAR' and not internal"
            ).fetchall()
            assert len(texts) > 100
            for schema, table, column in texts:
                values = connection.execute(f'select distinct "{column}" from "{schema}"."{table}"').fetchall()
                held = {value for (value,) in values if value and set(value) & set(NOT_PRINTABLE)}
                assert not held, f"{schema}.{table}.{column}"
        closed = kpi("close", "2026-05", "--warehouse", warehouse)
        assert closed.exit_code == 0, closed.err
        [workbook] = (warehouse / "finance").rglob("*.xlsx")
        assert openpyxl.load_workbook(workbook).sheetnames


class TestTheGate:
    def test_too_many_bad_rows_close_it_and_what_was_published_stays_byte_for_byte(
        self, company: Company, tmp_path: Path
    ) -> None:
        warehouse = company.copy_warehouse(tmp_path / "warehouse")
        before = contents(warehouse)
        assert len(before) > 2
        folder = tmp_path / "landing"
        shutil.copytree(company.landing.folder, folder)
        Landing(folder).add_file("crm.leads", "lead_id,created_at,colour\nL-last,2026-01-01,red\n", "odd.csv")
        ended = kpi("build", "--landing", folder, "--warehouse", warehouse, *AS_OF)
        assert ended.exit_code == 4
        # what the load noted is told, and once, though the build ended before its summary
        note = "note: crm/leads/odd.csv: unknown columns left out: colour"
        assert ended.out.splitlines().count(note) == 1
        assert contents(warehouse) == before
        told = ended.err.splitlines()
        assert told[0] == (
            "kpi: the gate after staging closed: billing.refunds: "
            "expect_column_values_to_be_between(quarantined_share): "
            "observed 1, limit at most 0.01 (setting quarantine_threshold) "
            "(1 of 1 rows quarantined: unknown_order 1: 'O-nowhere' rows.csv:2)"
        )
        assert "2 of 6 rows quarantined: malformed_line 1" in told[1]
        assert "missing_account_name 1: export.csv:3. missing_created_at 1: export.csv:3" in told[1]
        run = last_run(warehouse)
        assert run["exit_code"] == 4
        assert run["published"] is None
        assert run["error"] in told[0]
        assert [(gate["gate"], gate["passed"]) for gate in run["gates"]] == [
            ("after_load", True), ("after_staging", False),
        ]  # fmt: skip
        assert "facts" not in run["seconds"]
        assert Path(run["gates"][-1]["data_docs"]).is_file()
        assert run["tables"]["crm.accounts"]["quarantined"] == 2
        status = kpi("status", "--warehouse", warehouse).out
        assert "failed with exit 4: the gate after staging closed" in status


BAD_FILES = {
    "empty.csv": (b"", "is empty: it has no header line"),
    "dots.csv": (
        b"deal_id.deal_type.stage.amount.created_at\nD1.renewal.proposal.1.2026-01-01\n",
        "lacks deal_id, deal_type, stage, amount, created_at",
    ),
    "no-amount.csv": (b"deal_id,deal_type,stage,created_at\nD1,renewal,proposal,2026-01-01\n", "lacks amount"),
    "not-a-table.csv": (b"PK\x03\x04\x00\x00\x00\x00", "is not a readable zip archive"),
    "not.parquet": (b"PAR1PAR1", "is not a readable Parquet file"),
}


class TestFilesThatCannotBeLoaded:
    def test_all_are_named_with_what_they_lack_and_nothing_is_loaded_or_published(
        self, company: Company, tmp_path: Path
    ) -> None:
        landing = Landing(tmp_path / "landing")
        landing.add("crm.accounts", {})
        for name, (content, _) in BAD_FILES.items():
            landing.add_file("crm.deals", content, name)
        before, files = contents(company.warehouse), rows_of(company.warehouse, "select count(*) from raw.load_files")
        ended = kpi("build", "--landing", landing.folder, "--warehouse", company.warehouse, *AS_OF)
        assert ended.exit_code == 3
        assert ended.complaint == "kpi: 5 landing files cannot be loaded; nothing was loaded or published"
        told = {line.strip().split(": ")[0]: line for line in ended.err.splitlines()[1:]}
        assert len(told) == 5
        for name, (_, reason) in BAD_FILES.items():
            assert reason in told[f"crm/deals/{name}"]
        assert contents(company.warehouse) == before
        assert rows_of(company.warehouse, "select count(*) from raw.load_files") == files
        run = last_run(company.warehouse)
        assert (run["exit_code"], len(run["error_details"])) == (3, 5)

    @pytest.mark.parametrize("holds", ["nothing", "an unknown folder"])
    def test_a_landing_folder_without_any_file_is_bad_input(self, tmp_path: Path, holds: str) -> None:
        landing = Landing(tmp_path / "landing")
        landing.folder.mkdir()
        if holds == "an unknown folder":
            landing.add_file("crm.deels", "deal_id\n")
        ended = kpi("build", "--landing", landing.folder, "--warehouse", tmp_path / "warehouse")
        assert ended.exit_code == 3
        assert "nothing to load" in ended.complaint
        assert ("crm/deels: no such table" in ended.err) == (holds == "an unknown folder")
        assert last_run(tmp_path / "warehouse")["exit_code"] == 3

    def test_a_landing_folder_that_does_not_exist_is_bad_input(self, tmp_path: Path) -> None:
        ended = kpi("build", "--landing", tmp_path / "nowhere", "--warehouse", tmp_path / "warehouse")
        assert (ended.exit_code, ended.complaint) == (
            3,
            f"kpi: landing folder {tmp_path / 'nowhere'} does not exist: create it, or name another with --landing",
        )

    @pytest.mark.parametrize(
        ("happening", "told"),
        [
            ("disappears", "crm/deals/rows.csv: disappeared while it was being loaded; run again"),
            ("changes", "crm/deals/rows.csv: changed while it was being loaded; run again when it has settled"),
        ],
    )
    def test_a_file_that_goes_or_changes_while_it_is_loaded_stops_the_build(
        self, landing: Landing, warehouse: Path, monkeypatch: pytest.MonkeyPatch, happening: str, told: str
    ) -> None:
        path = landing.add("crm.deals", {})

        def insert_then_meddle(*arguments: Any) -> Any:
            found = insert_plain(*arguments)
            if happening == "disappears":
                path.unlink()
            else:
                path.write_text(path.read_text() + "more\n")
            return found

        monkeypatch.setattr("orchestration.load.file_load.insert_plain", insert_then_meddle)
        with pytest.raises(BadInputError) as raised:
            build(landing, warehouse)
        assert str(raised.value) == "1 landing file cannot be loaded; nothing was published"
        assert raised.value.details == [told]
        run = last_run(warehouse)
        assert (run["exit_code"], run["error_details"]) == (3, [told])
        assert rows_of(warehouse, "select count(*) from raw.crm__deals") == [(0,)]


class TestBadUsage:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["build", "--var", "quarantine_threshold"], "write it as NAME=VALUE"),
            (["build", "--var", "=1"], "write it as NAME=VALUE"),
            (["build", "--var", "colour=red"], "there is no setting colour"),
            (["build", "--var", "quarantine_threshold=2"], "quarantine_threshold=2"),
            (["build", "--var", "fiscal_year_start_month=13"], "fiscal_year_start_month=13"),
            (["build", "--var", "revenue_basis=hope"], "revenue_basis=hope"),
            (["build", "--var", "reporting_currency=EURO"], "reporting_currency=EURO"),
            (["build", "--var", "business_timezone=Mars/Olympus"], "is not an IANA time zone"),
            (["build", "--var", "as_of_date=2026-02-30"], "as_of_date=2026-02-30"),
            (["build", "--as-of", "30/06/2026"], "--as-of 30/06/2026: write the date as YYYY-MM-DD"),
            (["build", "--as-of", "2026-02-29"], "--as-of 2026-02-29: write the date as YYYY-MM-DD"),
            (["build", "--speed", "fast"], "No such option"),
            (["quarantine", "--table", "crm.deels"], "--table crm.deels: tables are crm.sales_reps"),
            (["rebuild"], "No such command"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_it_ends_with_2_and_says_what_is_wrong(self, tmp_path: Path, arguments: list[str], told: str) -> None:
        folders = ["--warehouse", str(tmp_path / "warehouse")] if arguments[0] != "rebuild" else []
        ended = kpi(*arguments, *folders)
        assert ended.exit_code == 2
        assert told in " ".join(ended.err.split())
        assert not (tmp_path / "warehouse").exists()

    def test_a_bad_setting_in_the_environment_is_named_like_a_flag(self, tmp_path: Path) -> None:
        ended = kpi("build", "--warehouse", tmp_path / "warehouse", KPI_BUSINESS_TIMEZONE="Mars/Olympus")
        assert ended.exit_code == 2
        assert "setting business_timezone=Mars/Olympus: is not an IANA time zone" in ended.complaint

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["show", "revenu"], "there is no metric revenu: did you mean"),
            (["show", "revenue", "--grain", "day"], "--grain day: grains are week, month, quarter, year"),
            (["show", "revenue", "--by", "colour"], "revenue has no cut colour"),
            (
                ["show", "revenue", "--by", "team", "--by", "region"],
                "--by team --by region: a mart has one cut at a time",
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_show_knows_its_metrics_grains_and_cuts(self, company: Company, arguments: list[str], told: str) -> None:
        ended = kpi(*arguments, "--warehouse", company.warehouse)
        assert (ended.exit_code, told in ended.complaint) == (2, True), ended.err

    @pytest.mark.parametrize("command", [["show", "revenue"], ["quarantine"]], ids=" ".join)
    def test_reading_before_the_first_build_says_to_build(self, tmp_path: Path, command: list[str]) -> None:
        ended = kpi(*command, "--warehouse", tmp_path / "warehouse")
        assert ended.exit_code == 2
        assert "run `kpi build` first" in ended.complaint

    def test_a_warehouse_that_cannot_be_a_folder_is_told_in_a_line(self, landing: Landing, tmp_path: Path) -> None:
        landing.add("crm.deals", {})
        (tmp_path / "taken").write_text("a file")
        ended = kpi("build", "--landing", landing.folder, "--warehouse", tmp_path / "taken")
        assert ended.exit_code == 5
        assert "taken cannot be written" in ended.complaint
