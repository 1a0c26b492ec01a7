"""Evaluates a gate: its suites as one Great Expectations checkpoint on the build file, read-only, in SQL."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import duckdb
import yaml

SUITES = Path(__file__).parent
GATES = ("after_load", "after_staging", "after_facts", "after_kpi")
# How many unexpected rows or values a message shows.
MOST_EXAMPLES = 3


@dataclass(frozen=True)
class Validation:
    """Expectations of one table, or of what a query gives. `explain` is SQL for one text that says more on failure."""

    gate: str
    table: str
    name: str
    query: str
    expectations: list[dict[str, Any]]
    explain: str | None = None


@dataclass(frozen=True)
class Finding:
    """An expectation that was not met."""

    table: str
    expectation: str
    observed: str
    limit: str
    is_warning: bool
    told: str | None = None
    data_docs: str | None = None

    def __str__(self) -> str:
        line = f"{self.table}: {self.expectation}: observed {self.observed}, limit {self.limit}"
        return f"{line} ({self.told})" if self.told else line


@dataclass
class GateResult:
    """What a gate found; it is closed where there are failures."""

    gate: str
    expectations: int = 0
    tables: list[str] = field(default_factory=list)
    failures: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    data_docs: str | None = None

    @property
    def passed(self) -> bool:
        return not self.failures

    def to_dict(self) -> dict[str, Any]:
        """As it stands in last_run.json."""
        return {
            "gate": self.gate,
            "passed": self.passed,
            "expectations": self.expectations,
            "failures": [asdict(finding) for finding in self.failures],
            "warnings": [asdict(finding) for finding in self.warnings],
            "data_docs": self.data_docs,
        }


@cache
def validations(gate: str) -> tuple[Validation, ...]:
    """The validations of a gate, in order of their tables. Raises ValueError naming a file that is not a suite."""
    return tuple(
        validation
        for path in sorted((SUITES / gate).glob("*.yml"))
        for validation in _of_file(gate, path)
    )  # fmt: skip


def tables_of(gate: str) -> list[str]:
    """The tables a gate looks at, sorted."""
    return sorted({validation.table for validation in validations(gate)})


def _of_file(gate: str, path: Path) -> Iterator[Validation]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not {"table", "validations"} <= content.keys():
        raise ValueError(f"{path}: a suite has a `table` and `validations`")
    for entry in content["validations"]:
        of = entry.get("of", "rows")
        yield Validation(
            gate=gate,
            table=content["table"],
            name=f"{path.stem} {of}",
            # Great Expectations wants a query to begin with select, not with.
            query=f"select * from (\n{entry['query']}\n) as {of.replace(' ', '_')}_"
            if "query" in entry
            else f"select * from {entry['relation']}",
            expectations=entry["expectations"],
            explain=entry.get("explain"),
        )


class GateRunner:
    """The gates of one run. They share a context, so the run's Data Docs show all that were evaluated so far."""

    def __init__(self, build_file: Path, data_docs: Path, run_id: str, parameters: Mapping[str, Any]) -> None:
        self._build_file = build_file
        self._data_docs = data_docs
        self._run_id = run_id
        self._parameters = dict(parameters)
        self._context: Any = None

    def run(self, gate: str) -> GateResult:
        """Evaluate all expectations of a gate, and render the run's Data Docs."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._run(gate)

    def _run(self, gate: str) -> GateResult:
        from expectations.great_expectations_on_duckdb import gx

        context = self._context = self._context or self._new_context(gx)
        source = context.data_sources.add_sql(
            name=gate, connection_string=f"duckdb:///{self._build_file}?access_mode=read_only"
        )
        by_name = {validation.name: validation for validation in validations(gate)}
        checkpoint = gx.Checkpoint(
            name=gate,
            validation_definitions=[self._definition(gx, source, validation) for validation in by_name.values()],
            result_format={"result_format": "COMPLETE", "partial_unexpected_count": MOST_EXAMPLES},
        )
        try:
            outcome = context.checkpoints.add(checkpoint).run(
                expectation_parameters=self._parameters,
                run_id=gx.RunIdentifier(run_name=self._run_id),
            )
        finally:
            _close(source)
        result = GateResult(gate, tables=tables_of(gate))
        context.build_data_docs()
        result.data_docs = str(self._data_docs / "index.html")
        for identifier, validation_result in outcome.run_results.items():
            validation = by_name[validation_result.suite_name.partition(": ")[2]]
            page = context.get_docs_sites_urls(resource_identifier=identifier)[0]["site_url"]
            self._collect(result, validation, validation_result, unquote(urlparse(page).path))
        return result

    def _new_context(self, gx: Any) -> Any:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        context.delete_data_docs_site("local_site")
        context.add_data_docs_site(
            "gates",
            {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(self._data_docs),
                },
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            },
        )
        return context

    def _definition(self, gx: Any, source: Any, validation: Validation) -> Any:
        context, name = self._context, f"{validation.gate}: {validation.name}"
        asset = source.add_query_asset(validation.name, query=validation.query)
        suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=validation.expectations))
        return context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=asset.add_batch_definition_whole_table("all"), suite=suite)
        )

    def _collect(self, result: GateResult, validation: Validation, outcome: Any, page: str) -> None:
        for entry in outcome.results:
            result.expectations += 1
            if entry.success:
                continue
            config = entry.expectation_config
            is_warning = str(config.severity or "critical").rpartition(".")[2].lower() != "critical"
            finding = Finding(
                table=validation.table,
                expectation=_named(config),
                observed=observed(entry),
                limit=limit(config, _settings_named(validation, config)),
                is_warning=is_warning,
                told=self._explain(validation.explain),
                data_docs=page,
            )
            (result.warnings if is_warning else result.failures).append(finding)

    def _explain(self, query: str | None) -> str | None:
        if query is None:
            return None
        with duckdb.connect(str(self._build_file), read_only=True) as connection:
            row = connection.execute(query).fetchone()
        return str(row[0]) if row and row[0] is not None else None


def _close(source: Any) -> None:
    """DuckDB lets nobody write while a connection is open, so none may stay."""
    engine = source.get_execution_engine()
    engine.close()
    source.get_engine().dispose()


def _named(config: Any) -> str:
    column = config.kwargs.get("column")
    return f"{config.type}({column})" if column else str(config.type)


def observed(entry: Any) -> str:
    """What an expectation saw, as people read it."""
    errors = list(_exceptions(entry.exception_info))
    if errors:
        return f"an error, {errors[0]}"
    result = entry.result
    if result.get("unexpected_count") is not None:
        examples = _listed(value for value in result.get("partial_unexpected_list") or [] if value is not None)
        told = f"{result['unexpected_count']:,} of {result['element_count']:,} values"
        return f"{told} such as {examples}" if examples else told
    rows = (result.get("details") or {}).get("unexpected_rows") or result.get("unexpected_rows")
    if rows:
        return f"{result.get('observed_value', len(rows))} rows such as {_listed(rows)}"
    value = result.get("observed_value")
    mismatched = (result.get("details") or {}).get("mismatched")
    if mismatched:
        return "; ".join(f"{kind} {', '.join(map(str, names))}" for kind, names in mismatched.items())
    return _number(value)


def _exceptions(info: Any) -> Iterable[str]:
    if not isinstance(info, Mapping):
        return
    if info.get("raised_exception"):
        yield str(info.get("exception_message")).splitlines()[0]
    for nested in info.values():
        if isinstance(nested, Mapping) and nested.get("raised_exception"):
            yield str(nested.get("exception_message")).splitlines()[0]


def _settings_named(validation: Validation, config: Any) -> list[str]:
    """The settings that an expectation's limits are taken from."""
    return [
        value["$PARAMETER"]
        for entry in validation.expectations
        if entry["type"] == config.type and entry["kwargs"].get("column") == config.kwargs.get("column")
        for value in entry["kwargs"].values()
        if isinstance(value, dict) and "$PARAMETER" in value
    ]


def limit(config: Any, settings: Iterable[str] = ()) -> str:
    """What an expectation allows, as people read it, and which settings say so."""
    if config.description:
        return str(config.description)
    kwargs = {name: value for name, value in config.kwargs.items() if value is not None}
    parts = []
    if "min_value" in kwargs:
        parts.append(f"at least {_number(kwargs['min_value'])}")
    if "max_value" in kwargs:
        parts.append(f"at most {_number(kwargs['max_value'])}")
    if "value_set" in kwargs:
        parts.append(f"one of {', '.join(map(str, kwargs['value_set']))}")
    if "column_set" in kwargs:
        parts.append(f"the columns {', '.join(kwargs['column_set'])}")
    if kwargs.get("mostly", 1) != 1:
        parts.append(f"in {kwargs['mostly']:.0%} of the rows or more")
    return (" and ".join(parts) or "none") + "".join(f" (setting {name})" for name in settings)


def _number(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _listed(values: Iterable[Any]) -> str:
    return "; ".join(_shown(value) for value in list(values)[:MOST_EXAMPLES])


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_number(cell)}" for name, cell in value.items())
    return str(value)
