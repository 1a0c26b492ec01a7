"""Random companies by the default settings: every cell is the reference's, however the files arrived."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.companies import RandomCompany, companies, random_company
from tests.support.identities import EXAMPLES, Warehouse, identities_hold, the_way_of_arrival_does_not_matter


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("random"))


def test_a_whole_company_is_the_references(warehouse: Warehouse) -> None:
    """The one that `make check` builds."""
    identities_hold(warehouse, random_company(4))


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(company=companies())
def test_any_company_is_the_references_however_it_arrives(warehouse: Warehouse, company: RandomCompany) -> None:
    the_way_of_arrival_does_not_matter(warehouse, company)
