"""The gates between the layers: what they compare with, and what closes them.

The expectations themselves are the files of `expectations/`; this module puts into schema `gates` of the build file
what they need besides the layer they look at (settings, the last good run, what is published), and has the families
measured.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from expectations.families import Family, NotMeasurableError, measure, read_families
from expectations.runner import GateResult
from orchestration.build.staged import write_staged
from orchestration.core.contract import PROJECT_ROOT, Table, source_tables
from orchestration.core.errors import BuildError, GateClosedError
from orchestration.core.settings import Settings
from orchestration.load.raw_tables import OTHER_COLUMNS, ROW_COLUMNS
from orchestration.warehouse.connections import attach
from orchestration.warehouse.sql import literal

KEPT_DATA_DOCS = 30
WAYS_OUT = {
    "after_load": "deliver what is missing, or start over with an empty warehouse folder",
    "after_staging": "`kpi quarantine` lists the rows; mend the files and deliver them again, or the rows alone",
    "after_facts": "mend the rows named, or report a fault of the models",
    "after_kpi": "if past months changed for a reason, build with --acknowledge METRIC",
}
# Below this many rows a table's growth says nothing.
SMALL_TABLE_ROWS = 1000
# Below this many sales a month more or less says nothing.
SMALL_SALES_COUNT = 1000


@cache
def families(gate: str, objects: tuple[Table, ...] = ()) -> tuple[Family, ...]:
    """The families of a gate's expectations, also for the objects of the source systems that landed.

    Raises ValueError naming what is wrong with its file.
    """
    marts = sorted(path.stem for path in (PROJECT_ROOT / "models" / "kpis").glob("*/kpi_*.sql"))
    landed = [table.label for table in source_tables() + objects]
    return read_families(gate, {"landed table": landed, "mart": marts})


def tables_of(gate: str, objects: tuple[Table, ...] = ()) -> list[str]:
    """The tables a gate looks at, sorted."""
    return sorted({table for family in families(gate, objects) for table in family.tables})


def prepare(
    connection: duckdb.DuckDBPyConnection, gate: str, settings: Settings, objects: tuple[Table, ...] = ()
) -> None:
    """Write what the expectations of a gate look at into schema `gates`; `objects` are those of the source systems.

    Raises BuildError naming the table and the family that cannot be measured.
    """
    connection.execute("create schema if not exists gates")
    _write_run(connection, settings)
    if gate == "after_load":
        _write_arrivals(connection, settings, source_tables() + objects)
    elif gate == "after_staging":
        write_staged(connection)
    elif gate == "after_kpi":
        _write_changes(connection, settings)
    for family in families(gate, objects):
        try:
            measure(connection, family)
        except NotMeasurableError as error:
            raise BuildError(
                f"the gate {gate.replace('_', ' ')} stopped: {error}",
                [f"nothing was published; correct `{family.name}` in expectations/{gate}.yml, or the table"],
            ) from error


def _row_counts(tables: Sequence[Table]) -> str:
    return " union all ".join(
        f"select '{table.label}' as system_table, count(*) as row_count from raw.{table.raw_name}" for table in tables
    )


def _write_run(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """The settings in one row, and what queries say often: the as-of date, local dates, money converted by a rate."""
    values = settings.dbt_vars()
    columns = ", ".join(f"? as {name}" for name in values)
    connection.execute(f"create or replace table gates.run as select {columns}", list(values.values()))
    connection.execute("alter table gates.run alter as_of_date type date")
    connection.execute("create or replace macro gates.as_of() as (select as_of_date from gates.run)")
    connection.execute(
        "create or replace macro gates.converted(amount, rate) as "
        "round(cast(amount as decimal(21, 6)) * coalesce(rate, cast(1 as decimal(16, 10))), 4)"
    )
    connection.execute(
        "create or replace macro gates.local_date(ts) as "
        f"cast(((ts at time zone 'UTC') at time zone '{settings.business_timezone}') as date)"
    )


def _write_arrivals(connection: duckdb.DuckDBPyConnection, settings: Settings, tables: Sequence[Table]) -> None:
    """Per table what arrived: against the contract, against the build that is published, and how long ago."""
    connection.execute("create or replace table gates.published_tables (system_table varchar, rows_read bigint)")
    with _published(connection, settings) as is_there:
        if is_there:
            connection.execute(f"insert into gates.published_tables {_rows_landed(connection)}")
    connection.execute("create or replace temp table declared (system_table varchar, raw_name varchar, days integer)")
    connection.execute("create or replace temp table declared_columns (raw_name varchar, column_name varchar)")
    for table in tables:
        connection.execute("insert into declared values (?, ?, ?)", [table.label, table.raw_name, table.fresh_days])
        connection.executemany(
            "insert into declared_columns values (?, ?)", [(table.raw_name, name) for name in table.column_names]
        )
    connection.execute(f"""
        create or replace table gates.arrivals as
        with
        now_there as ({_row_counts(tables)}),
        files as (
            select
                system_table, sum(row_count) as rows_told, sum(malformed_line_count) as malformed_lines,
                max(loaded_at) as last_file_at
            from raw.load_files group by system_table
        ),
        -- what is published counts the lines that are not CSV among the rows read
        reads as (
            select
                now_there.system_table,
                now_there.row_count + coalesce(files.malformed_lines, 0) as rows_read,
                now_there.row_count - coalesce(files.rows_told, 0) as unaccounted_rows,
                files.last_file_at
            from now_there left join files using (system_table)
        ),
        -- but for the loader's own
        found_columns as (
            select table_name as raw_name, column_name from information_schema.columns
            where
                table_catalog = current_database() and table_schema = 'raw'
                and column_name not in ({", ".join(literal(name) for name in (*ROW_COLUMNS, OTHER_COLUMNS))})
                and table_name in (select raw_name from declared)
        ),
        column_faults as (
            select
                raw_name,
                string_agg(declared.column_name, ', ') filter (where found.column_name is null) as missing_columns,
                string_agg(found.column_name, ', ') filter (where declared.column_name is null) as other_columns
            from declared_columns as declared
            full join found_columns as found using (raw_name, column_name)
            group by raw_name
        )
        select
            reads.system_table as table_name,
            reads.rows_read,
            reads.unaccounted_rows,
            -- 1 where there is nothing to compare with
            coalesce(reads.rows_read / nullif(cast(before.rows_read as double), 0), 1) as kept_share,
            case
                when before.rows_read >= {SMALL_TABLE_ROWS} then reads.rows_read / cast(before.rows_read as double)
                else 1
            end as growth,
            coalesce(
                date_diff('day', reads.last_file_at, cast(now() at time zone 'UTC' as timestamp)), 0
            ) as days_since_last_file,
            declared.days as days_allowed,
            column_faults.missing_columns,
            column_faults.other_columns
        from reads
        inner join declared using (system_table)
        left join column_faults using (raw_name)
        left join gates.published_tables as before using (system_table)
    """)


def _rows_landed(connection: duckdb.DuckDBPyConnection) -> str:
    """The query for what had landed when the published build was made; an older release knows it of the contract."""
    is_there = connection.execute(
        "select 1 from duckdb_tables() where database_name = 'published' and table_name = 'landed_tables'"
    ).fetchone()
    if is_there:
        return "select system_table, rows_landed from published.meta.landed_tables"
    return "select system_table, rows_read from published.meta.source_tables"


def _write_changes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Per metric, by how much its past months differ from what was published.

    Past months are those that were complete when they were published and still are. Everything compares as unchanged
    where nothing was published, or with other settings, or from fewer than `SMALL_SALES_COUNT` sales, and a metric
    whose change is acknowledged.
    """
    ratio = "coalesce(sum(rows.numerator) / nullif(cast(sum(before.numerator) as double), 0), 1)"
    connection.execute("""
        create or replace table gates.changes as
        select
            'kpi_' || metric_id as table_name, metric_id,
            cast(1 as double) as kept_share, cast(1 as double) as growth, cast(0 as double) as changed_share
        from kpi.kpi_scorecard group by metric_id
    """)
    with _published(connection, settings) as is_there:
        if not is_there or not _is_comparable(connection, settings):
            return
        connection.execute(
            f"""
            update gates.changes as changes
            set kept_share = compared.ratio, growth = compared.ratio, changed_share = abs(compared.ratio - 1)
            from (
                select rows.metric_id, {ratio} as ratio
                from kpi.kpi_scorecard as rows
                inner join published.kpi.kpi_scorecard as before
                    using (metric_id, period_grain, period_start, dimension)
                where rows.dimension = 'all' and rows.period_grain = 'month' and rows.is_complete and before.is_complete
                group by rows.metric_id having sum(before.numerator) > 0
            ) as compared
            where changes.metric_id = compared.metric_id and not list_contains(?, changes.metric_id)
            """,
            [list(settings.acknowledged)],
        )


