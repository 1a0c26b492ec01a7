"""The company that each of the reference's own tests makes for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reference.small import Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """An empty landing folder."""
    return Company(tmp_path)
