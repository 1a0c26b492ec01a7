"""The SQL that dbt makes of models, data tests and contracts, for one engine or another."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import yaml

from orchestration.build.systems import source_vars
from orchestration.core.contract import PROJECT_ROOT, source_objects
from orchestration.core.settings import load_settings

# What the loader writes, beside the landed columns, which are texts.
LOADED = {
    "_file_id": "bigint", "_line": "bigint", "_load_id": "string", "_file": "string", "_other_columns": "string",
}  # fmt: skip
LOAD_TABLES = {
    "load_files": {
        "file_id": "bigint", "system_table": "string", "file_name": "string", "sha256": "string",
        "size_bytes": "bigint", "row_count": "bigint", "malformed_line_count": "bigint", "unknown_columns": "string",
        "load_id": "string", "loaded_at": "timestamp", "blank_rows": "bigint",
    },
    "malformed_lines": {"system_table": "string", "file_id": "bigint", "line": "bigint", "line_text": "string"},
    "replaced_characters": {
        "system_table": "string", "file_id": "bigint", "line": "bigint", "column_name": "string",
    },
}  # fmt: skip
# Every contract's columns as dbt compares them with a model's, in one text.
CONTRACTS = """
{%- for node in graph.nodes.values() if node.resource_type == 'model' and node.contract.enforced -%}
{{ get_empty_schema_sql(node.columns) }};
{% endfor -%}
"""


@dataclass(frozen=True)
class Compiled:
    """A project's nodes as dbt's manifest has them, with `compiled_code`; its contracts as SQL; its macros' names."""

    nodes: dict[str, Any]
    contracts: str
    macros: frozenset[str]

    def models(self) -> list[dict[str, Any]]:
        """The models, each after those it reads."""
        ordered: dict[str, dict[str, Any]] = {}

        def visit(key: str) -> None:
            node = self.nodes.get(key)
            if node is None or key in ordered or node["resource_type"] != "model":
                return
            for parent in node["depends_on"]["nodes"]:
                visit(parent)
            ordered[key] = node

        for key in self.nodes:
            visit(key)
        return list(ordered.values())

    def data_tests(self) -> list[dict[str, Any]]:
        """The data tests."""
        return [node for node in self.nodes.values() if node["resource_type"] == "test"]


@cache
def compiled(engine: str, variables: str = "{}", project: Path = PROJECT_ROOT) -> Compiled:
    """Compile the project for an engine ("duckdb", "spark"), whichever is installed; `variables` as JSON.

    dbt runs on DuckDB; what its `adapter.dispatch` looks for is the other engine's first, then DuckDB's. So a macro
    without a version for that engine shows by its DuckDB text, and dbt's own macros stay as DuckDB has them.
    """
    from dbt.cli.main import dbtRunner

    def prefixes(installed: str) -> list[str]:
        return [engine] if engine == installed else [engine, installed]

    with TemporaryDirectory() as folder, patch.dict("os.environ", KPI_WAREHOUSE=folder, DO_NOT_TRACK="1"):
        places = [
            "--project-dir", str(project), "--profiles-dir", str(project), "--target-path", folder,
            "--log-path", folder, "--vars", variables,
        ]  # fmt: skip
        with patch("dbt.context.providers.get_adapter_type_names", prefixes):
            parsed = dbtRunner().invoke(["--quiet", "--no-partial-parse", "parse", *places])
            if parsed.exception is not None:
                raise parsed.exception
            runner = dbtRunner(manifest=parsed.result)
            offline = ["--quiet", "--no-populate-cache", "compile", *places]
            with redirect_stdout(StringIO()):
                inline = runner.invoke([*offline, "--inline", CONTRACTS])
            outcome = dbtRunner(manifest=parsed.result).invoke(offline)
        for one in (inline, outcome):
            if one.exception is not None:
                raise one.exception
        manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
    nodes = {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "test") and node["config"]["enabled"]
    }
    return Compiled(nodes, str(inline.result.results[0].node.compiled_code), frozenset(manifest["macros"]))


def all_source_vars() -> dict[str, Any]:
    """The vars of a build for which something of every source system landed."""
    with TemporaryDirectory() as folder:
        for system in {table.system for table in source_objects()}:
            (Path(folder) / "landing" / system).mkdir(parents=True)
        return source_vars(
            load_settings({"landing": Path(folder) / "landing", "warehouse": Path(folder) / "warehouse"})
        )


def plain_names(sql: str) -> str:
    """SQL with DuckDB's "build"."schema"."table" as table."""
    return re.sub(r'"build"\."\w+"\."(\w+)"', r"\1", sql)


def landed_types(project: Path = PROJECT_ROOT) -> dict[str, dict[str, str]]:
    """Columns and types of the tables that models read and none makes: what the loader writes, and the seeds."""
    schema = dict(LOAD_TABLES)
    files = [project / "models" / "staging" / "_sources.yml", *(project / "models" / "sources").glob("*/_*.yml")]
    for file in files:
        for source in yaml.safe_load(file.read_text(encoding="utf-8")).get("sources", ()):
            for table in source["tables"]:
                schema[table["identifier"]] = {column["name"]: "string" for column in table["columns"]} | LOADED
    for seed in yaml.safe_load((project / "seeds" / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]:
        types = seed["config"]["column_types"]
        schema[seed["name"]] = {column: spark_type(type_) for column, type_ in types.items()}
    return schema


def spark_type(type_: str) -> str:
    """A type of the YAML's as Spark calls it."""
    return {"varchar": "string", "text": "string", "time": "string", "double precision": "double"}.get(
        type_.lower(), type_.lower()
    )
