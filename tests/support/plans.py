"""Records what DuckDB plans for each statement of a stretch of the program, and finds joins that are quadratic.

`recording()` replaces `duckdb.connect`, which dbt-duckdb, duckdb-engine (Great Expectations) and the project's own code
all come through. Each statement is explained on its own connection before it runs, so that its temporary tables,
attached files and parameters are there; no list of queries can forget one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import duckdb

from orchestration.core.contract import PROJECT_ROOT

PACKAGES = ("dashboards", "expectations", "orchestration", "tests")
EXPLAINED = {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "COPY", "CREATE_FUNC"}
NESTED_LOOPS = ("NESTED_LOOP_JOIN", "BLOCKWISE_NL_JOIN", "CROSS_PRODUCT")
# Joins of ranges by sorting, which a plan for tables as small as a test's leaves out.
AS_AT_SIZE = "set nested_loop_join_threshold = 0; set merge_join_threshold = 0; set asof_loop_join_threshold = 0"
# A row, or as many as the query says, whatever is below.
ONE_SIZE = ("UNGROUPED_AGGREGATE", "SIMPLE_AGGREGATE", "STREAMING_LIMIT", "LIMIT", "TOP_N")
# With nothing below them. (A recursive CTE's scan of itself adds no other table.)
CONSTANTS = (
    "COLUMN_DATA_SCAN", "DUMMY_SCAN", "EMPTY_RESULT", "EXPRESSION_SCAN", "GENERATE_SERIES", "RANGE", "REC_CTE_SCAN",
    "UNNEST",
)  # fmt: skip
OF_THE_CATALOG = re.compile(r"(system\.)?(information_schema|pg_catalog)\.|duckdb_\w+|pragma_\w+", re.IGNORECASE)
# A dbt node by the comment that dbt puts before its statements, and data tests by the line before theirs.
NAMED = re.compile(r'"node_id": "([^"]+)"|^-- (data tests: .*)')

Plan = Mapping[str, Any]


@dataclass(frozen=True)
class Explained:
    """A statement that ran: who sent it (a dbt node, or a line of the project), its text, the roots of its plan."""

    sender: str
    sql: str
    roots: Sequence[Plan]


@dataclass(frozen=True)
class QuadraticJoin:
    """A nested loop over two relations that both grow: what DuckDB does, by which condition, over which tables."""

    operator: str
    condition: str
    left: frozenset[str]
    right: frozenset[str]

    def __str__(self) -> str:
        sides = " with ".join(", ".join(sorted(side)) for side in (self.left, self.right))
        return f"{self.operator} of {sides} on {self.condition or 'nothing'}"


@dataclass
class Recorder:
    """The statements that were sent through connections of its own."""

    explained: list[Explained] = field(default_factory=list)
    unexplained: list[tuple[str, str]] = field(default_factory=list)
    """Statements that ran though DuckDB could not explain them: who sent them and why not."""

    def connect(self, *arguments: Any, **options: Any) -> _Connection:
        """What stands in for `duckdb.connect`."""
        return _Connection(_connect(*arguments, **options), self)

    def explain(self, connection: duckdb.DuckDBPyConnection, sender: str, sql: str, parameters: Any) -> str | None:
        """Keep the plan of a statement. Returns why there is none, if there is none."""
        try:
            rows = connection.execute(f"explain (format json) {sql}", parameters).fetchall()
        except duckdb.Error as error:
            return str(error).splitlines()[0]
        roots = [root for _, text in rows for root in json.loads(text)]
        self.explained.append(Explained(sender, sql, roots))
        return None

    def quadratic(self, bounded: Iterable[str]) -> list[tuple[str, QuadraticJoin]]:
        """The quadratic joins of all statements, each with who sends it; once where a statement was sent often."""
        patterns = list(bounded)
        return list(dict.fromkeys(
            (one.sender, join) for one in self.explained for join in quadratic_joins(one.roots, patterns)
        ))  # fmt: skip


_connect = duckdb.connect


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record every statement sent meanwhile, on connections opened meanwhile."""
    recorder = Recorder()
    with mock.patch.object(duckdb, "connect", recorder.connect):
        yield recorder


