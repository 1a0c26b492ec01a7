"""Random companies by every setting but the defaults, in a process of its own: every cell is the reference's."""

from __future__ import annotations

import os

import pytest

from tests.support.companies import random_company
from tests.support.identities import VARIANTS, Warehouse, identities_hold

pytestmark = pytest.mark.slow

# Whole companies by their seeds; `TEST_EXAMPLES=40 make test` looks at as many more.
SEEDS = range(1, 4 + int(os.environ.get("TEST_EXAMPLES", "0")))


@pytest.fixture(scope="module", params=[variant for variant, settings in VARIANTS.items() if settings])
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("random"), request.param)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_whole_company_is_the_references(warehouse: Warehouse, seed: int) -> None:
    identities_hold(warehouse, random_company(seed))
