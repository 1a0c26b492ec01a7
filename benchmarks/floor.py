"""The floor of a build: what DuckDB alone needs to read the same files, run the same SQL and copy the same tables.

    python benchmarks/floor.py LANDING WAREHOUSE FOLDER

WAREHOUSE holds a build of LANDING; the compiled SQL and the raw tables are taken from there, which is not timed.
Nothing is checked: no line is accounted for, no test run, no gate asked. Prints seconds as JSON; FOLDER holds what is
written.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

LAYER_OF = {
    "sources": "staging", "staging": "staging", "meta": "staging", "intermediate": "facts", "facts": "facts",
    "kpi": "kpi", "finance": "kpi",
}  # fmt: skip
THREADS = 2
# Written down once a layer, and timed with it: else a small query that happens to fill the log would pay for all.
LOGGED_BYTES = "100GB"
REPEATS = 3
# The query that tells what the processor's caches alone make of a hundred times as much.
REFERENCE = "a plain group by, a text a row"


class Seconds:
    """Seconds by step, and by query (`model <name>`, `test <name>`)."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self.queries: dict[str, float] = {}

    @contextmanager
    def of(self, step: str, query: str | None = None) -> Iterator[None]:
        start = time.perf_counter()
        yield
        taken = time.perf_counter() - start
        self.steps[step] = self.steps.get(step, 0) + taken
        if query is not None:
            self.queries[query] = taken


def connect(file: Path) -> duckdb.DuckDBPyConnection:
    """A new database."""
    file.unlink(missing_ok=True)
    connection = duckdb.connect(str(file))
    connection.execute(f"set threads = {THREADS}; set TimeZone = 'UTC'; set checkpoint_threshold = '{LOGGED_BYTES}'")
    return connection


def load(landing: Path, folder: Path, seconds: Seconds) -> None:
    """Read every file of the landing folder as text, a table at once, with all cores."""
    with connect(folder / "load.duckdb") as connection:
        connection.execute("create schema raw")
        for table in sorted({file.parent for file in landing.rglob("*.*") if file.is_file()}):
            name = f"{table.parent.name}__{table.name}"
            parameters, parts = {}, []
            if texts := [str(file) for file in sorted(table.glob("*.csv"))]:
                parameters["texts"] = texts
                parts.append(
                    "(from read_csv($texts, all_varchar = true, union_by_name = true, ignore_errors = true, "
                    "strict_mode = true, header = true, delim = ','))"
                )
            if parquet := [str(file) for file in sorted(table.glob("*.parquet"))]:
                parameters["parquet"] = parquet
                parts.append("(from read_parquet($parquet, union_by_name = true))")
            query = " union all by name ".join(parts)
            with seconds.of("load"):
                connection.execute(f"create table raw.{name} as {query}", parameters)
        with seconds.of("load"):
            connection.execute("checkpoint")


def run_models(warehouse: Path, folder: Path, seconds: Seconds) -> Path:
    """Create every model from its compiled SQL; returns the database."""
    project = json.loads((warehouse / "dbt" / "project.json").read_text(encoding="utf-8"))
    nodes: Mapping[str, Any] = project["nodes"]
    file = folder / "build.duckdb"
    with connect(file) as connection:
        connection.execute(f"attach '{warehouse / 'build.duckdb'}' as product (read_only)")
        copied = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'product' "
            "and schema_name in ('raw', 'reference', 'gates')"
        ).fetchall()
        for schema in {*LAYER_OF, "raw", "reference", "gates", "drill"}:
            connection.execute(f"create schema {schema}")
        for schema, table in copied:
            connection.execute(f"create table {schema}.{table} as from product.{schema}.{table}")
        connection.execute("detach product")
        connection.execute("checkpoint")
        order = TopologicalSorter({name: node["depends_on"]["nodes"] for name, node in nodes.items()}).static_order()
        models = [nodes[name] for name in order if name in nodes and nodes[name]["resource_type"] == "model"]
        for layer in dict.fromkeys(LAYER_OF.values()):
            for node in (model for model in models if LAYER_OF[model["schema"]] == layer):
                kind = "view" if node["config"]["materialized"] == "view" else "table"
                with seconds.of(layer, f"model {node['name']}"):
                    connection.execute(f"create {kind} {node['schema']}.{node['name']} as ({node['compiled_code']})")
            with seconds.of(layer):
                connection.execute("checkpoint")
    return file


def publish(built: Path, folder: Path, seconds: Seconds) -> None:
    """Copy facts, marts and finance's tables into another database, and the marts into Parquet files."""
    parquet = folder / "parquet"
    parquet.mkdir(exist_ok=True)
    with connect(folder / "marts.duckdb") as connection:
        connection.execute(f"attach '{built}' as built (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'built' "
            "and schema_name in ('facts', 'kpi', 'finance')"
        ).fetchall()
        with seconds.of("publish"):
            for schema in ("facts", "kpi", "finance"):
                connection.execute(f"create schema {schema}")
            for schema, table in tables:
                connection.execute(f"create table {schema}.{table} as from built.{schema}.{table}")
                if schema == "kpi":
                    connection.execute(f"copy kpi.{table} to '{parquet / table}.parquet' (format parquet)")
            connection.execute("checkpoint")


def run_tests(warehouse: Path, seconds: Seconds) -> None:
    """Run the SQL of each data test on the product's build file, and a query to compare with: not part of the floor,
    but of what may grow. The best of REPEATS times is noted: most take a tenth of a second."""
    compiled = warehouse / "dbt" / "compiled"
    with duckdb.connect(str(warehouse / "build.duckdb"), read_only=True) as connection:
        connection.execute(f"set threads = {THREADS}; set TimeZone = 'UTC'")
        [(rows,)] = connection.execute("select cast(sum(row_count) as bigint) from raw.load_files").fetchall()
        seconds.queries[REFERENCE] = _best(
            connection,
            f"select key from (select 'row ' || row as key from range({rows}) as rows (row)) "
            "group by key having count(*) > 1",
        )
        for file in sorted(compiled.rglob("*.yml/*.sql")):
            seconds.queries[f"test {file.stem}"] = _best(connection, file.read_text(encoding="utf-8"))


def _best(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    """Seconds of a query's fastest run."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        connection.execute(f"select count(*) from ({query})").fetchall()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    landing, warehouse, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    seconds = Seconds()
    load(landing, folder, seconds)
    built = run_models(warehouse, folder, seconds)
    publish(built, folder, seconds)
    run_tests(warehouse, seconds)
    print(json.dumps({"steps": seconds.steps, "queries": seconds.queries}))


if __name__ == "__main__":
    main()
