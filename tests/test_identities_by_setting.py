"""Random companies by every setting but the defaults, in a process of its own: every cell is the reference's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.support.companies import RandomCompany, companies
from tests.support.identities import EXAMPLES, VARIANTS, Warehouse, identities_hold

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[variant for variant, settings in VARIANTS.items() if settings])
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("random"), request.param)


@settings(max_examples=EXAMPLES)
@given(company=companies())
def test_any_company_is_the_references(warehouse: Warehouse, company: RandomCompany) -> None:
    identities_hold(warehouse, company)
