"""Rows as a page holds them: a fourth of what they are as objects, and read back by its script (`unpacked`)."""

from __future__ import annotations

from itertools import groupby, islice
from operator import ne
from typing import Any

from dashboards.marts import Row


def packed(rows: list[Row]) -> dict[str, Any]:
    """A list a column. A column that not all rows have is null in the others."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: _column([row.get(name) for row in rows]) for name in names}


def _column(values: list[Any]) -> list[Any] | dict[str, list[Any]]:
    """The values; or where they repeat themselves, those that occur (of), their places there (at), and how often each.

    `runs` says how often, where it is seldom once.
    """
    changes = sum(map(ne, values, islice(values, 1, None)))
    if 2 * changes + 2 < len(values):
        runs = [(value, len(list(same))) for value, same in groupby(values)]
        return {**_places([value for value, _ in runs]), "runs": [count for _, count in runs]}
    return values if float in set(map(type, values)) else _places(values)


def _places(values: list[Any]) -> dict[str, list[Any]]:
    which = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return {"of": list(which), "at": [which[value] for value in values]}
