"""Random companies under the default settings, and one whose CRM is its only record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.identities import EXAMPLES_PER_VARIANT, Warehouse, identities_hold_and_the_way_of_arrival_does_not_matter

VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "bookings_short_memory": {"revenue_basis": "bookings", "customer_active_days": 45},
}


@pytest.fixture(scope="module", params=VARIANTS, ids=list(VARIANTS))
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp(request.param), **VARIANTS[request.param])


@settings(
    max_examples=EXAMPLES_PER_VARIANT,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32 - 1))
def test_identities_hold_and_the_way_of_arrival_does_not_matter(warehouse: Warehouse, seed: int) -> None:
    identities_hold_and_the_way_of_arrival_does_not_matter(warehouse, seed)
