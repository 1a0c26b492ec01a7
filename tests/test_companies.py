"""The random companies of the property tests: what they are made of, and what a failing one shrinks to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hypothesis import HealthCheck, find, settings
from hypothesis.vendor import pretty

from tests.support.companies import AS_OF, FIRST_DAY, RandomCompany, companies, random_company


def rows(company: RandomCompany, table: str) -> list[dict[str, str]]:
    return [row for (of, _), rows in company.files.items() if of == table for row in rows]


def test_a_seed_gives_the_same_files(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        random_company(7).write(tmp_path / folder)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.csv"))
    assert len(files) > 20
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes() for file in files)


def test_a_failing_company_shrinks_to_the_rows_that_matter() -> None:
    def has_a_refund_of_an_order(company: RandomCompany) -> bool:
        orders = {row["order_id"] for row in rows(company, "billing/orders")}
        return any(row["order_id"] in orders for row in rows(company, "billing/refunds"))

    found = find(
        companies(),
        has_a_refund_of_an_order,
        settings=settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)),
    )
    assert len(found.files) == 2 and sum(map(len, found.files.values())) < 8 and not found.malformed
    told = pretty.pretty(found).splitlines()
    assert len(told) < 14  # a line for the company; of each file its name, its header and its rows
    order = rows(found, "billing/orders")[0]
    assert any(order["order_id"] in line and order["ordered_at"] in line for line in told)


def test_companies_are_uneven() -> None:
    """Over some seeds: several orders of an account on a day, events after the books, amounts in millions."""
    seeds = [random_company(seed) for seed in range(20)]
    orders = [row for company in seeds for row in rows(company, "billing/orders")]
    assert len({(row["account_id"], row["ordered_at"]) for row in orders}) < len(orders) * 0.9
    days = [row["occurred_at"][:10] for company in seeds for row in rows(company, "crm/activities")]
    real = [datetime.fromisoformat(day).date() for day in days if day[:4] in ("2023", "2024", "2025")]
    assert any(day > AS_OF for day in real) and min(real) < FIRST_DAY.replace(year=2024, month=2)
    amounts = [row["amount"] for company in seeds for row in rows(company, "crm/deals")]
    assert any(len(amount) > len("10000.00") for amount in amounts)
