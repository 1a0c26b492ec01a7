"""What a rep or an account was on a day: as its current version says, or, by policy, as the one in force then did."""

from __future__ import annotations

from datetime import date
from typing import Literal

from tests.reference.contract import Values
from tests.reference.landing import Key
from tests.reference.rows import UNKNOWN


class Attributes:
    """The attributes of the keys of one table.

    Versions, oldest first, are in force from the day they were written, else the day they were loaded; the first has
    always been. Of those in force the last one counts. None that is dated after the books were closed ever is.
    """

    def __init__(
        self,
        versions: dict[Key, list[Values]],
        names: tuple[str, ...],
        as_of: date,
        policy: Literal["current", "event"],
        loaded_on: date,
    ) -> None:
        self._names, self._as_of = names, as_of
        self._versions: dict[str, list[tuple[date, dict[str, str]]]] = {}
        for (key,), rows in versions.items():
            counted = rows[-1:] if policy == "current" else rows
            self._versions[key] = [
                (
                    row["updated_at"].day if row["updated_at"] else loaded_on,
                    {name: row[name] or UNKNOWN for name in names},
                )
                for row in counted
            ]

    def at(self, key: str | None, day: date) -> dict[str, str]:
        """`unknown` of a key that is not known."""
        versions = self._versions.get(key or "")
        if versions is None:
            return dict.fromkeys(self._names, UNKNOWN)
        day = min(day, self._as_of)
        in_force = (attributes for since, attributes in reversed(versions[1:]) if since <= day)
        return next(in_force, versions[0][1])
