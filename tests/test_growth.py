"""How growth is told from seconds at several scales (benchmarks/growth.py)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from growth import exponents


def test_the_exponent_is_that_of_the_two_largest_scales() -> None:
    seconds = {"linear": {1: 3.0, 10: 1.0, 100: 10.0}, "quadratic": {100: 200.0, 10: 2.0}}
    assert exponents(seconds) == pytest.approx({"linear": 1, "quadratic": 2})


def test_what_takes_no_time_or_has_one_scale_is_left_out() -> None:
    assert exponents({"short": {10: 0.01, 100: 0.29}, "once": {100: 9.0}}) == {}
    assert exponents({"short": {10: 0.01, 100: 0.29}}, floor_seconds=0.2).keys() == {"short"}


def test_a_time_of_nothing_is_named() -> None:
    with pytest.raises(ValueError, match="step load: scales and seconds must be above zero"):
        exponents({"step load": {10: 0.0, 100: 1.0}})
