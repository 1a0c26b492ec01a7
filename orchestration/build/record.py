"""What a build writes down of itself: last_run.json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class RunRecord:
    """What a build did, as it is written to last_run.json."""

    run_id: str
    as_of_date: str
    started_at: str
    settings: dict[str, Any]
    orchestrator_run_id: str | None = None
    finished_at: str | None = None
    exit_code: int | None = None
    error: str | None = None
    error_details: list[str] = field(default_factory=list)
    published: str | None = None
    files: dict[str, int] = field(default_factory=dict)
    # by table: rows loaded, and the first and last day that they touch of a table that had rows before
    touched: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    # what the gates warned of at the last published run (gate, table, expectation, observed, told)
    published_warnings: list[list[str | None]] = field(default_factory=list)
    # closed months that are damaged or that this build's data changes, in words; whether the release before said so
    closed_months: list[str] = field(default_factory=list)
    closed_months_are_news: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


def warnings_of(gates_told: Sequence[dict[str, Any]]) -> list[list[str | None]]:
    """What tells the warnings of gates apart, from one run to the next."""
    return [
        [gate["gate"], *(warning[name] for name in ("table", "expectation", "observed", "told"))]
        for gate in gates_told
        for warning in gate["warnings"]
    ]
