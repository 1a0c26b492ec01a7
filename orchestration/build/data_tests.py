"""Runs dbt's data tests in sets: the tests of a model as one query each, instead of one run of dbt for every test.

dbt compiles them, so what they look at and what they mean is dbt's. What is asked here is how many rows each returns,
as dbt asks; a test whose config makes more of that (a severity, a threshold, failures to store) is run by dbt itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.connections import open_build_file

AT_ONCE = 2
# What a data test's config says where nothing is set in the YAML.
PLAIN = {
    "severity": "error", "error_if": "!= 0", "warn_if": "!= 0", "fail_calc": "count(*)", "limit": None,
    "store_failures": None, "store_failures_as": None,
}  # fmt: skip


@dataclass(frozen=True)
class DataTest:
    """A data test: its name, the model that it is of, its compiled SQL (which returns the rows at fault), and where
    dbt wrote that."""

    name: str
    model: str
    query: str
    file: Path


@dataclass(frozen=True)
class Failure:
    """A data test that found rows, or could not be run; the message is what there is to say of it."""

    test: DataTest
    message: str


def buildable(nodes: Mapping[str, Any], built: Collection[str]) -> list[Any]:
    """The data tests to run when `built` (unique ids) has been: those on it that look at nothing still to be built.

    dbt calls this indirect selection `buildable`.
    """
    there = _ancestors(nodes, built)
    return [
        node
        for node in nodes.values()
        if node.resource_type == "test"
        and not there.isdisjoint(node.depends_on.nodes)
        and not set(built).isdisjoint(node.depends_on.nodes)
        and all(parent in there or parent not in nodes for parent in node.depends_on.nodes)
    ]


def _ancestors(nodes: Mapping[str, Any], built: Iterable[str]) -> set[str]:
    """Nodes, and all that they are made of."""
    found: set[str] = set()
    waiting = list(built)
    while waiting:
        if (unique_id := waiting.pop()) not in found:
            found.add(unique_id)
            if unique_id in nodes:
                waiting.extend(nodes[unique_id].depends_on_nodes)
    return found


def is_plain(node: Any) -> bool:
    """Whether a test asks no more than that there be no rows."""
    config = {name: getattr(node.config, name, None) for name in PLAIN}
    return {
        **config,
        "severity": str(config["severity"]).lower(),
        "store_failures": config["store_failures"] or None,
    } == PLAIN


def as_data_test(node: Any, project: Path) -> DataTest:
    """A test's node that dbt has compiled."""
    parents = node.depends_on.nodes
    owner = node.attached_node or (parents[0] if parents else node.unique_id)
    file = Path(node.compiled_path)
    return DataTest(
        node.name, str(owner).rpartition(".")[2], node.compiled_code, file if file.is_absolute() else project / file
    )


def run(build_file: Path, tests: Sequence[DataTest]) -> Iterator[tuple[DataTest, Failure | None]]:
    """Run data tests on the build file: each with its failure, or None."""
    ordered = sorted(tests, key=lambda test: test.model)
    sets = [list(group) for _, group in groupby(ordered, key=lambda test: test.model)]
    with open_build_file(build_file) as connection, ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(lambda one: _run_set(connection, one), sets):
            yield from outcome


def _run_set(connection: duckdb.DuckDBPyConnection, tests: Sequence[DataTest]) -> list[tuple[DataTest, Failure | None]]:
    # a connection of its own on the same file
    with connection.cursor() as cursor:
        cursor.execute("set TimeZone = 'UTC'")
        try:
            counts = cursor.execute(_together(tests)).fetchall()
        except duckdb.Error as error:
            if len(tests) > 1:
                return [entry for test in tests for entry in _run_set(connection, [test])]
            return [(tests[0], Failure(tests[0], " ".join(str(error).split("\n")[:2])))]
    found = dict(counts)
    return [(test, _failure(test, found[position])) for position, test in enumerate(tests)]


def _together(tests: Sequence[DataTest]) -> str:
    """One query for the number of rows that each test returns; its first line says which tests they are."""
    names = ", ".join(test.name for test in tests)
    return f"-- data tests: {names}\n" + "\nunion all\n".join(
        f"select {position} as test, count(*) as failures from (\n{test.query}\n) as failing_rows"
        for position, test in enumerate(tests)
    )


def _failure(test: DataTest, rows: int) -> Failure | None:
    if rows == 0:
        return None
    return Failure(test, f"Got {rows} result{'' if rows == 1 else 's'}, configured to fail if != 0")
