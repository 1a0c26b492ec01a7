"""The sample company: complete, plausible, dirty within bounds, and the same every time."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from orchestration.sample import DEFAULT_AS_OF, write_sample
from orchestration.sample.books import Table
from orchestration.sample.clock import Clock
from orchestration.sample.rows import Refund
from orchestration.sample.tables import schedule

START = date(2023, 11, 1)
STAGES = ["prospecting", "qualification", "proposal", "negotiation", "closed_won", "closed_lost"]
LISTS = {
    "deal_type": {"new_business", "upsell", "cross_sell", "renewal"},
    "activity_type": {
        "call",
        "email",
        "meeting",
        "demo",
        "presentation",
        "proposal",
        "networking_event",
        "admin",
        "other",
    },
    "scope": {"company", "team", "region"},
    "stage": set(STAGES),
    "crm.activities.status": {"completed", "scheduled", "canceled", "no_show"},
    "billing.orders.status": {"pending", "paid", "refunded", "canceled"},
    "billing.subscription_changes.status": {"trialing", "active", "paused", "canceled"},
    "support.inquiries.channel": {"phone", "email", "chat", "other"},
    "direction": {"outbound", "inbound"},
    "referrer_type": {"customer", "partner"},
    "billing_interval": {"week", "month", "quarter", "year"},
}
NUMBERS = {
    "amount",
    "probability",
    "quantity",
    "unit_price",
    "discount_amount",
    "tax_amount",
    "unit_cost",
    "unit_amount",
    "interval_count",
    "impressions",
    "clicks",
    "likes",
    "comments",
    "shares",
    "direct_messages",
    "score",
    "rate",
    "duration_minutes",
}
POSITIVE = {"billing.order_items.quantity", "billing.refunds.amount", "planning.fx_rates.rate"}

# `!` key, `*` required
CONTRACT = {
    table: columns.split()
    for table, columns in {
        "crm.sales_reps": "rep_id!* rep_name* email team region hired_on left_on updated_at",
        "crm.accounts": "account_id!* account_name* segment industry region created_at* updated_at",
        "crm.leads": """lead_id!* created_at* lead_source owner_rep_id account_id qualified_at referrer_type
            referrer_id updated_at""",
        "crm.deals": """deal_id!* deal_name account_id lead_id owner_rep_id deal_type* stage* amount* currency
            probability created_at* expected_close_on closed_at lost_reason updated_at""",
        "crm.deal_stage_changes": "deal_id!* stage!* changed_at!*",
        "crm.activities": """activity_id!* activity_type* rep_id* lead_id deal_id account_id occurred_at*
            booked_at duration_minutes direction status* updated_at""",
        "billing.orders": """order_id!* account_id deal_id rep_id subscription_id ordered_at* status* currency
            updated_at""",
        "billing.order_items": """order_item_id!* order_id* product_id* quantity* unit_price* discount_amount
            tax_amount""",
        "billing.refunds": "refund_id!* order_id* amount* refunded_at*",
        "billing.products": "product_id!* product_name* category unit_cost currency",
        "billing.subscription_changes": """subscription_change_id!* subscription_id* account_id* changed_at*
            status* plan quantity unit_amount currency billing_interval interval_count""",
        "marketing.ad_spend": "spend_on!* channel!* campaign!* amount* currency impressions clicks",
        "marketing.social_engagements": """engaged_on!* platform!* rep_id! likes comments shares
            direct_messages impressions""",
        "support.inquiries": """inquiry_id!* channel* account_id rep_id received_at* first_responded_at
            resolved_at updated_at""",
        "support.csat_responses": "response_id!* inquiry_id account_id rep_id score* responded_at*",
        "planning.sales_targets": "target_month!* scope!* scope_value! amount* currency",
        "planning.sales_quotas": "quota_month!* rep_id!* amount* currency",
        "planning.sales_costs": "cost_month!* cost_type!* amount* currency",
        "planning.fx_rates": "rate_on!* from_currency!* to_currency!* rate*",
    }.items()
}
COLUMNS = {table: [column.rstrip("!*") for column in columns] for table, columns in CONTRACT.items()}
REQUIRED = {table: [column.rstrip("!*") for column in columns if "*" in column] for table, columns in CONTRACT.items()}
KEYS = {table: [column.rstrip("!*") for column in columns if "!" in column] for table, columns in CONTRACT.items()}

Row = dict[str, str]


@dataclass
class Loaded:
    """What a loader that reads line by line finds in a landing folder."""

    counts: dict[str, int]  # as returned
    files: dict[str, dict[str, list[Row | None]]]  # table -> file name -> rows, None: malformed

    def rows(self, table: str) -> list[Row]:
        """The rows that are rows at all, older versions included."""
        return [row for rows in self.files[table].values() for row in rows if row is not None]

    def read(self, table: str) -> int:
        return sum(map(len, self.files[table].values()))

    def faults(self, table: str) -> Counter[str]:
        """The rows that the contract puts into quarantine, by reason."""
        orders = {row["order_id"] for row in self.rows("billing.orders") if not fault("billing.orders", row)}
        found: Counter[str] = Counter()
        for rows in self.files[table].values():
            for row in rows:
                reason = "malformed_line" if row is None else fault(table, row)
                if row is not None and not reason and table in ("billing.order_items", "billing.refunds"):
                    reason = "" if row["order_id"] in orders else "unknown_order"
                if reason:
                    found[reason] += 1
        return found

    def current(self, table: str) -> dict[tuple[str, ...], Row]:
        """The last good version of every row."""
        best: dict[tuple[str, ...], tuple[str, str, Row]] = {}
        for name, rows in sorted(self.files[table].items()):
            for row in rows:
                if row is None or fault(table, row):
                    continue
                key = tuple(row[column] for column in KEYS[table])
                updated = row.get("updated_at", "")[:19]
                if key not in best or (updated, name) >= best[key][:2]:
                    best[key] = (updated, name, row)
        return {key: row for key, (_, _, row) in best.items()}


def is_time(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?)?", text) is not None


def invalid(table: str, column: str, text: str) -> bool:
    """Whether a value that is there is no value of its column."""
    if column.endswith(("_at", "_on", "_month")):
        return not is_time(text)
    if column in NUMBERS:
        if not re.fullmatch(r"-?\d+(\.\d+)?", text):
            return True
        number = float(text)
        low = 1 if column == "score" else 0
        high = {"score": 5, "probability": 1}.get(column, 1e12)
        return not low <= number <= high or (f"{table}.{column}" in POSITIVE and number == 0)
    allowed = LISTS.get(f"{table}.{column}", LISTS.get(column))
    return allowed is not None and text not in allowed


def fault(table: str, row: Row) -> str:
    """Why the contract quarantines a row for its own values; empty if it does not."""
    for column in REQUIRED[table]:
        if not row[column]:
            return f"missing_{column}"
        if invalid(table, column, row[column]):
            return f"invalid_{column}" if column != "stage" else "unknown_stage"
    if row.get("currency") not in (None, "", "USD", "EUR"):
        return "missing_fx_rate"
    return ""


def parse(line: str, header: list[str]) -> Row | None:
    try:
        fields = next(csv.reader([line], strict=True))
    except csv.Error:
        return None
    if len(fields) != len(header):
        return None
    return {column: field.strip() for column, field in zip(header, fields, strict=True)}


def read_csv(path: Path) -> list[Row | None]:
    header, *lines = path.read_text("utf-8-sig").splitlines()
    return [parse(line, header.split(",")) for line in lines]


def read_parquet(path: Path) -> list[Row | None]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        relation = connection.execute(f"select columns(*)::varchar from '{path}'")
        header = [column[0] for column in relation.description or []]
        return [
            {name: (value or "").strip() for name, value in zip(header, row, strict=True)}
            for row in relation.fetchall()
        ]


def write(target: Path, **options: int) -> Loaded:
    counts = write_sample(target, scale=options.get("scale", 1), seed=options.get("seed", 1))
    files: dict[str, dict[str, list[Row | None]]] = defaultdict(dict)
    for path in sorted(target.glob("*/*/*")):
        table = ".".join(path.parts[-3:-1])
        files[table][path.name] = read_csv(path) if path.suffix == ".csv" else read_parquet(path)
    return Loaded(counts, dict(files))


def fingerprints(target: Path) -> dict[str, str]:
    """The content of every file: the bytes of CSV, the rows of Parquet in their order."""
    found = {}
    for path in sorted(target.glob("*/*/*")):
        content = path.read_bytes() if path.suffix == ".csv" else repr(read_parquet(path)).encode()
        found[str(path.relative_to(target))] = hashlib.sha256(content).hexdigest()
    return found


@pytest.fixture(scope="module")
def one_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sample") / "one"


@pytest.fixture(scope="module")
def one(one_dir: Path) -> Loaded:
    return write(one_dir)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return write(tmp_path_factory.mktemp("sample") / "two", scale=2)


def test_same_seed_same_bytes_other_seed_others(one: Loaded, one_dir: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again")
    write_sample(tmp_path / "other", seed=2)
    first = fingerprints(one_dir)
    assert fingerprints(tmp_path / "again") == first
    other = fingerprints(tmp_path / "other")
    assert other.keys() == first.keys()
    same = {name for name in first if other[name] == first[name]}
    # what does not depend on chance: the price list and the plan
    assert {name.split("/")[1] for name in same} <= {"products", "sales_targets", "sales_quotas"}


def test_the_default_sample_is_the_same_on_every_machine(one_dir: Path, one: Loaded) -> None:
    """The bytes of its CSV files, as a hash: put the new one here when a change of the sample is meant."""
    digest = hashlib.sha256()
    for path in sorted(one_dir.glob("*/*/*.csv")):
        digest.update(str(path.relative_to(one_dir)).encode() + b"\0" + path.read_bytes())
    assert digest.hexdigest() == "e3a0766d850bcdc8f3c27bde7f550fa62d3998dfdcc6e5240a787e6d4bc1ecae"


def test_every_table_of_the_contract_has_rows_and_columns(one: Loaded) -> None:
    assert set(one.files) == set(CONTRACT) == set(one.counts)
    for table, columns in COLUMNS.items():
        assert one.read(table) == one.counts[table] > 0, table
        rows = one.rows(table)
        assert all(set(columns) <= set(row) for row in rows), table
        for column in columns:
            assert any(row[column] for row in rows), f"{table}.{column} is empty throughout"
    assert 45_000 < sum(one.counts.values()) < 75_000


def test_a_row_fills_the_columns_of_its_file_by_name() -> None:
    clock = Clock(DEFAULT_AS_OF)
    plan = schedule("billing.refunds", clock)
    table: Table[Refund] = Table(plan)
    row: Refund = {"amount": "12.00", "order_id": "O1", "refund_id": "F1", "refunded_at": "2024-01-31T09:00:00"}
    table.put(0, row)
    table.put(1, row)
    assert plan.exports[0].columns == plan.exports[1].columns[::-1] == tuple(COLUMNS["billing.refunds"])
    assert table.files[0] == ["F1,O1,12.00,2024-01-31T09:00:00"]
    assert table.files[1] == ["2024-01-31T09:00:00,12.00,O1,F1"]


def test_only_what_is_meant_is_left_in_the_folder(one: Loaded, one_dir: Path) -> None:
    assert {path.suffix for path in one_dir.rglob("*") if path.is_file()} == {".csv", ".parquet"}
    assert all(len(path.relative_to(one_dir).parts) == 3 for path in one_dir.rglob("*") if path.is_file())


def test_scale_two_is_two_units_with_keys_of_their_own(one: Loaded, two: Loaded) -> None:
    shared = {"billing.products", "planning.sales_targets", "planning.sales_costs", "planning.fx_rates"}
    for table in CONTRACT:
        if table in shared:
            assert two.counts[table] == one.counts[table], table
        elif table != "marketing.social_engagements":  # the company's own pages are there once
            assert 1.7 < two.counts[table] / one.counts[table] < 2.3, table
    for table in ("crm.sales_reps", "crm.deals", "billing.orders", "marketing.ad_spend"):
        first, both = one.current(table), two.current(table)
        # the files of two units are longer, but the first unit of both is the same business
        assert len(set(first) - set(both)) < len(first) // 100 + 1
    targets = [loaded.current("planning.sales_targets") for loaded in (one, two)]
    for key, row in targets[0].items():
        assert float(targets[1][key]["amount"]) == pytest.approx(2 * float(row["amount"]), rel=0.1)


def test_a_key_has_one_meaning_over_units(two: Loaded) -> None:
    """What never changes in a row is the same in all its versions."""
    fixed = {
        "crm.leads": "created_at",
        "crm.deals": "amount",
        "crm.activities": "activity_type",
        "billing.orders": "account_id",
        "billing.order_items": "unit_price",
        "billing.refunds": "order_id",
        "billing.subscription_changes": "subscription_id",
        "marketing.ad_spend": "clicks",
        "marketing.social_engagements": "impressions",
        "support.csat_responses": "score",
        "planning.sales_targets": "amount",
        "planning.sales_quotas": "amount",
        "planning.sales_costs": "amount",
        "planning.fx_rates": "rate",
        "crm.accounts": "account_name",
        "crm.sales_reps": "rep_name",
        "billing.products": "product_name",
    }
    for table, column in fixed.items():
        values: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for row in two.rows(table):
            if not fault(table, row) and not invalid(table, column, row[column]):
                values[tuple(row[name] for name in KEYS[table])].add(row[column])
        several = [key for key, found in values.items() if len(found) > 1]
        # an unknown account or a shifted offset may stand in a version; two units under one key would be many
        assert len(several) <= len(values) // 200, (table, several[:3])


@pytest.mark.parametrize("table", sorted(CONTRACT))
def test_quarantine_stays_well_below_one_percent(one: Loaded, two: Loaded, table: str) -> None:
    for loaded in (one, two):
        faults = loaded.faults(table)
        assert faults.total() < 0.01 * loaded.read(table), faults
        if loaded.read(table) < 200:
            assert not faults


def test_every_kind_of_quarantined_row_occurs(one: Loaded) -> None:
    reasons = Counter[str]()
    for table in CONTRACT:
        reasons.update({f"{table} {reason}": count for reason, count in one.faults(table).items()})
    for expected in (
        "crm.leads malformed_line",
        "crm.leads invalid_created_at",
        "crm.deals invalid_amount",
        "crm.deals unknown_stage",
        "crm.deals missing_fx_rate",
        "crm.deal_stage_changes unknown_stage",
        "crm.activities missing_rep_id",
        "crm.activities invalid_activity_type",
        "billing.orders invalid_status",
        "billing.order_items unknown_order",
        "billing.order_items invalid_quantity",
        "billing.refunds unknown_order",
        "marketing.ad_spend missing_amount",
        "support.inquiries invalid_channel",
        "support.csat_responses invalid_score",
        "planning.fx_rates missing_rate",
    ):
        assert reasons[expected], (expected, reasons)


def test_dirt_in_the_text_of_the_files(one: Loaded, one_dir: Path) -> None:
    texts = {path: path.read_bytes().decode() for path in one_dir.glob("*/*/*.csv")}
    lines = [line for text in texts.values() for line in text.splitlines()]

    def share(pattern: str) -> float:
        return sum(re.search(pattern, line) is not None for line in lines) / len(lines)

    assert any(text.startswith("\ufeff") for text in texts.values()), "byte-order mark"
    assert any(text.count("\r\n") == text.count("\n") for text in texts.values()), "Windows line ends"
    for kind, pattern in {
        "number with a thousands comma": r'"\d{1,3},\d{3}\.\d\d"',
        "day first": r"\b\d\d/\d\d/20\d\d",
        "whitespace": r",  [^,]+ (,|$)",
        "offset": r"\+09:00",
        "unknown rep": r"\bR0-404\b",
        "unknown account": r"\bA0-404\b",
        "unknown order": r"\bO0-404\b",
        "unknown product": r"\bP-99\b",
    }.items():
        assert 0 < share(pattern) < 0.01, kind
    assert share("[\uac00-\ud7a3]") > 0 and share("[\U0001f300-\U0001faff]") > 0, "Hangul and emoji"
    open_quotes = [line for line in lines if line.count('"') % 2]
    assert 0 < len(open_quotes) < 0.01 * len(lines)
    fields = Counter(len(row or ()) for table in ("crm.leads",) for rows in one.files[table].values() for row in rows)
    assert len(fields) == 2  # whole rows and malformed lines


def test_files_that_differ_in_shape(one_dir: Path, one: Loaded) -> None:
    headers = {path: path.read_text("utf-8-sig").splitlines()[0].split(",") for path in one_dir.glob("*/*/*.csv")}
    usual = {path: COLUMNS[".".join(path.parts[-3:-1])] for path in headers}
    assert any(set(header) > set(usual[path]) for path, header in headers.items()), "extra columns"
    assert any(header != usual[path] and sorted(header) == sorted(usual[path]) for path, header in headers.items()), (
        "another order"
    )
    contents = Counter(path.read_bytes() for path in headers)
    assert max(contents.values()) == 2, "delivered twice"
    assert sum(len(one.files[table]) > 1 for table in CONTRACT) >= 14, "several files a table"


def test_duplicate_keys_and_new_versions(one: Loaded) -> None:
    in_one_file: set[str] = set()
    across: set[str] = set()
    for table in ("crm.leads", "crm.deals", "crm.activities", "billing.orders", "billing.order_items"):
        rows_of: dict[str, list[tuple[str, Row]]] = defaultdict(list)
        for name, rows in one.files[table].items():
            for row in rows:
                if row is not None:
                    rows_of[row[KEYS[table][0]]].append((name, row))
        for versions in rows_of.values():
            names = Counter(name for name, _ in versions)
            if max(names.values()) > 1:
                in_one_file.add(table)
            if len(names) > 1 and len({str(sorted(row.items())) for _, row in versions}) == 1:
                across.add(table)
    assert len(in_one_file) >= 4 and len(across) >= 2
    for table, column in (
        ("crm.leads", "qualified_at"),
        ("crm.deals", "stage"),
        ("billing.orders", "status"),
    ):
        states: dict[str, set[str]] = defaultdict(set)
        for row in one.rows(table):
            states[row[KEYS[table][0]]].add(row[column])
        assert sum(len(found) > 1 for found in states.values()) >= 20, table


def test_harmless_oddities_in_the_values(one: Loaded) -> None:
    deals, inquiries = one.rows("crm.deals"), one.rows("support.inquiries")
    backwards = [row for row in deals if is_time(row["closed_at"]) and row["closed_at"] < row["created_at"]]
    assert 0 < len(backwards) < 0.01 * len(deals)
    early = [row for row in inquiries if row["first_responded_at"] and row["received_at"]]
    early = [row for row in early if row["first_responded_at"] < row["received_at"]]
    assert 0 < len(early) < 0.01 * len(inquiries)
    for table, column in (
        ("crm.deals", "probability"),
        ("crm.deals", "expected_close_on"),
        ("crm.leads", "referrer_type"),
        ("crm.activities", "direction"),
        ("crm.activities", "duration_minutes"),
        ("marketing.social_engagements", "likes"),
    ):
        rows = one.rows(table)
        odd = [row for row in rows if row[column] and invalid(table, column, row[column])]
        assert 0 < len(odd) < 0.01 * len(rows), (table, column)


def utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace(" ", "T"))
    return moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta())


def test_nothing_happens_outside_the_three_years_but_plans(one: Loaded) -> None:
    plans = {"expected_close_on", "hired_on", "rate_on", "target_month", "quota_month", "cost_month"}
    scheduled = 0
    for table in CONTRACT:
        for row in one.current(table).values():
            for column in COLUMNS[table]:
                text = row[column]
                if column in plans or not column.endswith(("_at", "_on")) or not text or not is_time(text):
                    continue
                if START <= utc(text).date() <= DEFAULT_AS_OF:
                    continue
                assert (table, column, row["status"]) == ("crm.activities", "occurred_at", "scheduled"), row
                scheduled += 1
    assert 3 <= scheduled <= 50
    rates = [row["rate_on"] for row in one.current("planning.fx_rates").values()]
    assert min(rates) < "2023-10-15" and max(rates) == DEFAULT_AS_OF.isoformat()


def test_no_rep_works_before_hiring_or_after_leaving(one: Loaded) -> None:
    reps = {row["rep_id"]: row for row in one.current("crm.sales_reps").values()}
    assert any(row["left_on"] for row in reps.values())
    assert len({row["team"] for row in reps.values()}) == len({row["region"] for row in reps.values()}) == 3
    for row in one.current("crm.activities").values():
        rep = reps.get(row["rep_id"])
        if rep is not None:
            day = row["occurred_at"][:10]
            assert rep["hired_on"] <= day and (not rep["left_on"] or day <= rep["left_on"])


def test_references_hold_but_for_the_dirt(one: Loaded) -> None:
    for table, column, parent in (
        ("crm.deals", "account_id", "crm.accounts"),
        ("crm.deals", "lead_id", "crm.leads"),
        ("crm.leads", "account_id", "crm.accounts"),
        ("crm.deal_stage_changes", "deal_id", "crm.deals"),
        ("crm.activities", "rep_id", "crm.sales_reps"),
        ("crm.activities", "deal_id", "crm.deals"),
        ("billing.orders", "deal_id", "crm.deals"),
        ("billing.order_items", "product_id", "billing.products"),
        ("billing.subscription_changes", "account_id", "crm.accounts"),
        ("support.csat_responses", "inquiry_id", "support.inquiries"),
        ("planning.sales_quotas", "rep_id", "crm.sales_reps"),
    ):
        known = {key[0] for key in one.current(parent)}
        used = [row[column] for row in one.current(table).values() if row[column]]
        assert sum(value not in known for value in used) < 0.015 * len(used), (table, column)


def test_the_funnel_is_plausible(one: Loaded) -> None:
    deals = one.current("crm.deals").values()
    stages = Counter(row["stage"] for row in deals)
    assert set(stages) == LISTS["stage"]
    assert 0.2 < stages["closed_won"] / (stages["closed_won"] + stages["closed_lost"]) < 0.35
    assert all(not row["lost_reason"] for row in deals if row["stage"] != "closed_lost")
    assert {row["deal_type"] for row in deals} == LISTS["deal_type"]
    paths: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in one.current("crm.deal_stage_changes").values():
        paths[row["deal_id"]].append((utc(row["changed_at"]).isoformat(), STAGES.index(row["stage"])))
    steps = [pair for path in map(sorted, paths.values()) for pair in pairwise(path)]
    assert sum(after[1] < before[1] < 4 for before, after in steps) > 20, "back a stage"
    assert sum(before[1] == 5 and after[1] < 4 for before, after in steps) > 10, "reopened"
    buyers = {row["account_id"] for row in one.current("billing.orders").values()} - {""}
    leads = one.current("crm.leads").values()
    assert 0.05 < sum(row["account_id"] in buyers for row in leads) / len(leads) < 0.2
    assert {row["referrer_type"] for row in leads} >= {"customer", "partner", ""}


def test_money_is_plausible(one: Loaded) -> None:
    orders = one.current("billing.orders")
    assert {row["status"] for row in orders.values()} == LISTS["billing.orders.status"]
    assert {row["currency"] for row in orders.values()} == {"USD", "EUR"}
    revenue: Counter[str] = Counter()
    for row in one.current("billing.order_items").values():
        order = orders.get((row["order_id"],))
        if order is not None and order["status"] in ("paid", "refunded"):
            net = float(row["quantity"]) * float(row["unit_price"]) - float(row["discount_amount"] or 0)
            year = (utc(order["ordered_at"]).date() - START).days // 366
            revenue[str(year)] += round(net)
    assert 1.1 < revenue["1"] / revenue["0"] < 1.45 and 1.1 < revenue["2"] / revenue["1"] < 1.45, revenue
    targets = sum(
        float(row["amount"]) for row in one.current("planning.sales_targets").values() if row["scope"] == "company"
    )
    assert 0.7 < revenue.total() / targets < 1.2
    costs = sum(float(row["amount"]) for row in one.current("planning.sales_costs").values())
    spend = sum(float(row["amount"]) for row in one.current("marketing.ad_spend").values())
    customers = len({row["account_id"] for row in orders.values()} - {""})
    assert (costs + spend) / customers < revenue.total() / customers
    sources = {row["lead_source"] for row in one.current("crm.leads").values()}
    assert {row["channel"] for row in one.current("marketing.ad_spend").values()} <= sources
    scores = [int(row["score"]) for row in one.current("support.csat_responses").values()]
    assert 0.8 < sum(score >= 4 for score in scores) / len(scores) < 0.9


def test_subscriptions_live_through_every_movement(one: Loaded) -> None:
    lives: dict[str, list[Row]] = defaultdict(list)
    for row in one.current("billing.subscription_changes").values():
        lives[row["subscription_id"]].append(row)
    moves: Counter[str] = Counter()
    for life in lives.values():
        life.sort(key=lambda row: (utc(row["changed_at"]), row["subscription_change_id"]))
        for before, after in pairwise(life):
            moves[f"{before['status']} {after['status']}"] += 1
            if before["status"] == after["status"] == "active":
                bigger = int(after["quantity"] or 1) > int(before["quantity"] or 1)
                moves["up" if bigger or after["plan"] != before["plan"] else "down"] += 1
    for move in (
        "trialing active",
        "trialing canceled",
        "active canceled",
        "canceled active",
        "active paused",
        "paused active",
        "up",
        "down",
    ):
        assert moves[move], moves
    assert {row["billing_interval"] for life in lives.values() for row in life} == LISTS["billing_interval"]
    accounts = Counter(life[0]["account_id"] for life in lives.values())
    assert max(accounts.values()) >= 2


def test_progress_and_another_last_day(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_sample(tmp_path / "leap", as_of=date(2024, 2, 29), progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 1)]
    assert (tmp_path / "leap/crm/deals/2024-02-29.csv").is_file()


@pytest.mark.parametrize("scale", [0, -3])
def test_refuses_a_scale_below_one(tmp_path: Path, scale: int) -> None:
    with pytest.raises(ValueError, match=rf"^scale {scale} .*use 1"):
        write_sample(tmp_path / "x", scale=scale)
    assert not (tmp_path / "x").exists()


def test_refuses_to_mix_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path} is not empty")):
        write_sample(tmp_path)
    with pytest.raises(ValueError, match=r"notes\.txt is a file"):
        write_sample(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_refuses_a_day_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^as-of date 1999-12-31 is out of reach: use"):
        write_sample(tmp_path, as_of=date(1999, 12, 31))


def test_in_won_every_amount_is_whole_and_thirteen_times_its_cents(tmp_path: Path) -> None:
    lines = {}
    for currency in ("USD", "KRW"):
        write_sample(tmp_path / currency, currency=currency)
        with duckdb.connect() as connection:
            files = (
                f"read_csv('{tmp_path / currency}/billing/order_items/*.csv', union_by_name = true, all_varchar = true)"
            )
            lines[currency] = connection.execute(
                "select sum(price), max(price * try_cast(quantity as int)) "
                f"from (select *, try_cast(unit_price as double) as price from {files}) where price >= 0"
            ).fetchall()[0]
            orders = f"read_csv('{tmp_path / currency}/billing/orders/*.csv', union_by_name = true, all_varchar = true)"
            found = connection.execute(f"select count(*) from {orders} where currency = '{currency}'").fetchall()[0][0]
        assert found > 1000
    assert lines["KRW"][0] == pytest.approx(1300 * lines["USD"][0], rel=0.001)
    assert lines["KRW"][1] > 1_000_000
    with pytest.raises(ValueError, match="currency CHF: the sample company keeps its books in USD or KRW"):
        write_sample(tmp_path / "chf", currency="CHF")
