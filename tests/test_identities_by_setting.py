"""Random companies by every other setting, in a process of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.companies import RandomCompany, companies
from tests.support.identities import (
    EXAMPLES_PER_VARIANT,
    VARIANTS,
    Warehouse,
    identities_hold_and_the_way_of_arrival_does_not_matter,
)


@pytest.fixture(scope="module", params=[name for name in VARIANTS if name != "defaults"])
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("random"), request.param)


@pytest.mark.slow
@settings(max_examples=EXAMPLES_PER_VARIANT)
@given(company=companies())
def test_identities_hold_and_the_way_of_arrival_does_not_matter(warehouse: Warehouse, company: RandomCompany) -> None:
    identities_hold_and_the_way_of_arrival_does_not_matter(warehouse, company)
