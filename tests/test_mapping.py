"""`kpi map` and `kpi doctor` on ten files as people have them: what is proposed, written, and read of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestration.mapping.formats import date_format, month_of, number_format
from orchestration.mapping.known import known_tables
from orchestration.mapping.proposal import Proposal, propose, rank_tables
from orchestration.mapping.sample_rows import FileSample, read_sample
from orchestration.mapping.writing import before_and_after
from tests.support.builds import rows_of
from tests.support.command import Ended, kpi
from tests.support.exports import write_exports

# Of each file the table, and for each column of it that the file has the contract's own (None: none).
EXPECTED: dict[str, tuple[str, dict[str, str | None]]] = {
    "european_deals": ("crm.deals", {
        "Nr": None, "Bezeichnung": None, "Account Name": "account_id", "Deal Owner": "owner_rep_id", "Stage": "stage",
        "Deal Amount": "amount", "Created": "created_at", "Close Date": "closed_at", "Probability (%)": "probability",
    }),
    "korean_orders": ("billing.orders", {
        "주문번호": "order_id", "고객번호": "account_id", "주문일": "ordered_at", "결제상태": "status",
        "통화": "currency", "담당자": "rep_id",
    }),
    "hubspot-crm-exports-all-deals-2025-11-20": ("crm.deals", {
        "Record ID": "deal_id", "Deal Name": "deal_name", "Deal Stage": "stage", "Pipeline": None, "Amount": "amount",
        "Close Date": "closed_at", "Create Date": "created_at", "Deal owner": "owner_rep_id",
        "Associated Company IDs": "account_id",
    }),
    "salesforce report1732": ("crm.deals", {
        "Opportunity ID": "deal_id", "Opportunity Name": "deal_name", "Stage": "stage", "Amount": "amount",
        "Amount Currency": "currency", "Close Date": "closed_at", "Created Date": "created_at",
        "Opportunity Owner": "owner_rep_id", "Account Name": "account_id", "Type": "deal_type",
        "Probability (%)": "probability",
    }),
    "pipedrive_deals": ("crm.deals", {
        "Deal - ID": "deal_id", "Deal - Title": "deal_name", "Deal - Value": "amount", "Deal - Currency": "currency",
        "Deal - Stage": "stage", "Deal - Owner": "owner_rep_id", "Deal - Organization": "account_id",
        "Deal - Deal created": "created_at", "Deal - Won time": "closed_at", "Deal - Lost reason": "lost_reason",
    }),
    "shopify_orders_export_lines": ("billing.order_items", {
        "Name": "order_id", "Email": None, "Financial Status": None, "Created at": None,
        "Lineitem quantity": "quantity", "Lineitem name": None, "Lineitem price": "unit_price",
        "Lineitem discount": "discount_amount", "Lineitem sku": "product_id", "Line ID": "order_item_id",
    }),
    "unified_payments": ("billing.orders", {
        "id": "order_id", "Created date (UTC)": "ordered_at", "Amount": None, "Amount Refunded": None,
        "Currency": "currency", "Captured": None, "Status": "status", "Description": None,
        "Customer ID": "account_id", "Customer Email": None,
    }),
    "ads": ("marketing.ad_spend", {
        "Reporting starts": "spend_on", "Platform": "channel", "Campaign name": "campaign", "Amount spent": "amount",
        "Impr.": "impressions", "Link clicks": "clicks",
    }),
    "zendesk_tickets": ("support.inquiries", {
        "Id": "inquiry_id", "Status": None, "Via": "channel", "Created at": "received_at", "Solved at": "resolved_at",
        "Requester": None, "Assignee": "rep_id", "Organization": "account_id",
    }),
    "quotas": ("planning.sales_quotas", {
        "Sales rep": "rep_id", "Jan 2025": "quota_month", "Feb 2025": None, "Mar 2025": None, "Comment": None,
    }),
}  # fmt: skip
# A file of lines with their order beside them may be either: this one is said to be the lines.
SAID = {"shopify_orders_export_lines": "billing.order_items"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_exports(tmp_path_factory.mktemp("exports"))


def proposal_of(name: str, file: Path) -> tuple[FileSample, Proposal]:
    tables = {known.table.label: known for known in known_tables()}
    sample = read_sample(file, [known.probe() for known in known_tables()])
    known = tables[SAID[name]] if name in SAID else rank_tables(sample, known_tables(), file.stem)[0][1]
    return sample, propose(sample, known)


@pytest.mark.parametrize("name", EXPECTED)
def test_every_column_is_proposed_for_what_it_is(files: dict[str, Path], name: str) -> None:
    label, expected = EXPECTED[name]
    sample, proposal = proposal_of(name, files[name])
    assert proposal.known.table.label == label
    proposed: dict[str, str | None] = dict.fromkeys(sample.columns)
    for one in reversed(proposal.columns):
        if one.source is not None and one.column.name != "expected_close_on":
            proposed[one.source] = one.column.name
    assert proposed == expected


@pytest.mark.parametrize(
    ("values", "written", "also"),
    [
        (["2025-03-05", "2025-03-05 10:00"], "iso", None),
        (["3/5/2025", "12/13/2025"], "M/D/YYYY", None),
        (["13/12/2025", "3/4/2025 10:00"], "D/M/YYYY", None),
        (["03/04/2025"], "D/M/YYYY", "M/D/YYYY"),
        (["03.04.2025"], "D.M.YYYY", None),
        (["2025. 3. 5."], "YYYY. M. D.", None),
        (["2025년 3월 5일"], "YYYY년 M월 D일", None),
        (["1736000000"], "epoch", None),
        (["1736000000000"], "epoch", None),
        (["5/13/25"], "M/D/YY", None),
        (["yesterday"], None, None),
        (["32/13/2025"], None, None),
    ],
)
def test_dates_are_told_from_their_values(values: list[str], written: str | None, also: str | None) -> None:
    found = date_format(values)
    assert (found.written if found else None, found.also if found else None) == (written, also)


@pytest.mark.parametrize(
    ("values", "decimal", "is_ambiguous"),
    [
        (["1234.5"], ".", False),
        (["1.234,50"], ",", False),
        (["1,234.50", "1,234"], ".", False),
        (["12,5"], ",", False),
        (["1.234"], ",", True),
        (["1,234", "12,000"], ".", True),
        (["1,234,000"], ".", False),
        (["1 234,50"], ",", False),
        (["$1,234.50"], ".", False),
        (["65 %"], ".", False),
    ],
)
def test_numbers_are_told_from_their_values(values: list[str], decimal: str, *, is_ambiguous: bool) -> None:
    found = number_format(values)
    assert found is not None
    assert (found.decimal, found.is_ambiguous) == (decimal, is_ambiguous)


@pytest.mark.parametrize("text", ["2025-03", "03/2025", "Mar 2025", "March 2025", "Mar-25", "2025년 3월", "2025-03-01"])
def test_months_are_known_in_every_way_they_are_written(text: str) -> None:
    assert str(month_of(text)) == "2025-03-01"


@dataclass(frozen=True)
class Mapped:
    """A company whose ten files were mapped, landed as they are and built."""

    folder: Path
    said: dict[str, Ended]
    build: Ended

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"


@pytest.fixture(scope="module")
def mapped(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Mapped:
    folder = tmp_path_factory.mktemp("mapped") / "company"
    kpi("init", folder, "--currency", "USD").check()
    said: dict[str, Ended] = {}
    for name, file in files.items():
        # two systems at most have a table of deals each: one a file
        system = re.sub("[^a-z]", "", name.lower())
        to = ("--to", SAID[name]) if name in SAID else ()
        said[name] = kpi("map", file, "--company", folder, "--system", system, *to)
        [source] = (folder / "sources" / system).glob("_*.yml")
        landing = folder / "landing" / system / source.stem.removeprefix(f"_{system}__")
        landing.mkdir(parents=True)
        (landing / file.name).write_bytes(file.read_bytes())
    build = kpi("build", "--company", folder, "--as-of", "2025-12-31", "--var", "quarantine_threshold=1")
    return Mapped(folder, said, build)


@pytest.mark.slow
class TestTenFiles:
    """The written sources, built."""

    def test_all_are_written_and_built(self, mapped: Mapped) -> None:
        assert {name: ended.exit_code for name, ended in mapped.said.items()} == dict.fromkeys(EXPECTED, 0)
        assert mapped.build.exit_code == 0, mapped.build.text

    @pytest.mark.parametrize("name", EXPECTED)
    def test_the_sql_reads_what_the_preview_shows(self, mapped: Mapped, files: dict[str, Path], name: str) -> None:
        sample, proposal = proposal_of(name, files[name])
        table = proposal.known.table
        system = re.sub("[^a-z]", "", name.lower())
        model = f"sources.{system}__{table.name}"
        for one in proposal.columns:
            shown = {after for _, after in before_and_after(one, sample)}
            if not shown or one.reason == "a column a month":
                continue
            read = {value for (value,) in rows_of(mapped.warehouse, f"select {one.column.name} from {model}")}
            if one.number:
                assert {float(after) for after in shown} <= {float(value) for value in read if value}, one.column.name
            elif one.date:
                # an instant is shown as it is written, and read with its zone
                assert {after[:10] for after in shown} <= {value[:10] for value in read if value}, one.column.name
            else:
                assert shown <= read, one.column.name

    def test_the_totals_and_the_confidential_lines_of_a_report_are_no_rows(self, mapped: Mapped) -> None:
        assert rows_of(
            mapped.warehouse,
            "select count(*), sum(amount)::varchar from staging.base_crm__deals where _source_table like 'salesforce%' "
            "and _row_status = 'current'",
        ) == [(2, "13595.500000")]
        assert rows_of(mapped.warehouse, "select sum(amount)::double from staging.stg_planning__sales_quotas") == [
            (56000.5,)
        ]

    def test_a_deal_without_an_id_is_set_aside_by_name(self, mapped: Mapped) -> None:
        told = kpi("quarantine", "--company", mapped.folder, "--table", "crm.deals").text
        assert "europeandeals/european_deals/european_deals.csv:2 missing_deal_id" in told
        assert "Müller GmbH" in told
        assert "nothing is read as deal_id, which every row must have" in mapped.said["european_deals"].text

    def test_again_changes_nothing_that_was_edited(self, mapped: Mapped, files: dict[str, Path]) -> None:
        folder = mapped.folder / "sources" / "ads"
        [sql] = folder.glob("*.sql")
        edited = sql.read_text(encoding="utf-8") + "-- mine\n"
        sql.write_text(edited, encoding="utf-8")
        before = {path: path.read_bytes() for path in folder.iterdir()}
        told = kpi("map", files["ads"], "--company", mapped.folder, "--system", "ads").check().text
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
        assert f"kept as it is: {sql}" in told

    def test_the_doctor_says_what_is_read_and_what_is_lacking(self, mapped: Mapped) -> None:
        told = kpi("doctor", "--company", mapped.folder).check().text
        assert "koreanorders.korean_orders -> billing.orders: koreanorders/korean_orders/korean_orders.csv" in told
        assert "metrics can be computed" in told
        assert "crm.deal_stage_changes (deal_id, stage, changed_at)" in told


def test_the_doctor_names_values_that_can_be_read_two_ways(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    (landing / "crm" / "deals").mkdir(parents=True)
    (landing / "crm" / "deals" / "d.csv").write_text(
        "deal_id;deal_type;Stage;amount;created_at\n1;new_business;Sold;1.234,50;03/04/2025\n", encoding="utf-8"
    )
    (landing / "crm" / "whatever").mkdir()
    (landing / "crm" / "whatever" / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    ended = kpi("doctor", landing)
    assert ended.exit_code == 3
    for line in (
        "d.csv: reads Stage as stage",
        "stage has `Sold`, which are none of closed_lost, closed_won",
        "amount is written `1.234,50`: if that is a decimal comma, set decimal_comma_in",
        "created_at is written D/M/YYYY, or M/D/YYYY (`03/04/2025`)",
        "not read: crm/whatever: no such table",
    ):
        assert line in ended.text


def test_a_file_that_may_be_anything_is_asked_about(tmp_path: Path) -> None:
    kpi("init", tmp_path / "company").check()
    file = tmp_path / "notes.csv"
    file.write_text("colour,shape\nred,round\n", encoding="utf-8")
    ended = kpi("map", file, "--company", tmp_path / "company")
    assert (ended.exit_code, "say which with --to" in ended.text) == (2, True)
    assert kpi("map", tmp_path / "nowhere.csv", "--company", tmp_path / "company").exit_code == 3
    assert kpi("map", file, "--to", "crm.nothing", "--company", tmp_path / "company").exit_code == 2


def test_what_a_file_says_is_no_template(tmp_path: Path) -> None:
    """Names and values of a file get into SQL and YAML that dbt renders."""
    kpi("init", tmp_path / "company").check()
    file = tmp_path / "deals {{ 1 + x }}.csv"
    file.write_text(
        "Deal ID,Deal Name,Deal Stage,Amount,Create Date,{{ x }}\n"
        '1,a,"{{ 1/0 }}\' or {% if %}",10,2025-01-01,{{ x }}\n2,b,won,5,2025-01-02,y\n',
        encoding="utf-8",
    )
    kpi("map", file, "--company", tmp_path / "company").check()
    written = [path.read_text(encoding="utf-8") for path in (tmp_path / "company" / "sources" / "own").iterdir()]
    for text in written:
        outside = re.sub(r"\{\{ (source_rows|value_of|instant|naive_timezone|text_type|day_of)\(.*\}\}", "", text)
        assert "{{" not in outside and "{%" not in outside
