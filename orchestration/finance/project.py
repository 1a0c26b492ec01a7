"""What a build was made with: its SQL, and what the YAML of its facts declares for the month close.

A fact's `meta` says, beside its owner:

- `key`: the columns that identify a row
- `frozen`: `rows`, the condition of those that a closed month keeps; `compared`, of which of them are compared with
  today's (`compared_for` where a metric is made of others); `ignored` columns, which change in the normal course of
  things; `cuts` of the marts that come from columns of another name
- `traced_to`: the landed rows behind a row: a table, and a column of the load ledger with what it equals. With
  `until_month_end` only rows dated up to the month's end count: for keys of members and deals, of which later rows
  would say nothing of the month. `of` and `by`: the value is a column of another fact, found by a column of this one
- `made_of`: facts that stand behind this one

Conditions name the month's first and last day as $first and $last, the periods that end with it as $in_periods, the
first day of the longest of them as $longest_first, and the setting cac_lag_days as $lag.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestration.core.errors import BuildError
from orchestration.core.paths import WarehousePaths

# Tables of schema kpi that are no metric's mart.
NOT_METRICS = ("kpi_scorecard", "kpi_catalog")
LINK_OPTIONS = ("table", "until_month_end", "of", "by")


@dataclass(frozen=True)
class Link:
    """Landed rows of `table` whose ledger `column` equals `values` of the fact; all of them where it is None."""

    table: str
    column: str | None = None
    values: tuple[str, ...] = ()
    until_month_end: bool = False
    of: str | None = None
    by: str | None = None

    @property
    def name(self) -> str:
        """Equal for links that look landed rows up in the same way."""
        return f"{self.table}({self.column or ''})" + (" until month end" if self.until_month_end else "")


@dataclass(frozen=True)
class Fact:
    """A fact as a month freezes it, and how a row of it is traced. The conditions are those of its YAML."""

    name: str
    key: tuple[str, ...]
    rows: str
    compared: str = "true"
    compared_for: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    cuts: Mapping[str, str] = field(default_factory=dict)
    made_of: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A fact's frozen rows against today's: of those that meet `rows`."""

    name: str
    fact: Fact
    rows: str


@dataclass(frozen=True)
class Project:
    """The project that made a build.

    models: (unique id, path, checksum, SQL) of each model, seed and macro. metric_facts: per metric the facts it reads.
    """

    models: list[tuple[str, str, str, str | None]]
    metric_facts: Mapping[str, list[str]]
    facts: Mapping[str, Fact]

    @property
    def sha256(self) -> str:
        """One hash for all of it: equal where no model, macro or seed differs."""
        told = sorted((unique_id, checksum) for unique_id, _, checksum, _ in self.models)
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def comparisons(self, metric_id: str) -> list[Comparison]:
        """What can explain that a metric's figures differ: the facts that it is made of, and those behind them."""
        names = set(self.metric_facts.get(metric_id, ())) & set(self.facts)
        names |= {more for name in names for more in self.facts[name].made_of}
        return [_comparison(self.facts[name], metric_id) for name in sorted(names)]


def _comparison(fact: Fact, metric_id: str) -> Comparison:
    if metric_id in fact.compared_for:
        return Comparison(f"{fact.name} for {metric_id}", fact, fact.compared_for[metric_id])
    return Comparison(fact.name, fact, fact.compared)


def read_project(paths: WarehousePaths) -> Project:
    """The project of the last build, as that wrote it down.

    Raises BuildError where that file is gone or of a version whose facts declared nothing.
    """
    path = paths.built_project
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuildError(
            f"{path} cannot be read: what the build was made with is not known", ["run `kpi build`"]
        ) from error
    facts = declared_facts(manifest)
    if not facts:
        raise BuildError(f"{path} is of an older version: its facts do not say what to freeze", ["run `kpi build`"])
    return Project(_models(manifest), _metric_facts(manifest), facts)


def declared_facts(manifest: Mapping[str, Any]) -> dict[str, Fact]:
    """The facts of a dbt manifest that a month freezes, by name."""
    return {
        node["name"]: fact_of(node["name"], node["config"]["meta"])
        for node in sorted(manifest["nodes"].values(), key=lambda node: str(node["name"]))
        if node["resource_type"] == "model" and "frozen" in node["config"]["meta"]
    }


def fact_of(name: str, meta: Mapping[str, Any]) -> Fact:
    """A fact from its `meta`."""
    frozen = meta["frozen"]
    return Fact(
        name=name,
        key=tuple(meta["key"]),
        rows=frozen["rows"],
        compared=frozen.get("compared", "true"),
        compared_for=frozen.get("compared_for", {}),
        ignored=tuple(frozen.get("ignored", ())),
        cuts=frozen.get("cuts", {}),
        made_of=tuple(meta.get("made_of", ())),
        links=tuple(map(_link, meta.get("traced_to", ()))),
    )


def _link(entry: Mapping[str, Any]) -> Link:
    columns = {name: value for name, value in entry.items() if name not in LINK_OPTIONS}
    ((column, values),) = columns.items() or ((None, ()),)
    return Link(
        table=entry["table"],
        column=column,
        values=(values,) if isinstance(values, str) else tuple(values),
        until_month_end=entry.get("until_month_end", False),
        of=entry.get("of"),
        by=entry.get("by"),
    )


def _models(manifest: Mapping[str, Any]) -> list[tuple[str, str, str, str | None]]:
    project = manifest["metadata"]["project_name"]
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    macros = [macro for macro in manifest["macros"].values() if macro["package_name"] == project]
    rows: list[tuple[str, str, str, str | None]] = [
        (node["unique_id"], node["original_file_path"], node["checksum"]["checksum"],
         node.get("compiled_code") or node.get("raw_code") or None)
        for node in nodes
    ]  # fmt: skip
    return rows + [
        (macro["unique_id"], macro["original_file_path"], hashlib.sha256(macro["macro_sql"].encode()).hexdigest(),
         macro["macro_sql"])
        for macro in macros
    ]  # fmt: skip


def _metric_facts(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Per mart the facts that it reads, itself or through other marts."""
    nodes = manifest["nodes"]

    def facts(unique_id: str) -> set[str]:
        node = nodes.get(unique_id)
        if node is None or node["resource_type"] != "model":
            return set()
        if node["schema"] == "facts":
            return {node["name"]}
        return set().union(*(facts(parent) for parent in node["depends_on"]["nodes"]))

    return {
        node["name"].removeprefix("kpi_"): sorted(facts(unique_id))
        for unique_id, node in nodes.items()
        if node["resource_type"] == "model" and node["schema"] == "kpi" and node["name"] not in NOT_METRICS
    }
