"""The month close: its rules, what it freezes, what touches it not, and how later data is told from it.

One small company is built once; every test that changes anything works on a copy of its warehouse.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import duckdb
import openpyxl
import pytest
from filelock import FileLock

from orchestration.build.pipeline import run_build
from orchestration.close.closing import CloseResult, close_month, due_month, finance_folder
from orchestration.close.export import export_month, plain_decimal, safe_text
from orchestration.core.contract import PROJECT_ROOT, source_tables
from orchestration.core.errors import BuildError, GateClosedError, TransientError, UsageError
from orchestration.core.settings import Settings
from orchestration.finance import store, verification
from orchestration.finance.calendar import close_due_on, parse_month, periods_ending_with, read_holidays
from orchestration.finance.project import read_project
from orchestration.finance.register import REGISTER, read_key, read_register, register_problems
from orchestration.finance.schema import TABLES
from orchestration.finance.snapshot import rows_of_month
from orchestration.finance.tables import READ_FILES, what_is_recorded, write_finance
from orchestration.publish.marts import republish_finance
from orchestration.scheduling.notify import news_of_closed_months
from tests.support.builds import settings_for
from tests.support.command import KPI, kpi
from tests.support.landing import Landing

pytestmark = pytest.mark.slow

AS_OF = date(2026, 4, 10)
JAN, FEB, MARCH, APRIL = (date(2026, month, 1) for month in (1, 2, 3, 4))
EVIL = ["=1+1", "+South", "-cmd|' /C calc'!A0", "@SUM(A1)", "\tTab", "정상 이름"]
MONTH_FOLDER = "2026-03"


def write_company(landing: Landing) -> None:
    """Three months of a company whose reps and teams have names that a spreadsheet would run."""
    landing.add(
        "crm.sales_reps",
        {"rep_id": "R1", "rep_name": '=HYPERLINK("http://x","y")', "team": "+South"},
        {"rep_id": "R2", "rep_name": "-2+3 민준", "team": "@North"},
    )
    landing.add(
        "crm.accounts",
        {"account_id": "A1", "account_name": "Acme", "region": "=EU", "segment": "smb"},
        {"account_id": "A2", "account_name": "Bolt", "region": "US", "segment": "large"},
    )
    landing.add(
        "crm.leads",
        {"lead_id": "L1", "account_id": "A1", "owner_rep_id": "R1", "lead_source": "ads", "created_at": "2026-01-05"},
        {"lead_id": "L2", "account_id": "A2", "owner_rep_id": "R2", "lead_source": "web", "created_at": "2026-03-02"},
    )
    won = {"deal_type": "new_business", "stage": "closed_won"}
    landing.add(
        "crm.deals",
        {**won, "deal_id": "D1", "account_id": "A1", "owner_rep_id": "R1", "amount": "1000.10",
         "created_at": "2026-01-10", "closed_at": "2026-02-10"},
        {**won, "deal_id": "D2", "account_id": "A2", "owner_rep_id": "R2", "amount": "500.55",
         "created_at": "2026-02-10", "closed_at": "2026-03-12"},
        {"deal_id": "D3", "account_id": "A2", "owner_rep_id": "R2", "amount": "90", "created_at": "2026-03-20"},
    )  # fmt: skip
    landing.add("billing.products", {"product_id": "P1", "category": "=cat", "unit_cost": "3"})
    orders = [
        ("O1", "A1", "R1", "D1", "", "2026-02-11", "1000.10"),
        ("O2", "A1", "R1", "", "S1", "2026-02-15", "0.07"),
        ("O3", "A2", "R2", "D2", "", "2026-03-13", "300.33"),
        ("O4", "A1", "R1", "D1", "", "2026-03-14", "19.99"),
        ("O5", "A1", "R1", "", "S1", "2026-03-15", "49.90"),
        ("O6", "A2", "R2", "D3", "", "2026-03-30", "7.01"),
        ("O7", "", "R2", "", "", "2026-03-31", "12.34"),
        ("O8", "A1", "R1", "", "", "2026-04-02", "11.11"),
    ]
    add_orders(landing, orders, "rows.csv")
    landing.add(
        "billing.refunds",
        {"refund_id": "F1", "order_id": "O1", "amount": "10.05", "refunded_at": "2026-03-05"},
    )
    landing.add(
        "billing.subscription_changes",
        {"subscription_change_id": "C1", "subscription_id": "S1", "account_id": "A1", "changed_at": "2026-02-01",
         "plan": "=plan", "unit_amount": "49.90"},
        {"subscription_change_id": "C2", "subscription_id": "S2", "account_id": "A2", "changed_at": "2026-03-10",
         "plan": "pro", "unit_amount": "120.01"},
    )  # fmt: skip
    landing.add(
        "crm.activities",
        {"activity_id": "T1", "rep_id": "R1", "lead_id": "L1", "occurred_at": "2026-01-06"},
        {"activity_id": "T2", "rep_id": "R2", "deal_id": "D2", "occurred_at": "2026-03-03"},
    )
    landing.add(
        "marketing.ad_spend",
        {"spend_on": "2026-02-03", "channel": "ads", "amount": "30.30"},
        {"spend_on": "2026-03-03", "channel": "ads", "amount": "40.40"},
    )
    for number in (1, 2, 3):
        month = f"2026-0{number}-01"
        landing.add("planning.sales_targets", {"target_month": month, "scope": "company", "amount": "400.50"},
                    file=f"{number}.csv")  # fmt: skip
        landing.add(
            "planning.sales_quotas", {"quota_month": month, "rep_id": "R1", "amount": "200"}, file=f"{number}.csv"
        )
        landing.add("planning.sales_costs", {"cost_month": month, "cost_type": "salaries", "amount": "99.99"},
                    file=f"{number}.csv")  # fmt: skip


def add_orders(landing: Landing, orders: Sequence[tuple[str, ...]], file: str) -> None:
    """Orders of one item each: id, account, rep, deal, subscription, day, price."""
    names = ("order_id", "account_id", "rep_id", "deal_id", "subscription_id", "ordered_at")
    landing.add("billing.orders", *(dict(zip(names, order[:6], strict=True)) for order in orders), file=file)
    landing.add(
        "billing.order_items",
        *({"order_item_id": f"I-{o[0]}", "order_id": o[0], "product_id": "P1", "unit_price": o[6]} for o in orders),
        file=file,
    )


@dataclass
class Company:
    """A landing folder and a warehouse."""

    landing: Landing
    settings: Settings

    @property
    def finance(self) -> Path:
        return finance_folder(self.settings)

    def close(self, month: date, **options: Any) -> CloseResult:
        return close_month(self.settings, month, **{"who": "ann", **options})

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of marts.duckdb gives."""
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach '{self.settings.paths.marts_file}' as published (read_only)")
            connection.execute("use published")
            return connection.execute(query).fetchall()

    def kpi(self, *arguments: str | Path) -> Any:
        return kpi(*arguments, "--warehouse", self.settings.warehouse)

    def problems(self) -> list[str]:
        return verification.verify(self.finance, what_is_recorded(self.settings.paths))

    def fingerprint(self) -> dict[str, str]:
        """Every closed file with the hash of its content."""
        return {
            str(path.relative_to(self.finance)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.finance.rglob("*"))
            if path.is_file() and path.name != REGISTER
        }

    def copy(self, folder: Path) -> Company:
        """The same company in another folder, to be changed at will."""
        shutil.copytree(self.landing.folder, folder / "landing")
        warehouse = folder / "warehouse"
        shutil.copytree(
            self.settings.warehouse,
            warehouse,
            symlinks=True,
            ignore=shutil.ignore_patterns("data_docs", "parquet", "logs"),
        )
        return Company(Landing(folder / "landing"), self.settings.model_copy(
            update={"landing": folder / "landing", "warehouse": warehouse}
        ))  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company as of April 10, no month closed. Not to be changed."""
    folder = tmp_path_factory.mktemp("built")
    landing = Landing(folder / "landing")
    write_company(landing)
    settings = settings_for(landing.folder, folder / "warehouse", as_of_date=AS_OF, company="=Acme", wait_minutes=0)
    run_build(settings)
    return Company(landing, settings)


@pytest.fixture(scope="module")
def closed(built: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company with February and March closed. Not to be changed."""
    company = built.copy(tmp_path_factory.mktemp("closed"))
    company.close(FEB)
    company.close(MARCH)
    return company


@pytest.fixture
def company(built: Company, tmp_path: Path) -> Company:
    """The company with no month closed, for this test alone."""
    return built.copy(tmp_path)


