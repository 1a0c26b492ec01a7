"""Random companies by the default settings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.companies import RandomCompany, companies, random_company
from tests.support.identities import (
    EXAMPLES_PER_VARIANT,
    Warehouse,
    identities_hold_and_the_way_of_arrival_does_not_matter,
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("random"), "defaults")


def test_a_whole_company_is_as_the_reference_has_it(warehouse: Warehouse) -> None:
    """The one that `make check` builds."""
    warehouse.land(random_company(4))
    warehouse.build(warehouse.now)


@pytest.mark.slow
@settings(max_examples=EXAMPLES_PER_VARIANT)
@given(company=companies())
def test_identities_hold_and_the_way_of_arrival_does_not_matter(warehouse: Warehouse, company: RandomCompany) -> None:
    identities_hold_and_the_way_of_arrival_does_not_matter(warehouse, company)
