"""Fixtures that every test may ask for, and how hard property tests look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.landing import Landing

# Property tests try the same examples at every run, so that what breaks one is the change at hand. With TEST_EXAMPLES,
# which says how many random companies to try, all of them try others every time.
hypothesis.settings.register_profile(
    "project",
    derandomize="TEST_EXAMPLES" not in os.environ,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_the_environment() -> Iterator[None]:
    """A developer's KPI_* variables must not decide how tests end, nor outlive them.

    Builds render no dashboard unless a test asks for it: it takes seconds, and most tests don't look at it.
    """
    saved = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("KPI_")}
    os.environ["KPI_DASHBOARD"] = "false"
    os.environ["KPI_UMASK"] = "022"  # a test's process serves other tests, too
    yield
    del os.environ["KPI_DASHBOARD"], os.environ["KPI_UMASK"]
    os.environ.update(saved)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """An empty landing folder."""
    folder = tmp_path / "landing"
    folder.mkdir()
    return Landing(folder)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Where the test's warehouse goes; not there yet."""
    return tmp_path / "warehouse"
