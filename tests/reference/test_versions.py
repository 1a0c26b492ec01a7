"""Versions of a key: which is current, what takes it away, and what is told of the others."""

from __future__ import annotations

import pytest

from tests.reference.small import Company, reasons, row
from tests.reference.values import natural, natural_file

TARGETS = "target_month,scope,amount"


def target_of(company: Company, **settings: str) -> object:
    company.add_order("O1", "2025-03-05", "100")
    result = company.compute("sales_target_attainment", **settings)
    return row(result, "sales_target_attainment", "month", "2025-03-01").extras["target_amount"]


def test_names_sort_as_people_count() -> None:
    names = ["t (10).csv", "t (2).csv", "t (2)b.csv", "t 007.csv", "t 7.csv", "T.csv", "t.csv"]
    ordered = ["T.csv", "t (2).csv", "t (2)b.csv", "t (10).csv", "t 007.csv", "t 7.csv", "t.csv"]
    assert sorted(names, key=natural) == ordered
    of_files = ["T.csv", "t.csv", "t (2).csv", "t (2)b.csv", "t (10).csv", "t 007.csv", "t 7.csv"]
    assert sorted(names, key=natural_file) == of_files


def test_the_later_download_wins(company: Company) -> None:
    company.add("planning.sales_targets", TARGETS, "2025-03-01,company,500000", file="targets (2).csv")
    company.add("planning.sales_targets", TARGETS, "2025-03-01,company,650000", file="targets (10).csv")
    assert target_of(company) == 650000


def test_a_value_set_back_to_its_first_content_is_back(company: Company) -> None:
    for day, amount in (("03", 100), ("10", 140), ("17", 100)):
        company.add("planning.sales_targets", TARGETS, f"2025-03-01,company,{amount}", file=f"2025-03-{day}.csv")
    assert target_of(company) == 100
    books = company.compute().books["planning.sales_targets"]
    assert (books.read, books.current, books.superseded) == (3, 1, 2)


def test_a_deletion_takes_the_key_and_what_hangs_on_it_away(company: Company) -> None:
    company.add("billing.orders", "order_id,ordered_at,status,updated_at,deleted_at",
        "O1,2025-01-05,paid,2025-01-05,", "O1,2025-01-05,paid,2025-02-01,2025-02-01",
        "O2,2025-01-05,paid,2025-01-05,2025-01-05", "O2,2025-01-05,paid,2025-02-01,",  # it came back
        "O3,2025-01-05,paid,,2025-06-16",  # after the books were closed
    )  # fmt: skip
    company.add("billing.order_items", "order_item_id,order_id,product_id,quantity,unit_price",
        "I1,O1,P,1,1", "I2,O2,P,1,10", "I3,O3,P,1,100")  # fmt: skip
    result = company.compute()
    assert row(result, "revenue", "year", "2025-01-01").metric_value == 110
    books = result.books["billing.orders"]
    assert (books.read, books.current, books.superseded, books.deleted) == (5, 2, 2, 1)
    assert reasons(result, "billing.order_items") == {2: {"unknown_order"}}


def test_a_full_extract_deletes_what_it_lacks(company: Company) -> None:
    columns = "deal_id,deal_type,stage,amount,created_at,updated_at"
    deals = [f"D{n},upsell,proposal,100,2025-01-05,2025-01-0{9 - n}" for n in (1, 2, 3, 4)]
    company.add("crm.deals", columns, *deals, file="extract 9.csv")
    # D1 is there, D2 cannot be read but is there, D3 and D4 are not
    company.add("crm.deals", columns, deals[0], deals[1].replace("100", "a lot"), file="extract 10.csv")
    result = company.compute("sales_pipeline", full_extract_tables="crm.leads, crm.deals")
    assert row(result, "sales_pipeline", "year", "2025-01-01").metric_value == 2
    books = result.books["crm.deals"]
    assert (books.read, books.current, books.superseded, books.quarantined, books.deleted) == (6, 2, 1, 1, 2)
    partial = company.compute("sales_pipeline")
    assert row(partial, "sales_pipeline", "year", "2025-01-01").metric_value == 4


def test_different_rows_under_one_key_are_told(company: Company) -> None:
    company.add("billing.products", "product_id,product_name,category,updated_at",
        "P1,one,a,", "P1,one, a ,", "P1,one,b,", "P2,two,a,2025-01-01", "P2,two,b,2025-01-02",
        "P3,three,a,2025-01-01", "P3,three,b,2025-01-01T00:00Z")  # fmt: skip
    company.add("billing.products", "product_id,product_name,category", "P1,one,c", file="2.csv")
    assert company.compute().conflicting["billing.products"] == 2  # of P1 one, of P3 one


def test_a_line_of_nothing_but_commas_is_no_row(company: Company) -> None:
    company.add("planning.sales_quotas", "quota_month,rep_id,amount", "2025-01-01,R1,100", ",,", " , ,", "", ',"",')
    result = company.compute("quota_attainment")
    assert result.books["planning.sales_quotas"].read == 1 and not result.quarantine


@pytest.mark.parametrize("file", ["2.csv", "0.csv"])
def test_a_bad_row_is_repaired_by_a_good_one_of_its_key(company: Company, file: str) -> None:
    company.add("planning.sales_quotas", "quota_month,rep_id,amount", '2025-05-01,R1,"1,000"', "2025-13-01,R1,1")
    company.add("planning.sales_quotas", "quota_month,rep_id,amount", "2025-05-01,R1,1000", file=file)
    result = company.compute("quota_attainment")
    assert {bad.line: bad.is_repaired for bad in result.quarantine} == {2: True, 3: False}