@contextmanager
def _published(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[bool]:
    """The published database attached as `published`, where there is one; whether there is."""
    if not settings.paths.marts_file.exists():
        yield False
        return
    attach(connection, settings.paths.marts_file, "published")
    try:
        yield True
    finally:
        connection.execute("detach published")


def _is_comparable(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Whether what is published was built by the same settings, and from enough sales for its months to be stable."""
    built_with = connection.execute("select settings from published.meta.build_info").fetchone()
    sales = connection.execute("""
        select coalesce(sum(denominator), 0) from published.kpi.kpi_scorecard
        where metric_id = 'average_order_value' and dimension = 'all' and period_grain = 'month' and is_complete
    """).fetchone()
    assert built_with is not None and sales is not None
    is_same = _business_settings(json.loads(built_with[0])) == _business_settings(settings.dbt_vars())
    return is_same and bool(sales[0] >= SMALL_SALES_COUNT)


def _business_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings but the as-of date."""
    return {name: value for name, value in settings.items() if name != "as_of_date"}


def closed(result: GateResult) -> GateClosedError:
    """What to raise for a gate that is closed: the first failure in the headline, the others as details."""
    name = result.gate.replace("_", " ")
    return GateClosedError(
        f"the gate {name} closed: {result.failures[0]}",
        [
            *(f"also {failure}" for failure in result.failures[1:]),
            f"nothing was published; details: {result.failures[0].data_docs}",
            f"{WAYS_OUT[result.gate]}, or change the limit in expectations/{result.gate}.yml",
        ],
    )


def gate_parameters(settings: Settings) -> Mapping[str, Any]:
    """What `$PARAMETER` may name in a suite: the settings."""
    return settings.dbt_vars()


def forget_old_data_docs(folder: Path, keep: int = KEPT_DATA_DOCS) -> None:
    """Remove the Data Docs of all runs but the last `keep`. Run ids begin with their time."""
    for old in sorted(path for path in folder.glob("*") if path.is_dir())[:-keep]:
        shutil.rmtree(old)
