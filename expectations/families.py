"""The families of expectations: read from `expectations/<gate>.yml`, and measured in the build file.

A family is a query that is asked of each of its tables and gives one row of measures, and what is expected of these
rows. In the query `{{ table }}` is the table, and every value that the file gives the table stands by its name. All
rows of a family are put into one small table of schema `gates`, so that Great Expectations looks at a family once and
not at every table, and so that a message can name the table, the column and what else the query says (`told`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from orchestration.core.yaml_files import read_yaml
from orchestration.warehouse.sql import literal

GATES = ("after_load", "after_staging", "after_facts", "after_kpi")
FOLDER = Path(__file__).parent
REQUIRED = {"family", "about", "tables", "query", "expectations"}
# `except` takes tables out of "every ..."; `with` gives all tables the same values
OPTIONAL = {"except", "with"}
EVERY = "every "


@dataclass(frozen=True)
class Question:
    """A family's query for one table. `subject` says what of the table, such as a column; '' the table itself."""

    table: str
    subject: str
    query: str


@dataclass(frozen=True)
class Family:
    """A query asked of some tables, and the expectations that its rows are held against."""

    gate: str
    name: str
    about: str
    questions: tuple[Question, ...]
    expectations: tuple[dict[str, Any], ...]

    @property
    def relation(self) -> str:
        """The table with the family's measures: table_name, subject, told, and the columns of the query."""
        return f"gates.{self.gate}__{self.name}"

    @property
    def tables(self) -> list[str]:
        return sorted({question.table for question in self.questions})


class NotMeasurableError(Exception):
    """A query of a family does not run on a table."""

    def __init__(self, family: Family, table: str, error: duckdb.Error) -> None:
        super().__init__(f"{table}: `{family.name}` cannot be measured: {str(error).splitlines()[0]}")
        self.family = family


def read_families(gate: str, every: Mapping[str, Sequence[str]]) -> tuple[Family, ...]:
    """The families of a gate, in the order of its file.

    `every` says which tables `every <name>` stands for. Raises ValueError naming file, family and what is wrong.
    """
    path = FOLDER / f"{gate}.yml"
    return tuple(_family(gate, entry, every, path) for entry in read_yaml(path))


def _family(gate: str, entry: dict[str, Any], every: Mapping[str, Sequence[str]], path: Path) -> Family:
    where = f"{path}: the family {entry.get('family', '?')}"
    if missing := REQUIRED - entry.keys():
        raise ValueError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown := entry.keys() - REQUIRED - OPTIONAL:
        raise ValueError(f"{where} has {', '.join(sorted(unknown))}, which nothing reads")
    template = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(entry["query"])
    try:
        questions = tuple(
            Question(table, str(values.get("column") or values.get("of") or ""), template.render(table=table, **values))
            for table, values in _tables(entry, every)
        )
    except (jinja2.UndefinedError, KeyError) as error:
        raise ValueError(f"{where}: {error}") from error
    return Family(gate, entry["family"], entry["about"], questions, tuple(entry["expectations"]))


def _tables(entry: dict[str, Any], every: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each table of a family with its values; several times where it has several sets of them."""
    declared, left_out, shared = entry["tables"], set(entry.get("except", ())), entry.get("with", {})
    if isinstance(declared, str):
        declared = every[declared.removeprefix(EVERY)]
    if not isinstance(declared, dict):
        declared = {table: {} for table in declared}
    for table, values in declared.items():
        if table not in left_out:
            for own in values if isinstance(values, list) else [values]:
                yield table, {**shared, **own}


def measure(connection: duckdb.DuckDBPyConnection, family: Family) -> None:
    """Ask a family's query of all its tables and keep the answers. Raises NotMeasurableError naming the table."""
    rows = "\nunion all\n".join(
        f"select {literal(question.table)} as table_name, {literal(question.subject)} as subject, measures.*\n"
        f"from (\n{question.query}\n) as measures"
        for question in family.questions
    )
    try:
        connection.execute(f"create or replace table {family.relation} as\n{rows}")
        connection.execute(f"alter table {family.relation} add column if not exists told varchar")
    except duckdb.Error:
        for question in family.questions:
            try:
                connection.execute(question.query)
            except duckdb.Error as error:
                raise NotMeasurableError(family, question.table, error) from error
        raise