@pytest.fixture
def closed_company(closed: Company, tmp_path: Path) -> Company:
    """The company with February and March closed, for this test alone."""
    return closed.copy(tmp_path)


@pytest.fixture(scope="module")
def later(closed: Company, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The closed company after a full refresh with late data. Not to be changed."""
    company = closed.copy(tmp_path_factory.mktemp("later"))
    landing = company.landing
    add_orders(
        landing,
        [
            ("LATE", "A2", "R2", "", "", "2026-03-20", "1000.01"),
            ("NEXT", "A2", "R2", "", "", "2026-04-11", "5.00"),
        ],
        "late.csv",
    )
    # a full extract: what is known already comes again, and one row of it says something new
    landing.add(
        "crm.accounts",
        {"account_id": "A1", "account_name": "Acme", "region": "=EU", "segment": "smb", "created_at": "2026-01-01"},
        {"account_id": "A2", "account_name": "Bolt", "region": "US", "segment": "small", "created_at": "2026-01-01"},
        file="tardy.csv",
    )
    landing.add(
        "billing.subscription_changes",
        {"subscription_change_id": "C3", "subscription_id": "S1", "account_id": "A1", "changed_at": "2026-03-25",
         "plan": "=plan", "unit_amount": "59.90"},
        file="late.csv",
    )  # fmt: skip
    landing.add("crm.activities", {"activity_id": "T3", "rep_id": "R2", "occurred_at": "2026-03-18"}, file="late.csv")
    run_build(company.settings.model_copy(update={"as_of_date": date(2026, 4, 12)}), full_refresh=True)
    return company


# The calendar


@pytest.mark.parametrize(
    ("month", "n", "holidays", "due"),
    [
        (date(2026, 10, 1), 3, [], date(2026, 11, 4)),  # November 1 is a Sunday
        (date(2026, 10, 1), 3, [date(2026, 11, 3)], date(2026, 11, 5)),
        (date(2026, 10, 1), 1, [date(2026, 11, 1)], date(2026, 11, 2)),
        (date(2025, 12, 1), 3, [date(2026, 1, 1)], date(2026, 1, 6)),
        (date(2026, 1, 1), 5, [], date(2026, 2, 6)),
    ],
)
def test_the_day_to_close_on(month: date, n: int, holidays: list[date], due: date) -> None:
    assert close_due_on(month, frozenset(holidays), n) == due


@pytest.mark.parametrize(
    ("month", "first_month", "periods"),
    [
        (date(2026, 10, 1), 1, [("month", date(2026, 10, 1))]),
        (date(2026, 3, 1), 1, [("month", date(2026, 3, 1)), ("quarter", date(2026, 1, 1))]),
        (
            date(2026, 12, 1), 1,
            [("month", date(2026, 12, 1)), ("quarter", date(2026, 10, 1)), ("year", date(2026, 1, 1))],
        ),
        (
            date(2026, 3, 1), 4,
            [("month", date(2026, 3, 1)), ("quarter", date(2026, 1, 1)), ("year", date(2025, 4, 1))],
        ),
        (date(2026, 1, 1), 2, [
            ("month", date(2026, 1, 1)), ("quarter", date(2025, 11, 1)), ("year", date(2025, 2, 1)),
        ]),
    ],
)  # fmt: skip
def test_the_periods_that_end_with_a_month(month: date, first_month: int, periods: list[tuple[str, date]]) -> None:
    assert periods_ending_with(month, first_month) == periods


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "202610", "2026-10-01", "", "0000-01", "last"])
def test_a_month_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="YYYY-MM"):
        parse_month(text)


def test_holidays_are_read_from_the_seed(tmp_path: Path) -> None:
    assert all(isinstance(day, date) for day in read_holidays())
    seed = tmp_path / "holidays.csv"
    seed.write_text("holiday_on,holiday_name\n2026-01-01,New Year\n01/05/2026,May Day\n")
    with pytest.raises(UsageError, match="line 3"):
        read_holidays(seed)


# What the declarations promise


def read_manifest(company: Company) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(company.settings.paths.built_project.read_text())
    return content


def test_every_fact_that_a_kpi_reads_says_what_stands_behind_it(built: Company) -> None:
    project = read_project(built.settings.paths)
    read = {fact for facts in project.metric_facts.values() for fact in facts if fact.startswith("fct_")}
    assert len(read) > 20
    assert read <= set(project.facts)
    for fact in project.facts.values():
        assert fact.links or fact.made_of or fact.name.startswith("dim_"), fact.name
        assert set(fact.made_of) <= set(project.facts), fact.name


def test_declarations_name_columns_that_exist(built: Company) -> None:
    """DuckDB binds each condition and value against the built tables: a column that is none is an error."""
    nodes = {node["name"]: set(node["columns"]) for node in read_manifest(built)["nodes"].values()}
    tables = {table.label for table in source_tables()}
    with duckdb.connect(str(built.settings.paths.build_file), read_only=True) as connection:
        for fact in read_project(built.settings.paths).facts.values():
            columns = nodes[fact.name]
            assert {*fact.key, *fact.ignored, *fact.cuts.values()} <= columns, fact.name
            conditions = [fact.rows, fact.compared, *fact.compared_for.values()]
            for condition in conditions:
                told = rows_of_month(condition, MARCH, 1, 0)
                connection.execute(f"select count(*) from facts.{fact.name} where {told}")
            for link in fact.links:
                assert link.table in tables, (fact.name, link.table)
                assert link.column is None or link.column in nodes["landed_rows"], (fact.name, link.column)
                assert link.by is None or link.by in columns, (fact.name, link.by)
                for value in link.values:
                    connection.execute(f"select {value} from facts.{link.of or fact.name} limit 0")


def test_every_row_of_a_fact_is_found_in_the_ledger_by_its_own_key(later: Company) -> None:
    """Of the facts that a landed table of their name stands behind, keys of several columns included."""
    tried = []
    with duckdb.connect(str(later.settings.paths.build_file), read_only=True) as connection:
        for fact in read_project(later.settings.paths).facts.values():
            for link in fact.links:
                if link.column != "row_key" or link.table.partition(".")[2] != fact.name.removeprefix("fct_"):
                    continue
                key = " || '|' || ".join(f"coalesce(cast({value} as varchar), '')" for value in link.values)
                lost = connection.execute(
                    f"select key from (select {key} as key from facts.{fact.name}) "
                    "anti join (from meta.landed_rows where system_table = ? and is_current) as ledger "
                    "on key = ledger.row_key",
                    [link.table],
                ).fetchall()
                assert lost == [], (fact.name, link)
                tried.append(fact.name)
    assert {"fct_deals", "fct_leads", "fct_activities", "fct_ad_spend", "fct_sales_targets"} <= set(tried)


FINANCE_CODE = [*sorted((PROJECT_ROOT / "orchestration" / "finance").rglob("*")),
                *sorted((PROJECT_ROOT / "orchestration" / "close").rglob("*"))]  # fmt: skip
# `reference` for the seeds that a close freezes as inputs, `meta` for the load ledger and build_info
MAY_READ = {"facts", "kpi", "finance", "meta", "reference"}


def sql_texts(path: Path) -> list[str]:
    """The texts of a file that may be SQL: of a Python module its strings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        return [text]
    return [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def test_finance_reads_nothing_of_staging_or_raw() -> None:
    texts = {path: sql_texts(path) for path in FINANCE_CODE if path.suffix in (".py", ".sql")}
    assert sum(path.suffix == ".sql" for path in texts) > 5
    read = {
        (path.name, schema)
        for path, several in texts.items()
        for text in several
        for schema in re.findall(r"\b(?:build|published)\.(\w+)\.", text)
    }
    assert {schema for _, schema in read} == MAY_READ, read
    for path, several in texts.items():
        assert not any(re.search(r"\b(?:raw|staging|intermediate|gates)\.\w", text) for text in several), path.name


def finance_rows(company: Company) -> dict[str, list[tuple[Any, ...]]]:
    return {table.name: company.ask(f"from finance.{table.name} order by all") for table in TABLES}


def test_restatements_and_closes_need_no_staging(later: Company, tmp_path: Path) -> None:
    company = later.copy(tmp_path)
    with duckdb.connect(str(company.settings.paths.build_file)) as connection:
        for schema in ("raw", "staging", "intermediate", "gates"):
            connection.execute(f"drop schema {schema} cascade")
    republish_finance(company.settings.paths)
    told = finance_rows(company)
    assert told == finance_rows(later)
    assert told["kpi_restatements"] and told["late_rows"]
    assert company.close(MARCH, restate_reason="without staging").is_new


class Explaining:
    """A connection that looks at the plan of each statement before it runs it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.plans: list[tuple[str, str]] = []

    def execute(self, query: str, parameters: Any = None) -> Any:
        if re.match(r"\s*(?:--.*\n\s*)*(insert|create or replace temp table \w+ as|select|with|from)\b", query):
            plan = self._connection.execute(f"explain {query}", parameters).fetchall()
            self.plans.append((query, "\n".join(row[1] for row in plan)))
        return self._connection.execute(query, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_no_statement_joins_by_comparing_all_pairs(later: Company, tmp_path: Path) -> None:
    company = later.copy(tmp_path)
    shutil.copyfile(company.settings.paths.marts_file, tmp_path / "next.duckdb")
    with duckdb.connect(str(tmp_path / "next.duckdb")) as connection:
        connection.execute(f"attach '{company.settings.paths.build_file}' as build (read_only)")
        connection.execute("drop schema finance cascade")
        # a join of a few rows may be one of all pairs
        connection.execute("set nested_loop_join_threshold = 0")
        explaining = Explaining(connection)
        write_finance(cast(duckdb.DuckDBPyConnection, explaining), company.settings.paths)
    assert len(explaining.plans) > 20
    for query, plan in explaining.plans:
        assert "BLOCKWISE_NL_JOIN" not in plan and "NESTED_LOOP" not in plan, query


# Before any close


def test_finance_tables_are_there_from_the_first_build_on(built: Company) -> None:
    told = {
        (table, column): (kind, comment)
        for table, column, kind, comment in built.ask(
            "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = 'finance'"
        )
    }
    assert set(told) == {(table.name, column) for table in TABLES for column in table.columns}
    assert all(comment for _, comment in told.values())
    for name in ("closed_months", "kpi_monthly_snapshots", "kpi_restatements", "late_rows"):
        assert built.ask(f"select count(*) from finance.{name}") == [(0,)]


MRR_SUM = (
    "opening_mrr + restated_mrr + new_mrr + expansion_mrr + contraction_mrr + churned_mrr + reactivation_mrr + fx_mrr"
)


def test_the_bridges_add_up_and_meet_the_marts(later: Company) -> None:
    assert later.ask(f"from finance.mrr_bridge where {MRR_SUM} <> closing_mrr") == []
    assert (
        later.ask("""
        select bridge.month from finance.mrr_bridge as bridge inner join finance.mrr_bridge as before
            on before.month = bridge.month - interval 1 month and before.dimension = bridge.dimension
            and before.dimension_value = bridge.dimension_value
        where before.closing_mrr <> bridge.opening_mrr
    """)
        == []
    )
    assert (
        later.ask("""
        from finance.bookings_to_revenue where bookings - bookings_not_billed + billed_of_earlier_bookings
            + billed_before_won + subscription_sales + direct_sales - refunds <> revenue
    """)
        == []
    )


def test_from_bookings_to_revenue_by_hand(built: Company) -> None:
    columns = (
        "bookings, deals_won, bookings_not_billed, billed_of_earlier_bookings, billed_before_won, subscription_sales, "
        "direct_sales, refunds, revenue"
    )
    told = built.ask(f"select {columns} from finance.bookings_to_revenue where month = date '2026-03-01'")
    assert [tuple(map(float, row)) for row in told] == [
        (500.55, 1, 200.22, 19.99, 7.01, 49.90, 12.34, 10.05, 379.52),
    ]  # fmt: skip


# The rules


@pytest.mark.parametrize(
    ("month", "complaint"),
    [
        (APRIL, "2026-04 is not over"),
        (date(2030, 1, 1), "2030-01 is not over"),
        (date(2019, 1, 1), "2019-01 has no data to close: the first month with any is 2026-01"),
    ],
)
def test_a_month_that_may_not_be_closed(company: Company, month: date, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        company.close(month)
    assert not list(company.finance.glob("*")) if company.finance.exists() else True


def test_a_month_that_ends_on_the_as_of_date_is_not_over(company: Company) -> None:
    with duckdb.connect(str(company.settings.paths.marts_file)) as connection:
        connection.execute("update meta.build_info set as_of_date = date '2026-03-31'")
    with pytest.raises(UsageError, match="not over"):
        company.close(MARCH)
    assert company.close(FEB).is_new


def test_months_are_closed_in_order_and_the_first_is_free(company: Company) -> None:
    company.close(JAN)
    with pytest.raises(UsageError, match="2026-02 must be closed before 2026-03") as caught:
        company.close(MARCH)
    assert caught.value.details == ["kpi close 2026-02"]
    company.close(FEB)
    assert company.close(MARCH).closed.manifest.previous == store.read_closed(FEB, 1, company.finance / "2026-02").link


def test_no_month_before_the_first_closed_one(closed_company: Company) -> None:
    with pytest.raises(UsageError, match="begins with 2026-02"):
        closed_company.close(JAN)


def edit_last_run(company: Company, **values: Any) -> None:
    path = company.settings.paths.last_run_file
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("values", "kind", "complaint"),
    [
        ({"exit_code": 4, "error": "the gate after staging closed"}, GateClosedError, "gate after staging"),
        ({"exit_code": 5, "error": "dbt stopped"}, BuildError, "dbt stopped"),
        ({"exit_code": None, "error": None}, BuildError, "failed"),
        ({"run_id": "another"}, BuildError, "published is build"),
        ({"gates": [{"gate": "after_facts", "passed": False}]}, GateClosedError, "after_facts"),
    ],
)
def test_no_close_from_a_build_that_did_not_pass(
    company: Company, values: dict[str, Any], kind: type[BuildError], complaint: str
) -> None:
    edit_last_run(company, **values)
    with pytest.raises(kind, match=complaint) as caught:
        company.close(MARCH)
    assert any("kpi build" in line for line in caught.value.details)
    assert store.closed_folders(company.finance) == []


def test_no_close_from_a_build_that_died(company: Company) -> None:
    company.settings.paths.running_file.write_text("{}")
    with pytest.raises(BuildError, match="died"):
        company.close(MARCH)


def test_no_close_while_a_build_runs(company: Company) -> None:
    with FileLock(company.settings.warehouse / ".build.lock"), pytest.raises(TransientError, match="build is still"):
        company.close(MARCH)


def test_no_close_of_nothing(tmp_path: Path) -> None:
    ended = kpi("close", "2026-03", "--warehouse", tmp_path / "none")
    assert (ended.exit_code, "kpi build" in ended.complaint) == (2, True)
    (tmp_path / "empty").mkdir()
    ended = kpi("close", "2026-03", "--warehouse", tmp_path / "empty")
    assert (ended.exit_code, "kpi build" in ended.complaint) == (2, True)


def test_a_control_that_fails_stops_the_close(company: Company) -> None:
    with duckdb.connect(str(company.settings.paths.marts_file)) as connection:
        connection.execute(
            "update kpi.kpi_revenue set metric_value = metric_value + 0.01 "
            "where period_start = date '2026-03-01' and period_grain = 'month' and dimension = 'all'"
        )
    with pytest.raises(BuildError, match=r"revenue is 379\.53\d* in the marts, 379\.52"):
        company.close(MARCH)
    assert list(company.finance.iterdir()) == []


# What is frozen


def test_a_close_and_its_second_try(company: Company) -> None:
    ended = company.kpi("close", "2026-03", "--who", "ann [x]")
    assert ended.exit_code == 0, ended.err
    assert "closed 2026-03 version 1" in ended.out and "by ann [x]" in ended.out
    before = company.fingerprint()
    again = company.kpi("close", "2026-03", "--who", "bob")
    assert again.exit_code == 0
    assert "is closed already: version 1, by ann [x]" in again.out and "nothing was changed" in again.out
    assert company.fingerprint() == before


def test_the_folder_of_a_closed_month(closed: Company) -> None:
    folder = closed.finance / MONTH_FOLDER
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "manifest.json", "SHA256SUMS", *(entry["path"] for entry in manifest["files"]),
    }  # fmt: skip
    for entry in manifest["files"]:
        path = folder / entry["path"]
        assert entry["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert entry["bytes"] == path.stat().st_size
        if path.suffix == ".parquet":
            assert duckdb.sql(f"select count(*) from '{path}'").fetchone() == (entry["rows"],)
        assert not path.stat().st_mode & 0o222
    assert not folder.stat().st_mode & 0o222
    previous = (closed.finance / "2026-02" / "manifest.json").read_bytes()
    assert manifest["previous"] == {
        "month": "2026-02", "version": 1, "manifest_sha256": hashlib.sha256(previous).hexdigest(),
    }  # fmt: skip
    assert manifest["periods"] == [
        {"period_grain": "month", "period_start": "2026-03-01", "period_end": "2026-03-31"},
        {"period_grain": "quarter", "period_start": "2026-01-01", "period_end": "2026-03-31"},
    ]
    last_run = json.loads(closed.settings.paths.last_run_file.read_text())
    assert (manifest["run_id"], manifest["settings"]) == (last_run["run_id"], last_run["settings"])
    assert {gate["gate"] for gate in manifest["gates"] if gate["passed"]} >= {"after_load", "after_kpi"}
    assert (manifest["closed_by"], manifest["company"], manifest["as_of_date"]) == ("ann", "=Acme", "2026-04-10")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is not here")
def test_a_closed_month_is_checked_without_the_project(closed: Company) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=closed.finance / MONTH_FOLDER, check=True)


def test_every_row_of_every_mart_is_frozen(closed: Company) -> None:
    folder = closed.finance / MONTH_FOLDER
    marts = closed.ask(
        "select table_name from duckdb_tables() where schema_name = 'kpi' "
        "and table_name not in ('build_info', 'kpi_catalog')"
    )
    assert len(marts) > 50
    ended = "period_end = date '2026-03-31' and period_grain in ('month', 'quarter')"
    differing = " union all ".join(
        f"select '{mart}' from ((from {one} except all from {other}) limit 1)"
        for (mart,) in marts
        for published, frozen in [(f"(from kpi.{mart} where {ended})", f"'{folder}/marts/{mart}.parquet'")]
        for one, other in [(published, frozen), (frozen, published)]
    )
    assert closed.ask(differing) == []


def test_the_facts_behind_the_figures_are_frozen(closed: Company) -> None:
    folder = closed.finance / MONTH_FOLDER / "facts"

    def total(query: str) -> float:
        return float(closed.ask(query)[0][0])

    assert total(f"select sum(amount) from '{folder}/fct_revenue_lines.parquet'") == 379.52
    assert total(f"select sum(amount) from '{folder}/fct_deals.parquet' where is_won") == 500.55
    assert total(f"select sum(amount) from '{folder}/fct_ad_spend.parquet'") == 40.40
    assert total(f"select sum(amount) from '{folder}/fct_sales_costs.parquet'") == 99.99
    month = "period_grain = 'month' and movement_scope = 'account'"
    assert total(f"select sum(new_mrr) from '{folder}/fct_mrr_movements.parquet' where {month}") == 120.01
    # the quarter's targets, since the quarter ends with the month
    assert total(f"select sum(amount) from '{folder}/fct_sales_targets.parquet'") == 3 * 400.50
    inputs = folder.parent / "inputs"
    assert total(f"select count(*) from '{inputs}/kpi_catalog.parquet'") > 50
    assert total(f"select count(*) from '{inputs}/models.parquet' where sql like '%fct_revenue_lines%'") > 5


def test_snapshots_are_the_marts_to_the_cent(closed: Company) -> None:
    rows = closed.ask("""
        select snapshots.metric_id
        from kpi.kpi_scorecard as marts
        full outer join (from finance.kpi_monthly_snapshots where close_month = date '2026-03-01') as snapshots
            using (metric_id, period_grain, period_start, dimension, dimension_value)
        where (
                marts.period_end = date '2026-03-31' and marts.period_grain in ('month', 'quarter')
                or marts.metric_id is null
            ) and (
                marts.metric_id is null or snapshots.metric_id is null
                or marts.numerator is distinct from snapshots.numerator
                or abs(coalesce(marts.metric_value, -1) - coalesce(snapshots.metric_value, -1)) > 0.000001
                or abs(coalesce(marts.target_value, -1) - coalesce(snapshots.target_value, -1)) > 0.000001
            )
    """)
    assert rows == []
    assert closed.ask("""
        select period_grain, metric_value, target_value, run_id = (select run_id from meta.build_info), closed_by
        from finance.kpi_monthly_snapshots
        where metric_id = 'revenue' and dimension = 'all' and close_month = date '2026-03-01' order by 1
    """) == [
        ("month", Decimal("379.52"), Decimal("400.50"), True, "ann"),
        ("quarter", Decimal("1379.69"), Decimal("1201.50"), True, "ann"),
    ]


# Nothing half, nothing twice

KILLED_CLOSE = """
import os, signal, sys
from datetime import date
from pathlib import Path
import orchestration.close.closing as closing
from orchestration.finance import snapshot, store
from orchestration.core.settings import load_settings

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
if where == "facts":
    snapshot.Freezer._inputs = die
elif where == "workbook":
    closing.write_workbook = die
elif where == "seal":
    rename = Path.rename
    Path.rename = die
elif where == "published":
    closing.republish_finance = die
closing.close_month(load_settings({"warehouse": Path(sys.argv[1])}), date(2026, 3, 1), who="victim")
"""


@pytest.mark.parametrize("where", ["facts", "workbook", "seal", "published"])
def test_a_killed_close_leaves_a_whole_month_or_none(company: Company, where: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_CLOSE, str(company.settings.warehouse), where], timeout=120)
    assert done.returncode == -signal.SIGKILL
    is_closed = where == "published"
    assert [month for month, _, _ in store.closed_folders(company.finance)] == ([MARCH] if is_closed else [])
    assert company.problems() == []
    again = company.close(MARCH)
    # once a close is on the register it is finished, not done again
    is_entered = where in ("seal", "published")
    assert again.is_new is not is_entered
    assert again.closed.manifest.closed_by == ("victim" if is_entered else "ann")
    assert company.problems() == []
    assert sorted(path.name for path in company.finance.iterdir()) == [MONTH_FOLDER, REGISTER]
    assert company.ask("select closed_by, problem from finance.closed_months") == [
        (again.closed.manifest.closed_by, None)
    ]


def test_of_two_closing_at_once_one_wins_and_the_other_is_told(company: Company) -> None:
    command = [str(KPI), "close", "2026-03", "--warehouse", str(company.settings.warehouse), "--who"]
    both = [
        subprocess.Popen([*command, who], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for who in ("ann", "bob")
    ]
    ended = [(process.communicate(timeout=120), process.returncode) for process in both]
    won = [out for (out, _), code in ended if code == 0 and "closed 2026-03 version 1" in out]
    told = [out + err for (out, err), _ in ended if "somebody else is closing" in err or "is closed already" in out]
    assert (len(won), len(told)) == (1, 1), ended
    assert company.problems() == []
    assert sorted(path.name for path in company.finance.iterdir()) == [MONTH_FOLDER, REGISTER]


def test_the_one_who_comes_second_is_told_at_once(company: Company) -> None:
    with FileLock(company.settings.warehouse / ".close.lock"):
        ended = company.kpi("close", "2026-03")
    assert (ended.exit_code, "somebody else is closing" in ended.complaint) == (5, True)


def test_a_folder_that_is_there_already_is_never_overwritten(closed: Company, tmp_path: Path) -> None:
    shutil.copytree(closed.finance, tmp_path / "finance")
    final = tmp_path / "finance" / MONTH_FOLDER
    partial = store.new_partial(tmp_path / "finance", MARCH, 1)
    before = {path: path.read_bytes() for path in final.rglob("*") if path.is_file()}
    with pytest.raises(BuildError, match="never overwritten"):
        store.seal(partial, store.read_closed(MARCH, 1, final).manifest, final)
    assert before == {path: path.read_bytes() for path in final.rglob("*") if path.is_file()}


# Restating


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--restate"], "--restate needs --reason"),
        (["--restate", "--reason", "  "], "--restate needs --reason"),
        (["--reason", "x"], "--reason goes with --restate"),
        (["--lang", "de"], "languages are en, ko"),
    ],
)
def test_bad_usage(closed: Company, arguments: list[str], complaint: str) -> None:
    ended = closed.kpi("close", "2026-03", *arguments)
    assert ended.exit_code == 2
    assert complaint in ended.complaint


def test_nothing_to_restate(company: Company) -> None:
    with pytest.raises(UsageError, match="nothing to restate"):
        company.close(MARCH, restate_reason="why")


def test_a_restatement_stands_beside_version_1(closed_company: Company) -> None:
    before = closed_company.fingerprint()
    second = closed_company.close(MARCH, restate_reason="late invoice", who="bea").closed
    third = closed_company.close(MARCH, restate_reason="again", who="bea").closed
    assert [path.name for path in sorted(closed_company.finance.iterdir())] == [
        "2026-02", "2026-03", "2026-03.v2", "2026-03.v3", REGISTER,
    ]  # fmt: skip
    after = closed_company.fingerprint()
    assert {name: after[name] for name in before} == before
    assert (second.manifest.reason, third.manifest.restates) == ("late invoice", second.link)
    assert closed_company.problems() == []
    assert closed_company.ask("""
        select version, is_latest_version, reason from finance.closed_months
        where close_month = date '2026-03-01' order by version
    """) == [(1, False, None), (2, False, "late invoice"), (3, True, "again")]
    assert closed_company.ask("""
        select version, is_latest_version, metric_value from finance.kpi_monthly_snapshots
        where metric_id = 'revenue' and dimension = 'all' and period_grain = 'month' and close_month = date '2026-03-01'
        order by version
    """) == [(1, False, Decimal("379.52")), (2, False, Decimal("379.52")), (3, True, Decimal("379.52"))]


# Tampering


def writable(path: Path) -> Path:
    """The path, after a person has taken the protection off."""
    for one in (path.parent.parent, path.parent, *([path] if path.exists() else [])):
        one.chmod(0o755)
    return path


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def edit_manifest(path: Path) -> None:
    path.write_text(path.read_text().replace('"closed_by": "ann"', '"closed_by": "eve"'))


@pytest.mark.parametrize(
    ("file", "deed"),
    [
        ("2026-03/figures.parquet", flip),
        ("2026-02/marts/kpi_revenue.parquet", flip),
        ("2026-03/kpi-2026-03.xlsx", flip),
        ("2026-03/facts/fct_deals.parquet", Path.unlink),
        ("2026-03/facts/extra.parquet", Path.touch),
        ("2026-03/manifest.json", edit_manifest),
        ("2026-02/manifest.json", edit_manifest),
        ("2026-03/manifest.json", Path.unlink),
        ("2026-03/manifest.json", flip),
        ("2026-02/SHA256SUMS", flip),
        ("2026-02/SHA256SUMS", Path.unlink),
    ],
)
def test_verify_names_the_file_that_was_touched(closed_company: Company, file: str, deed: Any) -> None:
    assert closed_company.problems() == []
    deed(writable(closed_company.finance / file))
    assert any(str(closed_company.finance / file) in problem for problem in closed_company.problems())
    if deed is Path.touch:
        ended = closed_company.kpi("verify")
        assert (ended.exit_code, file in ended.complaint) == (5, True)


def forge(folder: Path) -> None:
    """Change a figure and make the folder agree with itself again: files, manifest and checksums."""
    month = store.read_closed(parse_month(folder.name), 1, folder)
    path = writable(folder / "bookings_to_revenue.parquet")
    path.write_bytes(path.read_bytes() + b"x")
    manifest = month.manifest
    entries = [
        store.FileEntry(entry.path, store.sha256_of(folder / entry.path), entry.bytes, entry.rows)
        for entry in manifest.files
    ]
    text = json.dumps({**json.loads(manifest.to_json()), "files": [vars(entry) for entry in entries]}, indent=2)
    writable(folder / "manifest.json").write_text(text)
    sums = {"manifest.json": hashlib.sha256(text.encode()).hexdigest(), **{e.path: e.sha256 for e in entries}}
    writable(folder / "SHA256SUMS").write_text("".join(f"{sums[path]}  {path}\n" for path in sorted(sums)))


def test_a_forged_month_breaks_the_chain(closed_company: Company) -> None:
    forge(closed_company.finance / "2026-02")
    closed_company.settings.paths.marts_file.unlink()
    assert [
        problem for problem in closed_company.problems() if "2026-02/manifest.json" in problem and "2026-03" in problem
    ]


def test_a_forged_last_month_is_not_the_one_that_was_recorded(closed_company: Company) -> None:
    forge(closed_company.finance / MONTH_FOLDER)
    assert any("is not the one that was closed" in problem for problem in closed_company.problems())


@pytest.mark.parametrize("folder", ["2026-02", MONTH_FOLDER])
def test_a_month_that_is_gone_is_missed(closed_company: Company, folder: str) -> None:
    path = closed_company.finance / folder
    store.remove_partial(path)
    assert any(str(path) in problem and "missing" in problem for problem in closed_company.problems())


@pytest.mark.parametrize("month", [FEB, MARCH])
def test_a_month_that_is_gone_is_not_closed_again(closed_company: Company, month: date) -> None:
    store.remove_partial(closed_company.finance / f"{month:%Y-%m}")
    with pytest.raises(BuildError, match=f"finance/{month:%Y-%m} is missing"):
        closed_company.close(month)


def test_a_damaged_month_is_named_and_stops_no_publishing(closed_company: Company) -> None:
    flip(writable(closed_company.finance / MONTH_FOLDER / "figures.parquet"))
    republish_finance(closed_company.settings.paths)
    told = closed_company.ask("select close_month, problem from finance.closed_months order by 1")
    assert told[0] == (FEB, None)
    assert "2026-03/figures.parquet was changed" in told[1][1]
    assert closed_company.ask("select distinct close_month from finance.kpi_monthly_snapshots") == [(FEB,)]


def published_problems(company: Company) -> dict[date, str | None]:
    republish_finance(company.settings.paths)
    return dict(company.ask("select close_month, problem from finance.closed_months where is_latest_version"))


def test_publishing_reads_no_file_of_a_month_but_those_it_publishes(
    closed_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is only kept, and compared where a figure differs, is for `kpi verify` to read."""
    for path in (closed_company.finance / MONTH_FOLDER).rglob("*"):
        if path.is_file() and path.name not in (*READ_FILES, "manifest.json", "SHA256SUMS"):
            flip(writable(path))
    read: list[str] = []
    sha256_of = store.sha256_of

    def noted(path: Path) -> str:
        read.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(store, "sha256_of", noted)
    assert published_problems(closed_company) == {FEB: None, MARCH: None}
    assert sorted(read) == sorted(2 * READ_FILES)
    assert closed_company.ask("select count(*) > 0 from finance.kpi_monthly_snapshots") == [(True,)]
    assert len(closed_company.problems()) > 50


def test_a_damaged_fact_is_noticed_where_a_figure_differs(later: Company, tmp_path: Path) -> None:
    company = later.copy(tmp_path)
    flip(writable(company.finance / MONTH_FOLDER / "facts" / "fct_revenue_lines.parquet"))
    problems = published_problems(company)
    assert problems[FEB] is None
    assert "fct_revenue_lines.parquet was changed" in (problems[MARCH] or "")
    assert company.ask("select distinct close_month from finance.kpi_monthly_snapshots") == [(FEB,)]
    assert company.ask("select is_closed from finance.mrr_bridge where month = date '2026-03-01' limit 1") == [(False,)]


def test_a_forged_month_stays_named_however_often_is_published(closed_company: Company) -> None:
    recorded = "select manifest_sha256 from finance.closed_months where close_month = date '2026-03-01'"
    before = closed_company.ask(recorded)
    forge(closed_company.finance / MONTH_FOLDER)
    for _ in range(2):
        problems = published_problems(closed_company)
        assert problems[FEB] is None and "is not the one that was closed" in (problems[MARCH] or "")
        assert closed_company.ask(recorded) == before


def test_a_forged_month_is_named_by_the_one_after(closed_company: Company) -> None:
    forge(closed_company.finance / "2026-02")
    problems = published_problems(closed_company)
    assert "2026-02/manifest.json" in (problems[FEB] or "")
    assert problems[MARCH] is None


def test_a_month_closed_since_a_release_that_came_back_is_still_on_the_register(closed_company: Company) -> None:
    """The published database of then knows nothing of March: the register does."""
    paths = closed_company.settings.paths
    with duckdb.connect(str(paths.marts_file.resolve())) as connection:
        connection.execute("delete from finance.closed_months where close_month = date '2026-03-01'")
        connection.execute("delete from finance.closes where close_month = date '2026-03-01'")
    forge(closed_company.finance / MONTH_FOLDER)
    for _ in range(2):
        assert "is not the one that was closed" in (published_problems(closed_company)[MARCH] or "")


@pytest.mark.parametrize("cut", ["first line", "last line", "all", "rewritten"])
def test_a_register_that_was_touched_closes_finances_part(closed_company: Company, cut: str) -> None:
    register = closed_company.finance / REGISTER
    first, second = register.read_text(encoding="utf-8").splitlines(keepends=True)
    if cut == "all":
        register.unlink()
    else:
        content = {"first line": second, "last line": first, "rewritten": first.replace("2026-02", "2026-01") + second}
        register.write_text(content[cut], encoding="utf-8")
    problems = published_problems(closed_company)
    assert all(REGISTER in (problem or "") for problem in problems.values()) and len(problems) == 2
    assert closed_company.ask("from finance.kpi_monthly_snapshots") == []
    assert any(REGISTER in line for line in closed_company.problems())
    assert closed_company.kpi("verify").exit_code == 5
    told = kpi("status", "--warehouse", closed_company.settings.warehouse).out
    assert "2026-03 is left out of what finance reads" in told


def test_a_folder_that_nobody_closed_and_one_behind_a_link_are_named(closed_company: Company) -> None:
    finance = closed_company.finance
    shutil.copytree(finance / MONTH_FOLDER, finance / "2026-04")
    manifest = writable(finance / "2026-04" / "manifest.json")
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"month": "2026-03"', '"month": "2026-04"'))
    (finance / "2026-02").rename(finance.parent / "elsewhere")
    (finance / "2026-02").symlink_to(finance.parent / "elsewhere")
    (finance / "2026-13").mkdir()
    problems = "\n".join(closed_company.problems())
    assert "2026-04 was never closed here" in problems
    assert "2026-02 is a link" in problems
    assert "2026-13 is no closed month" in problems
    assert "is a link" in (published_problems(closed_company)[FEB] or "")


def test_a_close_that_died_between_register_and_rename_is_finished(company: Company) -> None:
    company.close(FEB)
    folder = company.finance / "2026-02"
    folder.rename(company.finance / f"{store.PARTIAL_PREFIX}2026-02")
    republish_finance(company.settings.paths)
    assert folder.is_dir() and company.problems() == []


def test_a_line_of_the_register_that_was_never_ended_is_no_close(company: Company) -> None:
    register = company.finance / REGISTER
    company.finance.mkdir(exist_ok=True)
    register.write_text('{"closed_at": "2026-0', encoding="utf-8")
    company.close(FEB)
    assert len(read_register(company.finance) or []) == 1 and company.problems() == []


def test_months_closed_before_there_was_a_register_are_entered_as_they_were_published(
    closed_company: Company,
) -> None:
    paths = closed_company.settings.paths
    (closed_company.finance / REGISTER).unlink()
    with duckdb.connect(str(paths.marts_file.resolve())) as connection:
        connection.execute("drop table finance.closes")
    forge(closed_company.finance / MONTH_FOLDER)
    problems = published_problems(closed_company)
    assert problems[FEB] is None and "is not the one that was closed" in (problems[MARCH] or "")
    entries = read_register(closed_company.finance) or []
    assert [(entry.month, entry.version) for entry in entries] == [("2026-02", 1), ("2026-03", 1)]


def test_without_the_key_nobody_can_enter_a_close(company: Company, tmp_path: Path) -> None:
    key_file = tmp_path / "close.key"
    key_file.write_text("a key of sixteen bytes or more\n", encoding="utf-8")
    signing = company.settings.model_copy(update={"close_key_file": key_file})
    close_month(signing, FEB, who="finance")
    key = read_key(key_file)
    assert register_problems(company.finance, [], key) == []
    close_month(company.settings, MARCH, who="somebody")
    (problem,) = register_problems(company.finance, [], key)
    assert "2026-03 version 1 is not signed with close_key_file" in problem
    assert company.problems() == []
    told = kpi("verify", "--warehouse", company.settings.warehouse, KPI_CLOSE_KEY_FILE=str(key_file))
    assert told.exit_code == 5 and "is not signed" in told.err
    short = kpi("verify", "--warehouse", company.settings.warehouse, KPI_CLOSE_KEY_FILE=str(tmp_path / "none"))
    assert short.exit_code == 2 and "cannot be read" in short.err


def test_nothing_is_built_on_a_damaged_month(closed_company: Company) -> None:
    flip(writable(closed_company.finance / "2026-03" / "facts" / "fct_deals.parquet"))
    with pytest.raises(BuildError, match=r"fct_deals\.parquet was changed"):
        closed_company.close(MARCH, restate_reason="hide it")
    with pytest.raises(BuildError, match=r"fct_deals\.parquet was changed"):
        export_month(closed_company.settings, MARCH, format_="csv", to=closed_company.settings.warehouse / "out")


# Later data


def test_no_rebuild_touches_a_closed_file(closed: Company, later: Company) -> None:
    assert later.fingerprint() == closed.fingerprint()
    assert later.problems() == []


def test_the_closed_figures_stay_and_the_open_ones_follow(later: Company) -> None:
    revenue = (
        "metric_id = 'revenue' and dimension = 'all' and period_grain = 'month' and period_start = date '2026-03-01'"
    )
    assert later.ask(f"select metric_value from finance.kpi_monthly_snapshots where {revenue}") == [
        (Decimal("379.52"),)
    ]
    assert later.ask(f"select metric_value from kpi.kpi_revenue where {revenue}") == [(Decimal("1379.53"),)]
    assert later.ask("select revenue, is_closed from finance.bookings_to_revenue where month = date '2026-03-01'") == [
        (Decimal("379.52"), True)
    ]


def test_a_restatement_tells_the_rows_and_when_they_came(later: Company) -> None:
    told = later.ask("""
        select reported_value, current_value, difference, cause, changed_row_count,
            list_transform(changed_rows, lambda r: r.system_table || ' ' || r.row_key || ' ' || r.change || ' '
                || r.file_name || ':' || r.line),
            first_arrived_at, compared_run_id = (select run_id from meta.build_info)
        from finance.kpi_restatements
        where metric_id = 'revenue' and dimension = 'all' and measure = 'metric_value' and period_grain = 'month'
    """)
    with duckdb.connect(str(later.settings.paths.build_file), read_only=True) as connection:
        arrived = connection.execute(
            "select min(loaded_at) from raw.load_files "
            "where file_name = 'late.csv' and system_table like 'billing.order%'"
        ).fetchone()
    assert arrived is not None
    assert told == [
        (
            Decimal("379.52"), Decimal("1379.53"), Decimal("1000.01"), "late_data", 2,
            ["billing.orders LATE new late.csv:2", "billing.order_items I-LATE new late.csv:2"], arrived[0], True,
        )
    ]  # fmt: skip


def test_a_closed_figure_that_changed_is_told_by_the_build_status_and_show(later: Company, closed: Company) -> None:
    record = json.loads(later.settings.paths.last_run_file.read_text(encoding="utf-8"))
    begin = "2026-03 is closed, but today's data changes "
    (line,) = [line for line in record["closed_months"] if line.startswith(begin)]
    assert line.endswith(": Revenue 1,379.53, reported 379.52") and record["closed_months_are_news"]
    warehouse = later.settings.warehouse
    assert f"{line}\n" in kpi("status", "--warehouse", warehouse).out
    revenue = kpi("show", "revenue", "--warehouse", warehouse).out
    assert "2026-03: reported 379.52 when 2026-03 was closed, now 1,379.53" in revenue
    by_rep = kpi("show", "revenue", "--by", "region", "--warehouse", warehouse).out
    assert "2026-03 US: reported" in by_rep
    # nothing has changed since these were closed
    assert "is closed, but" not in kpi("status", "--warehouse", closed.settings.warehouse).out
    assert "reported" not in kpi("show", "revenue", "--warehouse", closed.settings.warehouse).out


def test_a_build_tells_what_it_changes_and_the_webhook_hears_of_it_once(later: Company, tmp_path: Path) -> None:
    company = later.copy(tmp_path)
    again = kpi(
        "build", "--landing", company.landing.folder, "--warehouse", company.settings.warehouse, "--as-of", "2026-04-12"
    )
    assert "2026-03 is closed, but today's data changes" in again.out
    first = json.loads(later.settings.paths.last_run_file.read_text(encoding="utf-8"))
    second = json.loads(company.settings.paths.last_run_file.read_text(encoding="utf-8"))
    assert (first["closed_months_are_news"], second["closed_months_are_news"]) == (True, False)
    of_dagster = {**first, "orchestrator_run_id": "r1"}
    assert news_of_closed_months(of_dagster, "r1") == [f":warning: {line}" for line in first["closed_months"]]
    assert news_of_closed_months(of_dagster, "another run") == []
    assert (
        news_of_closed_months({**of_dagster, "closed_months_are_news": False}, "r1")
        == news_of_closed_months(None, "r1")
        == []
    )


def restated(company: Company, where: str) -> dict[tuple[str, str], tuple[float, str, list[str]]]:
    """By dimension and member: the difference, the cause, the keys of the rows."""
    rows = company.ask(
        "select dimension, dimension_value, difference, cause, "
        "list_sort(list_transform(changed_rows, lambda r: r.row_key)) "
        f"from finance.kpi_restatements where measure = 'metric_value' and restated_in_version is null and {where}"
    )
    return {(dimension, value): (float(difference), cause, keys) for dimension, value, difference, cause, keys in rows}


def test_a_restated_figure_names_its_own_rows_only(later: Company) -> None:
    revenue = restated(later, "metric_id = 'revenue' and period_grain = 'month' and period_start = date '2026-03-01'")
    late = ["I-LATE", "LATE"]
    assert revenue[("sales_rep", "R2")] == (1000.01, "late_data", late)
    assert ("sales_rep", "R1") not in revenue
    # the account moved to another segment: what it bought before moved with it, and the late order came on top
    assert revenue[("segment", "large")] == (-307.34, "attributes", ["A2"])
    assert revenue[("segment", "small")] == (1307.35, "late_data", ["A2", *late])
    assert ("segment", "smb") not in revenue
    mrr = restated(later, "metric_id = 'mrr' and period_grain = 'month' and period_start = date '2026-03-01'")
    assert mrr[("all", "all")] == (10.0, "late_data", ["C3"])
    assert mrr[("plan", "=plan")] == (10.0, "late_data", ["C3"])
    assert ("plan", "pro") not in mrr
    quarter = restated(later, "metric_id = 'revenue' and period_grain = 'quarter'")
    assert quarter[("all", "all")] == (1000.01, "late_data", late)


def test_what_came_again_unchanged_or_belongs_to_later_is_no_late_row(later: Company) -> None:
    rows = later.ask("select system_table, row_key from finance.late_rows where close_month = date '2026-03-01'")
    assert set(rows) == {
        ("billing.orders", "LATE"), ("billing.order_items", "I-LATE"), ("crm.accounts", "A2"),
        ("billing.subscription_changes", "C3"), ("crm.activities", "T3"),
    }  # fmt: skip


def test_a_fact_without_a_key_is_not_traced_by_it(later: Company) -> None:
    """The deal moved with its account to another segment. That it names no lead does not make it that of an activity
    without one."""
    march = "period_grain = 'month' and period_start = date '2026-03-01'"
    deals = restated(later, f"metric_id = 'average_deal_size' and {march}")
    assert deals == {
        ("segment", "large"): (-500.55, "attributes", ["A2"]), ("segment", "small"): (500.55, "attributes", ["A2"]),
    }  # fmt: skip
    calls = restated(later, f"metric_id = 'calls_and_emails' and {march} and dimension = 'all'")
    assert [keys for _, _, keys in calls.values()] in ([], [["T3"]])


def test_months_without_late_data_do_not_differ(later: Company) -> None:
    assert (
        later.ask("""
        select metric_id, dimension from finance.kpi_restatements
        where close_month = date '2026-02-01' and cause not in ('attributes', 'later_events')
    """)
        == []
    )


def test_the_open_month_takes_up_what_came_late(later: Company) -> None:
    told = later.ask("""
        select month, is_closed, opening_mrr, restated_mrr, closing_mrr from finance.mrr_bridge
        where dimension = 'all' and month >= date '2026-03-01' order by month
    """)
    assert [(row[0].month, row[1], *map(float, row[2:])) for row in told] == [
        (3, True, 49.90, 0, 169.91),
        (4, False, 169.91, 10, 179.91),
    ]


def test_a_second_version_settles_what_differed(later: Company, tmp_path: Path) -> None:
    company = later.copy(tmp_path)
    company.close(MARCH, restate_reason="invoice LATE", who="bea")
    march = "close_month = date '2026-03-01'"
    assert company.ask(
        f"select count(*) from finance.kpi_restatements where {march} and restated_in_version is null"
    ) == [(0,)]
    assert company.ask(f"""
        select version, restated_in_version, difference from finance.kpi_restatements
        where {march} and metric_id = 'revenue' and dimension = 'all' and measure = 'metric_value'
            and period_grain = 'month'
    """) == [(1, 2, Decimal("1000.01"))]
    assert (
        company.ask("select restated_mrr from finance.mrr_bridge where dimension = 'all' and restated_mrr <> 0") == []
    )
    sheet = open_workbook(company.finance / "2026-03.v2" / "kpi-2026-03-v2.xlsx")["Restatements"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert any(row[1] == "Revenue" and row[7] == 1000.01 and "LATE" in row[10] for row in rows)


def test_changed_settings_are_told_apart_from_late_data(closed: Company, tmp_path: Path) -> None:
    """The close is compared with a build by other settings: what differs, differs for these."""
    company = closed.copy(tmp_path)
    february = "period_start = date '2026-02-01' and period_grain = 'month' and dimension = 'all'"
    with duckdb.connect(str(company.settings.paths.build_file)) as connection:
        connection.execute(f"update kpi.kpi_customer_churn_rate set numerator = 77 where {february}")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{company.settings.paths.marts_file}' as published")
        connection.execute(
            "update published.meta.build_info set settings = replace(settings, 'active_customers', 'stripe')"
        )
    company.close(MARCH, restate_reason="look")
    cause = company.ask(f"""
        select reported_value, current_value, cause, cause_detail from finance.kpi_restatements
        where metric_id = 'customer_churn_rate' and measure = 'numerator' and {february}
    """)
    told = "settings differ: churn_formula: active_customers -> stripe"
    assert cause == [(Decimal(0), Decimal(77), "settings", told)]


# Exports


def open_workbook(path: Path) -> Any:
    return openpyxl.load_workbook(path)


def cells(path: Path) -> dict[str, list[list[Any]]]:
    """The cells of each sheet, none of them a formula."""
    workbook = open_workbook(path)
    for sheet in workbook:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row), f"{sheet.title}: a formula"
    return {sheet.title: [[cell.value for cell in row] for row in sheet.iter_rows()] for sheet in workbook}


def test_the_workbook(closed: Company) -> None:
    path = closed.finance / MONTH_FOLDER / "kpi-2026-03.xlsx"
    sheets = cells(path)
    assert list(sheets) == [
        "Cover", "Performance", "Activity", "Productivity", "Beyond", "Trends", "Bridges", "Restatements",
    ]  # fmt: skip
    cover = {row[0]: row[1] for row in sheets["Cover"] if row[0]}
    run_id = closed.ask("select run_id from meta.build_info")[0][0]
    assert (cover["Company"], cover["Month"], cover["Closed by"], cover["Build (run id)"]) == (
        "=Acme", "2026-03", "ann", run_id,
    )  # fmt: skip
    datetime.strptime(cover["Closed at (UTC)"], "%Y-%m-%d %H:%M:%S")
    workbook = open_workbook(path)
    for area in ("Performance", "Activity", "Productivity", "Beyond"):
        assert workbook[area].freeze_panes == "D2"
        assert workbook[area].auto_filter.ref is not None
    assert len(workbook["Trends"]._charts) == 2
    assert {cell.number_format for cell in workbook["Performance"]["F"]} >= {"0.0%", "#,##0"}


def test_the_workbooks_totals_are_the_marts(closed: Company) -> None:
    sheets = cells(closed.finance / MONTH_FOLDER / "kpi-2026-03.xlsx")
    header, *rows = [row for area in ("Performance", "Activity", "Productivity", "Beyond") for row in sheets[area]]
    told = {(row[0], row[1], row[2], row[3]): row for row in rows if row[0] != header[0]}
    marts = closed.ask("""
        select name_en, dimension, period_grain, metric_value, prior_period_value, prior_year_value, target_value
        from kpi.kpi_scorecard where period_end = date '2026-03-31' and period_grain in ('month', 'quarter')
            and dimension = 'all'
    """)
    assert len(marts) > 90
    for name, _, grain, value, prior, year, target in marts:
        row = told[(name, "Company", "Company", "2026-03" if grain == "month" else "2026-Q1")]
        for mart, cell in ((value, row[5]), (prior, row[6]), (year, row[9]), (target, row[12])):
            assert (mart is None) == (cell is None), name
            assert mart is None or abs(mart - cell) < 0.000001, name
        assert (row[7] is None) == (value is None or prior is None), name
        assert row[7] is None or abs(row[7] - (value - prior)) < 0.000001, name
    count = closed.ask(
        "select count(*) from kpi.kpi_scorecard "
        "where period_end = date '2026-03-31' and period_grain in ('month', 'quarter')"
    )
    assert sum(len(sheets[area]) - 1 for area in ("Performance", "Activity", "Productivity", "Beyond")) == count[0][0]
    bridges = {row[0]: row[1] for row in sheets["Bridges"]}
    assert (bridges["Revenue"], bridges["Closing MRR"]) == (379.52, 169.91)


def test_names_from_the_sources_are_texts_in_the_workbook(closed: Company) -> None:
    sheets = cells(closed.finance / MONTH_FOLDER / "kpi-2026-03.xlsx")
    members = {row[2] for row in sheets["Performance"]}
    assert {'=HYPERLINK("http://x","y")', "-2+3 민준", "+South", "@North", "=EU", "=cat", "=plan"} <= members


@pytest.mark.parametrize("name", EVIL)
def test_csv_texts_are_not_run(name: str) -> None:
    safe = safe_text(name)
    assert safe == (name if name == EVIL[-1] else f"'{name}")


@pytest.mark.parametrize(
    ("value", "told"),
    [("156773.3460000000", "156773.346"), ("12.5", "12.50"), ("12.0000", "12"), ("-0.0000", "0"), ("-10.10", "-10.10"),
     ("0.0001", "0.0001"), ("1E+3", "1000"), ("123456789012345678.9012345678", "123456789012345678.9012345678")],
)  # fmt: skip
def test_decimals_are_written_out(value: str, told: str) -> None:
    assert plain_decimal(Decimal(value)) == told


def test_the_csv_export(closed: Company, tmp_path: Path) -> None:
    ended = closed.kpi("export", "2026-03", "--format", "csv", "--to", tmp_path / "out")
    assert ended.exit_code == 0, ended.err
    path = tmp_path / "out" / "kpi-2026-03-figures.csv"
    assert str(path) in ended.out
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    revenue = [row for row in rows if row["metric_id"] == "revenue" and row["period_grain"] == "month"]
    by_member = {(row["dimension"], row["dimension_value"]): row for row in revenue}
    assert by_member["all", "all"]["metric_value"] == "379.52"
    assert by_member["all", "all"]["change"] == plain_decimal(Decimal("379.52") - Decimal("1000.17"))
    assert by_member["sales_rep", "R1"]["dimension_label"] == '\'=HYPERLINK("http://x","y")'
    assert by_member["team", "'+South"]["metric_value"] == "59.84"
    for cut in ("sales_rep", "team", "region", "product_category"):
        assert sum(Decimal(row["metric_value"]) for row in revenue if row["dimension"] == cut) == Decimal("379.52")
    for row in rows:
        for column in ("metric_name", "dimension_value", "dimension_label"):
            assert not row[column].startswith(("=", "+", "-", "@", "\t")), row
    with (tmp_path / "out" / "kpi-2026-03-bookings_to_revenue.csv").open(encoding="utf-8") as stream:
        assert next(csv.DictReader(stream))["bookings_not_billed"] == "200.22"


def test_the_parquet_export_has_exact_decimals(closed: Company, tmp_path: Path) -> None:
    paths = export_month(closed.settings, MARCH, format_="parquet", to=tmp_path)
    assert [path.name for path in paths] == [
        f"kpi-2026-03-{name}.parquet" for name in ("figures", "measures", "mrr_bridge", "bookings_to_revenue")
    ]
    figures = duckdb.sql(f"describe from '{tmp_path}/kpi-2026-03-figures.parquet'").fetchall()
    assert {row[1] for row in figures if row[0] in ("metric_value", "change", "target_value")} == {"DECIMAL(38,10)"}
    total = duckdb.sql(f"""
        select sum(metric_value) from '{tmp_path}/kpi-2026-03-figures.parquet'
        where metric_id = 'revenue' and dimension = 'team' and period_grain = 'month'
    """).fetchone()
    assert total == (Decimal("379.52"),)
    assert not any("DOUBLE" in str(row[1]) or "FLOAT" in str(row[1]) for row in figures)


def test_the_workbook_in_korean(closed: Company, tmp_path: Path) -> None:
    (path,) = export_month(closed.settings, MARCH, format_="xlsx", to=tmp_path, lang="ko")
    sheets = cells(path)
    assert list(sheets)[:3] == ["표지", "성과", "활동"]
    assert sheets["성과"][0][:3] == ["지표", "구분", "항목"]
    assert sheets["성과"][1][0] == "수익"
    english = cells(closed.finance / MONTH_FOLDER / "kpi-2026-03.xlsx")
    assert [row[5] for row in sheets["성과"]][1:] == [row[5] for row in english["Performance"]][1:]


def test_the_closed_workbook_is_exported_as_it_was_closed(closed: Company, tmp_path: Path) -> None:
    (path,) = export_month(closed.settings, MARCH, format_="xlsx", to=tmp_path)
    assert path.read_bytes() == (closed.finance / MONTH_FOLDER / "kpi-2026-03.xlsx").read_bytes()


def test_an_export_after_late_data_is_as_it_was_closed(later: Company, tmp_path: Path) -> None:
    export_month(later.settings, MARCH, format_="parquet", to=tmp_path)
    told = duckdb.sql(f"""
        select metric_value from '{tmp_path}/kpi-2026-03-figures.parquet'
        where metric_id = 'revenue' and dimension = 'all' and period_grain = 'month'
    """).fetchone()
    assert told == (Decimal("379.52"),)


@pytest.mark.parametrize("format_", ["xlsx", "csv", "parquet"])
def test_an_open_month_is_exported_as_open(closed: Company, tmp_path: Path, format_: str) -> None:
    ended = closed.kpi("export", "2026-04", "--format", format_, "--to", tmp_path)
    assert ended.exit_code == 0, ended.err
    assert "not closed" in ended.out
    assert all(path.name.startswith("kpi-2026-04-open") for path in tmp_path.iterdir())
    if format_ == "xlsx":
        cover = {row[0]: row[1] for row in cells(tmp_path / "kpi-2026-04-open.xlsx")["Cover"] if row[0]}
        assert cover["Status"].startswith("OPEN")
        assert "Closed by" not in cover


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["2026-03", "--format", "pdf"], "formats are xlsx, csv, parquet"),
        (["2026-03", "--lang", "fr"], "languages are en, ko"),
        (["2031-01"], "2031-01 has no figures"),
        (["03-2026"], "YYYY-MM"),
    ],
)
def test_bad_usage_of_export(closed: Company, tmp_path: Path, arguments: list[str], complaint: str) -> None:
    ended = closed.kpi("export", *arguments, "--to", tmp_path)
    assert (ended.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert complaint in ended.complaint


def test_nothing_is_exported_into_a_closed_month(closed: Company) -> None:
    with pytest.raises(UsageError, match="never written to"):
        export_month(closed.settings, MARCH, format_="csv", to=closed.finance / MONTH_FOLDER)
    assert closed.problems() == []


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not here")
def test_libreoffice_opens_the_workbook(closed: Company, tmp_path: Path) -> None:
    path = closed.finance / MONTH_FOLDER / "kpi-2026-03.xlsx"
    environment = {**os.environ, "HOME": str(tmp_path)}
    command = ["soffice", "--headless", "--convert-to", "csv", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, timeout=120, env=environment, stdout=subprocess.DEVNULL)
    assert "379.52" in (tmp_path / "kpi-2026-03.csv").read_text()


# The schedule


def test_the_month_that_is_due(closed: Company, built: Company) -> None:
    assert due_month(closed.settings, date(2026, 5, 4)) is None  # April's third business day is May 5
    assert due_month(closed.settings, date(2026, 5, 5)) == APRIL
    assert due_month(closed.settings, date(2026, 7, 1)) == APRIL
    assert due_month(built.settings, date(2026, 4, 2)) is None
    assert due_month(built.settings, date(2026, 4, 3)) == MARCH


@pytest.fixture(scope="module", autouse=True)
def _let_go_of_read_only_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Closed folders are read-only; pytest must be able to remove them."""
    yield
    for folder in tmp_path_factory.getbasetemp().rglob("finance/**/"):
        folder.chmod(0o755)
