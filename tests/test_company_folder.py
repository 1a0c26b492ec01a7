"""A company's folder: its settings, its own reference data and source systems; the project stays untouched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.core.catalog import metrics
from orchestration.core.company import COMPANY_VARIABLE, company_folder, seed_rows
from orchestration.core.contract import PROJECT_ROOT
from orchestration.core.errors import UsageError
from orchestration.core.settings import load_settings
from tests.support.builds import rows_of
from tests.support.command import kpi
from tests.support.landing import Landing

SHOP = """\
version: 2
sources:
  - name: shop
    schema: raw
    tables:
      - name: sales
        identifier: shop__sales
        config: {meta: {key_note: none}}
        columns:
          - {name: receipt, config: {meta: {key: true, required: true, aliases: [Receipt No]}}}
          - {name: sold_on}
          - {name: is_test}
models:
  - name: shop__orders
    config: {meta: {rows_of: [sales]}}
    columns:
      - {name: _file_id, data_type: bigint}
      - {name: _line, data_type: bigint}
      - {name: _part, data_type: integer}
      - {name: _left_out, data_type: varchar}
      - {name: order_id, data_type: varchar, config: {meta: {from: Receipt No}}}
      - {name: ordered_at, data_type: varchar, config: {meta: {from: sold_on}}}
      - {name: status, data_type: varchar}
"""
SHOP_ORDERS = """\
with

sales as (
    {{ source_rows('shop', 'sales') }}
)

select
    _file_id,
    _line,
    1 as _part,
    case when {{ is_set('is_test') }} then 'test' end as _left_out,
    {{ system_key('shop', 'receipt') }} as order_id,
    {{ instant_by('sold_on', 'D.M.YYYY') }} as ordered_at,
    'paid' as status