class _Connection:
    """A connection, or a cursor of one, that explains what it is about to run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, recorder: Recorder) -> None:
        self._connection = connection
        self._recorder = recorder
        connection.execute(AS_AT_SIZE)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def cursor(self) -> _Connection:
        return _Connection(self._connection.cursor(), self._recorder)

    duplicate = cursor

    def execute(self, query: Any, parameters: Any = None) -> _Connection:
        statements = duckdb.extract_statements(query) if isinstance(query, str) else [query]
        sender = _sender(str(query))
        for number, statement in enumerate(statements, start=1):
            sql = statement.query.strip().rstrip(";")
            of_this = parameters if number == len(statements) else None
            is_plan = statement.type.name in EXPLAINED
            why_not = self._recorder.explain(self._connection, sender, sql, of_this) if is_plan else None
            self._connection.execute(sql, of_this)
            if why_not is not None:  # though it runs
                self._recorder.unexplained.append((sender, why_not))
        return self

    sql = query = execute

    def executemany(self, query: str, parameters: Any = None) -> _Connection:
        rows = list(parameters or [])
        why_not = self._recorder.explain(self._connection, _sender(query), query, rows[0]) if rows else None
        self._connection.executemany(query, rows)
        if why_not is not None:
            self._recorder.unexplained.append((_sender(query), why_not))
        return self


def _sender(sql: str) -> str:
    """Who sends a statement: the dbt nodes that its comment names, or the innermost line of the project."""
    if named := NAMED.search(sql):
        return named[1] or named[2]
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path != Path(__file__) and path.is_relative_to(PROJECT_ROOT):
            inside = path.relative_to(PROJECT_ROOT)
            if inside.parts[0] in PACKAGES:
                return f"{inside}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return "a library"


def quadratic_joins(roots: Iterable[Plan], bounded: Iterable[str]) -> list[QuadraticJoin]:
    """The nested loops of a plan of which both sides grow.

    A side grows if it scans a table whose `schema.name` no pattern of `bounded` matches in full, or a file; constants,
    aggregates without groups and limits are of one size.
    """
    known = re.compile("|".join(bounded) or "$.")
    found = []
    for root in roots:
        sizes = _Sizes(known, root)
        for node in _nodes(root):
            if node["name"].strip() in NESTED_LOOPS:
                left, right = (sizes.grows_by(child) for child in node["children"][:2])
                if left and right:
                    found.append(QuadraticJoin(node["name"].strip(), _condition(node), left, right))
    return found


def _nodes(node: Plan) -> Iterator[Plan]:
    yield node
    for child in node["children"]:
        yield from _nodes(child)


def _condition(node: Plan) -> str:
    info = node["extra_info"]
    condition = info.get("Conditions", info.get("Condition", ""))
    return condition if isinstance(condition, str) else " and ".join(condition)


class _Sizes:
    """By which tables the relations of a plan grow."""

    def __init__(self, bounded: re.Pattern[str], root: Plan) -> None:
        self._bounded = bounded
        # scans by the index that they name, or as themselves, and what it is that they scan
        self._scanned: dict[tuple[str, str] | int, Plan] = {}
        for node in _nodes(root):
            name, info = node["name"].strip(), node["extra_info"]
            if name == "CTE":
                self._scanned["CTE_SCAN", info["Table Index"]] = node["children"][0]
            elif name.endswith("_DELIM_JOIN"):
                outer, join = node["children"][:2]
                self._scanned["DELIM_SCAN", info["Delim Index"]] = outer
                for child in join["children"]:
                    if child["name"].strip() == "COLUMN_DATA_SCAN":
                        self._scanned[id(child)] = outer

    def grows_by(self, node: Plan) -> frozenset[str]:
        """The tables and files below a node that grow with the business; none where its size does not."""
        name, info = node["name"].strip(), node["extra_info"]
        index = info.get("CTE Index", info.get("Delim Index", ""))
        if not node["children"] and (behind := self._scanned.get(id(node), self._scanned.get((name, index)))):
            return self.grows_by(behind)
        if name in ONE_SIZE:
            return frozenset()
        if node["children"]:
            below = [self.grows_by(child) for child in (node["children"][1:] if name == "CTE" else node["children"])]
            # the other columns of the rows that a limit chose
            if name == "HASH_JOIN" and _condition(node) == "rowid = rowid" and not all(below):
                return frozenset()
            return frozenset[str]().union(*below)
        if name in CONSTANTS:
            return frozenset()
        scanned = str(info.get("Table") or info.get("Function") or name).lower()
        relation = ".".join(scanned.split(".")[-2:])
        is_bounded = self._bounded.fullmatch(relation) or OF_THE_CATALOG.match(scanned)
        return frozenset() if is_bounded else frozenset({relation})
