"""What a build says while it runs."""

from __future__ import annotations


class Progress:
    """Where a build tells how far it is. The base class is silent."""

    def step(self, name: str, total: int | None = None) -> None:
        """A step begins; `total` is how many items it has, where that is known."""

    def advance(self, item: str) -> None:
        """One item of the step is done, or (for a load) begins."""

    def note(self, text: str) -> None:
        """Something deserves a word, however the build ends."""
