"""Evaluates a gate: its families as one Great Expectations checkpoint on the build file, read-only, in SQL.

`expectations/families.py` has measured them; what stands here is Great Expectations, and what a gate says of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from expectations.families import Family

# Rows that an expectation may find at most: more than any family has.
MOST_ROWS = 10_000
# What tells the rows of a family's measures apart (expectations/families.py), and what a message adds about them.
ROW_LABELS = ("table_name", "subject", "told")


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
    family: str = ""

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


class GateRunner:
    """The gates of one run. They share a context, so the run's Data Docs show all that were evaluated so far.

    Data Docs are rendered where a gate closed; `always`, whatever came of it.
    """

    def __init__(
        self, build_file: Path, data_docs: Path, run_id: str, parameters: Mapping[str, Any], always: bool = False
    ) -> None:
        self._build_file = build_file
        self._data_docs = data_docs
        self._run_id = run_id
        self._parameters = dict(parameters)
        self._always = always
        self._context: Any = None

    def run(self, gate: str, families: Sequence[Family]) -> GateResult:
        """Hold the measures of a gate's families against their expectations."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._run(gate, families)

    def _run(self, gate: str, families: Sequence[Family]) -> GateResult:
        from expectations.great_expectations_on_duckdb import gx

        context = self._context = self._context or self._new_context(gx)
        source = context.data_sources.add_sql(
            name=gate, connection_string=f"duckdb:///{self._build_file}?access_mode=read_only"
        )
        by_name = {family.name: family for family in families}
        checkpoint = gx.Checkpoint(
            name=gate,
            validation_definitions=[self._definition(gx, source, family) for family in families],
            result_format={
                "result_format": "COMPLETE",
                "partial_unexpected_count": MOST_ROWS,
                "unexpected_index_column_names": list(ROW_LABELS),
            },
        )
        try:
            outcome = context.checkpoints.add(checkpoint).run(
                expectation_parameters=self._parameters,
                run_id=gx.RunIdentifier(run_name=self._run_id),
            )
        finally:
            _close(source)
        result = GateResult(gate, tables=sorted({table for family in families for table in family.tables}))
        for validation_result in outcome.run_results.values():
            _collect(result, by_name[validation_result.suite_name.partition(": ")[2]], validation_result)
        if not result.passed or self._always:
            self._render(result, outcome, by_name)
        return result

    def _render(self, result: GateResult, outcome: Any, by_name: Mapping[str, Family]) -> None:
        """Render the Data Docs of the run so far, and have each finding name its page."""
        self._context.build_data_docs()
        result.data_docs = str(self._data_docs / "index.html")
        pages = {}
        for identifier, validation_result in outcome.run_results.items():
            url = self._context.get_docs_sites_urls(resource_identifier=identifier)[0]["site_url"]
            pages[by_name[validation_result.suite_name.partition(": ")[2]].name] = unquote(urlparse(url).path)
        result.failures = [replace(finding, data_docs=pages[finding.family]) for finding in result.failures]
        result.warnings = [replace(finding, data_docs=pages[finding.family]) for finding in result.warnings]

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

    def _definition(self, gx: Any, source: Any, family: Family) -> Any:
        context, name = self._context, f"{family.gate}: {family.name}"
        asset = source.add_query_asset(family.name, query=f"select * from {family.relation}")
        suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=list(family.expectations)))
        return context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=asset.add_batch_definition_whole_table("all"), suite=suite)
        )


def _collect(result: GateResult, family: Family, outcome: Any) -> None:
    """Add what a family's expectations found to a gate's result: a finding for each table, in the order of tables."""
    for entry in outcome.results:
        result.expectations += len(family.questions)
        if entry.success:
            continue
        config = entry.expectation_config
        is_warning = str(config.severity or "critical").rpartition(".")[2].lower() != "critical"
        found = [
            Finding(
                table=row["table_name"],
                expectation=_named(config, family, row["subject"]),
                observed=observed,
                limit=limit(config, _settings_named(family, config)),
                is_warning=is_warning,
                told=row["told"],
                family=family.name,
            )
            for row, observed in sorted(
                _unexpected(entry, family), key=lambda pair: (pair[0]["table_name"], pair[0]["subject"])
            )
        ]
        (result.warnings if is_warning else result.failures).extend(found)


def _close(source: Any) -> None:
    """DuckDB lets nobody write while a connection is open, so none may stay."""
    engine = source.get_execution_engine()
    engine.close()
    source.get_engine().dispose()


def _named(config: Any, family: Family, subject: str) -> str:
    """An expectation by its type and what it looks at: `expect_column_values_to_be_between(earliest of sold_on)`."""
    measured = config.kwargs.get("column") or family.name
    return f"{config.type}({f'{measured} of {subject}' if subject else measured})"


def _unexpected(entry: Any, family: Family) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The rows of measures that did not meet an expectation, each with what was observed, as people read it."""
    errors = list(_exceptions(entry.exception_info))
    column = entry.expectation_config.kwargs.get("column")
    rows = entry.result.get("unexpected_index_list") or (entry.result.get("details") or {}).get("unexpected_rows")
    if errors or not rows:
        # the family as a whole
        told = f"an error, {errors[0]}" if errors else _number(entry.result.get("observed_value"))
        yield {"table_name": family.tables[0], "subject": "", "told": f"of {len(family.tables)} tables"}, told
        return
    for row in rows:
        if column:
            yield row, _number(row[column])
        else:
            yield row, ", ".join(f"{name} {_number(row[name])}" for name in row if name not in ROW_LABELS)


def _exceptions(info: Any) -> Iterable[str]:
    if not isinstance(info, Mapping):
        return
    if info.get("raised_exception"):
        yield str(info.get("exception_message")).splitlines()[0]
    for nested in info.values():
        if isinstance(nested, Mapping) and nested.get("raised_exception"):
            yield str(nested.get("exception_message")).splitlines()[0]


def _settings_named(family: Family, config: Any) -> list[str]:
    """The settings that an expectation's limits are taken from."""
    return [
        value["$PARAMETER"]
        for entry in family.expectations
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
    return (" and ".join(parts) or "none") + "".join(f" (setting {name})" for name in settings)


def _number(value: Any) -> str:
    """Small numbers with six digits that tell, others to the fourth decimal: what is compared to the cent differs."""
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1 else f"{value:,.4f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