from sales
"""


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # a build in this process tells dbt where its warehouse is
    monkeypatch.delenv("KPI_WAREHOUSE", raising=False)
    folder = tmp_path / "acme"
    kpi("init", folder, "--name", 'A: "B"', "--currency", "EUR", "--timezone", "Europe/Berlin").check()
    monkeypatch.setenv(COMPANY_VARIABLE, str(folder))
    return folder


class TestSettings:
    def test_init_writes_what_it_was_told(self, company: Path) -> None:
        settings = load_settings({})
        assert (settings.company, settings.reporting_currency, settings.business_timezone) == (
            'A: "B"', "EUR", "Europe/Berlin",
        )  # fmt: skip
        assert (settings.landing, settings.warehouse) == (company / "landing", company / "warehouse")

    def test_init_writes_over_nothing(self, company: Path) -> None:
        before = (company / "kpi.yml").read_bytes()
        assert kpi("init", company).exit_code == 2
        assert (company / "kpi.yml").read_bytes() == before
        assert kpi("init", company.parent / "other", "--timezone", "Mars/Olympus").exit_code == 2
        assert not (company.parent / "other").exists()

    def test_flags_come_before_the_environment_before_the_file(
        self, company: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (company / "kpi.yml").write_text(
            "velocity_days: 10\ncac_lag_days: 10\nrenewal_gap_days: 10\n", encoding="utf-8"
        )
        monkeypatch.setenv("KPI_CAC_LAG_DAYS", "20")
        monkeypatch.setenv("KPI_RENEWAL_GAP_DAYS", "20")
        settings = load_settings({"renewal_gap_days": 30})
        assert (settings.velocity_days, settings.cac_lag_days, settings.renewal_gap_days) == (10, 20, 30)

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("reporting_curency: EUR\n", "there is no setting reporting_curency"),
            ("velocity_days: many\n", "setting velocity_days=many"),
            ("- a\n", "is no list of settings"),
            ("a: [\n", "cannot be read"),
        ],
    )
    def test_what_is_wrong_in_the_file_is_said_with_the_file(self, company: Path, text: str, complaint: str) -> None:
        (company / "kpi.yml").write_text(text, encoding="utf-8")
        with pytest.raises(UsageError) as raised:
            load_settings({})
        assert complaint in str(raised.value)
        assert str(company / "kpi.yml") in str(raised.value)

    def test_the_file_may_have_lists_and_mappings(self, company: Path) -> None:
        (company / "kpi.yml").write_text(
            "full_extract_tables: [crm.deals, crm.leads]\nnaive_timestamps_in: {crm: Asia/Seoul}\nlanding: in\n",
            encoding="utf-8",
        )
        settings = load_settings({})
        assert settings.full_extract_tables == "crm.deals,crm.leads"
        assert settings.naive_timestamps_in == "crm=Asia/Seoul"
        assert settings.landing == company / "in"

    def test_it_is_found_from_within_and_by_option(self, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(COMPANY_VARIABLE)
        inside = company / "landing" / "crm"
        inside.mkdir(parents=True)
        monkeypatch.chdir(inside)
        assert company_folder() == company
        monkeypatch.chdir(company.parent)
        assert company_folder() is None
        for place in (inside, company.parent):
            option = () if place == inside else ("--company", "acme")
            ended = kpi("status", *option, cwd=place)
            assert str(company / "warehouse") in ended.text
        assert kpi("status", "--company", "nowhere", cwd=company.parent).exit_code == 2


class TestSeeds:
    def test_the_catalogue_is_changed_row_by_row(self, company: Path) -> None:
        (company / "seeds" / "metrics.csv").write_text("metric_id,name_en\nrevenue,Net sales\n", encoding="utf-8")
        metrics.cache_clear()
        try:
            assert metrics()["revenue"].name_en == "Net sales"
            assert metrics()["revenue"].formula and len(metrics()) == 50
        finally:
            metrics.cache_clear()

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("metric_id,formula\nrevenue,x\n", "formula cannot be changed"),
            ("metric_id,name_en\nrevenues,x\n", "there is no metric revenues"),
        ],
    )
    def test_what_cannot_be_changed_is_said(self, company: Path, text: str, complaint: str) -> None:
        (company / "seeds" / "metrics.csv").write_text(text, encoding="utf-8")
        with pytest.raises(UsageError, match=complaint):
            seed_rows("metrics")

    def test_a_seed_that_nothing_reads_is_named(self, company: Path) -> None:
        (company / "seeds" / "stages.csv").write_text("a\n", encoding="utf-8")
        Landing(company / "landing").add("crm.deals", {})
        ended = kpi("build", "--company", company, "--as-of", "2026-06-30")
        assert ended.exit_code == 2
        assert "stages.csv: nothing reads it" in ended.complaint


@pytest.mark.slow
def test_a_company_with_its_own_stages_and_source_is_built_and_the_project_is_as_it_was(company: Path) -> None:
    (company / "seeds" / "deal_stages.csv").write_text(
        "stage,stage_order,default_probability,is_won,is_lost\nwarm,1,0.5,false,false\nsold,2,1,true,false\n",
        encoding="utf-8",
    )
    source = company / "sources" / "shop"
    source.mkdir()
    (source / "_shop.yml").write_text(SHOP, encoding="utf-8")
    (source / "shop__orders.sql").write_text(SHOP_ORDERS, encoding="utf-8")
    landing = Landing(company / "landing")
    landing.add("crm.deals", {"stage": "sold"}, {"stage": "warm"}, {"stage": "closed_won"})
    shop = company / "landing" / "shop" / "sales"
    shop.mkdir(parents=True)
    (shop / "day.csv").write_text(
        "Receipt No;sold_on;is_test\n1;3.6.2026;no\n2;4.6.2026 14:30;yes\n3;soon;\n", encoding="utf-8"
    )
    project = {path: path.stat().st_mtime_ns for path in PROJECT_ROOT.glob("seeds/*")}
    build = ("build", "--company", company, "--as-of", "2026-06-30", "--var", "quarantine_threshold=1")
    kpi(*build).check()
    warehouse = company / "warehouse"
    assert {path: path.stat().st_mtime_ns for path in PROJECT_ROOT.glob("seeds/*")} == project
    assert rows_of(warehouse, "select order_id, ordered_at::varchar from staging.stg_billing__orders") == [
        ("shop:1", "2026-06-02 22:00:00")
    ]
    assert rows_of(
        warehouse,
        "select rows_read, rows_current, rows_quarantined, rows_left_out from staging.load_books "
        "where system_table = 'billing.orders'",
    ) == [(3, 1, 1, 1)]
    assert rows_of(warehouse, "select stage from staging.stg_crm__deals order by 1") == [("sold",), ("warm",)]
    told = kpi("quarantine", "--company", company).text
    assert "billing.orders shop/sales/day.csv:4 invalid_ordered_at (sold_on)" in told
    assert (
        "billing.orders 1 rows of shop.sales left out: test (first day.csv:3)"
        in kpi("quarantine", "--company", company, "--left-out").text
    )
    # without the source's folder and its own stages it is the project's again
    shutil.rmtree(company / "sources")
    shutil.rmtree(company / "landing" / "shop")
    (company / "seeds" / "deal_stages.csv").unlink()
    (company / "landing" / "crm" / "deals" / "rows.csv").write_text(
        (company / "landing" / "crm" / "deals" / "rows.csv").read_text(encoding="utf-8") + "\n", encoding="utf-8"
    )
    kpi(*build, "--acknowledge", "revenue")
    assert rows_of(warehouse, "select stage from staging.stg_crm__deals order by 1") == [("closed_won",)]
