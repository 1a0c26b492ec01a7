"""How the seconds of steps and queries grow with the company: the exponent of the power of the scale."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

# Below this many seconds at the larger scale a measurement says more of the machine than of the query.
FLOOR_SECONDS = 0.3


def exponents(seconds: Mapping[str, Mapping[int, float]], floor_seconds: float = FLOOR_SECONDS) -> dict[str, float]:
    """The exponent of growth of each name between the two largest scales it was measured at.

    `seconds` is by name and scale. 1 is proportional to the scale, 2 quadratic. Names without two scales, or below
    `floor_seconds` at the larger, are left out. Raises ValueError for a scale or a time that is not above zero.
    """
    found = {}
    for name, by_scale in seconds.items():
        if any(scale <= 0 or time <= 0 for scale, time in by_scale.items()):
            raise ValueError(f"{name}: scales and seconds must be above zero, not {dict(by_scale)}")
        if len(by_scale) < 2:
            continue
        smaller, larger = sorted(by_scale)[-2:]
        if by_scale[larger] >= floor_seconds:
            found[name] = log(by_scale[larger] / by_scale[smaller]) / log(larger / smaller)
    return found
