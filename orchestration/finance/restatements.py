"""What today's data says of closed months: the figures that differ, and the landed rows that made them differ.

The figures of every closed month are compared with today's. For a month with a figure that differs, the frozen rows of
the facts behind it are compared with today's rows; each row that changed is followed by its keys, as its fact declares
them, to rows of the load ledger that came in files which the close did not know, and whose content is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.finance.calendar import month_end
from orchestration.finance.project import Comparison, Fact, Link, Project
from orchestration.finance.schema import MOST_ROWS
from orchestration.finance.snapshot import KEY, Mart, measures_sql, rows_of_month
from orchestration.finance.statements import statement
from orchestration.finance.store import ClosedMonth
from orchestration.warehouse.sql import literal

# What is filled on the way, each empty at first.
WORKING_TABLES = {
    "closed_periods": "close_month date, version integer, period_grain varchar, period_start date",
    "touched": "close_month date, trace varchar, cuts map(varchar, varchar), moved_cuts varchar[], is_changed boolean, "
    "link varchar, key varchar",
    "links": "close_month date, link varchar, system_table varchar, ledger_column varchar, last_on date",
    "late_rows": "close_month date, link varchar, key varchar, row_id varchar, system_table varchar, row_key varchar, "
    "change varchar, row_on date, is_of_member boolean, file_name varchar, line bigint, load_id varchar, "
    "arrived_at timestamp",
    "metric_traces": "metric_id varchar, trace varchar",
    "figure_rows": "figure_id bigint, row_id varchar",
    "other_causes": "close_month date, cause varchar, detail varchar",
}


@dataclass(frozen=True)
class Today:
    """The build that closed months are compared with, attached as `build`."""

    run_id: str
    as_of_date: date
    settings: Mapping[str, Any]
    project: Project


def write_restatements(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], marts: Sequence[Mart], today: Today
) -> None:
    """Fill kpi_restatements and late_rows of schema finance for these months, one version of each.

    Raises DamagedFileError where a file that is read is not as it was closed.
    """
    for name, columns in WORKING_TABLES.items():
        connection.execute(f"create or replace temp table {name} ({columns})")
    closed = _months_that_differ(connection, closed, marts) if closed else []
    if not closed:
        return
    _write_differences(connection, closed, marts)
    comparisons = {
        metric: today.project.comparisons(metric)
        for (metric,) in connection.execute("select distinct metric_id from differences").fetchall()
    }
    _insert(connection, "metric_traces", [
        (metric, comparison.name) for metric, several in comparisons.items() for comparison in several
    ])  # fmt: skip
    differing = _differing(connection, closed)
    _write_new_files(connection, differing)
    wanted = {comparison.name: comparison for several in comparisons.values() for comparison in several}
    cuts = _cuts(connection)
    for one in differing:
        for name in sorted(wanted):
            _trace(connection, one, wanted[name], cuts)
    _write_late_rows(connection)
    _write_figure_rows(connection)
    _write_causes(connection, differing, today)
    connection.execute(statement("restatements", most_rows=str(MOST_ROWS)), [today.run_id, today.as_of_date])
    connection.execute(statement("late_rows_told"))


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        connection.executemany(f"insert into {table} values ({', '.join('?' for _ in rows[0])})", rows)


def _months_that_differ(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], marts: Sequence[Mart]
) -> list[ClosedMonth]:
    """The months of which not every figure is what was reported; `closed_periods` holds their periods."""
    _write_closed_periods(connection, closed)
    query = statement(
        "months_that_differ",
        key=", ".join((*KEY, "measure")),
        files=_measures(closed),
        measures=_todays_measures(marts),
    )
    months = {month for (month,) in connection.execute(query).fetchall()}
    differing = [one for one in closed if one.month in months]
    _write_closed_periods(connection, differing)
    return differing


def _write_closed_periods(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> None:
    connection.execute("delete from closed_periods")
    _insert(connection, "closed_periods", [
        (one.month, one.version, period["period_grain"], period["period_start"])
        for one in closed
        for period in one.manifest.periods
    ])  # fmt: skip


def _measures(closed: Iterable[ClosedMonth]) -> str:
    """The files of reported figures, as a list of SQL texts."""
    return ", ".join(literal(one.file("measures.parquet")) for one in closed)


def _todays_measures(marts: Sequence[Mart]) -> str:
    """A query for today's figures of the periods in `closed_periods`."""
    return measures_sql(
        marts, "build", "(period_grain, period_start) in (select (period_grain, period_start) from closed_periods)"
    )


def _write_differences(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], marts: Sequence[Mart]
) -> None:
    connection.execute(
        f"create or replace temp table reported as from read_parquet([{_measures(closed)}], union_by_name = true) "
        "inner join closed_periods using (period_grain, period_start)"
    )
    connection.execute(f"create or replace temp table current_figures as from ({_todays_measures(marts)})")
    measures = [f"{mart.metric_id}.{name}" for mart in marts for name, _ in mart.measures]
    connection.execute(statement("differences"), [measures])


def _differing(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> list[ClosedMonth]:
    """The months that have a figure that differs."""
    months = connection.execute("select distinct close_month from differences").fetchall()
    return [one for one in closed if (one.month,) in months]


def _cuts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The cuts of the marts."""
    rows = connection.execute(
        "select dimension from reported union select dimension from current_figures order by dimension"
    ).fetchall()
    return [dimension for (dimension,) in rows if dimension != "all"]


def _write_new_files(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> None:
    """Per closed month the files loaded since, known by name and content: numbers differ in a new warehouse."""
    selects = [
        f"select date '{one.month}' as close_month, file_id, system_table, loaded_at from build.meta.landed_files "
        f"anti join read_parquet({literal(one.sound_file('inputs/load_files.parquet'))}) "
        "using (system_table, file_name, sha256)"
        for one in closed
    ]
    nothing = "select date '0001-01-01' as close_month, file_id, system_table, loaded_at from build.meta.landed_files"
    connection.execute(
        f"create or replace temp table new_files as {' union all '.join(selects) or f'{nothing} limit 0'}"
    )


def _trace(
    connection: duckdb.DuckDBPyConnection, one: ClosedMonth, comparison: Comparison, cuts: Sequence[str]
) -> None:
    """Enter in `touched` the rows of a fact that are not as they were, with the keys of the landed rows behind them."""
    fact = comparison.fact
    if not fact.links or one.entry(f"facts/{fact.name}.parquet") is None:
        return
    frozen = f"read_parquet({literal(one.sound_file(f'facts/{fact.name}.parquet'))})"
    today = f"build.facts.{fact.name}"
    there = _column_names(connection, today)
    columns = [name for name in _column_names(connection, frozen) if name in there and name not in fact.ignored]
    told_cuts = {cut: column for cut in cuts if (column := _column_of(cut, fact, columns))}
    settings = one.manifest.settings
    rows, compared = (
        rows_of_month(condition, one.month, int(settings["fiscal_year_start_month"]), int(settings["cac_lag_days"]))
        for condition in (fact.rows, comparison.rows)
    )
    # opening_region, created_team: what the member was on another day of the same row moves with the cut
    attributes = tuple(f"_{column}" for column in told_cuts.values())
    core = [
        column
        for column in columns
        if column not in told_cuts.values() and column not in fact.key and not column.endswith(attributes)
    ]
    moved = (
        f"case when was.{column} is distinct from is_now.{column} then '{cut}' end" for cut, column in told_cuts.items()
    )
    connection.execute(
        statement(
            "changed",
            columns=", ".join(columns),
            frozen=frozen,
            today=today,
            rows=rows,
            compared=compared,
            key=", ".join(f"was.{name}" for name in fact.key),
            first_key=fact.key[0],
            only_cuts_moved=_same("was", "is_now", core) or "true",
            moved_cuts=", ".join(moved),
            same_key_was_and_now=_same("was", "is_now", fact.key),
            same_key_either_and_pairs=_same("either", "pairs", fact.key),
        )
    )
    values = ", ".join(f"cast({column} as varchar)" for column in told_cuts.values())
    names = ", ".join(f"'{cut}'" for cut in told_cuts)
    map_ = f"map([{names}], [{values}])" if told_cuts else "map([], [])"
    _insert(connection, "links", [
        (one.month, link.name, link.table, link.column, month_end(one.month) if link.until_month_end else None)
        for link in fact.links
    ])  # fmt: skip
    for link in fact.links:
        key = _key_text(_values(link, fact, columns))
        # a deal without a lead would find every activity without one
        has_key = f"where {key} <> ''" if link.values else ""
        connection.execute(
            f"insert into touched select distinct date '{one.month}', ?, {map_}, moved_cuts, is_changed, ?, {key} "
            f"from changed {has_key}",
            [comparison.name, link.name],
        )


def _column_of(cut: str, fact: Fact, columns: Sequence[str]) -> str | None:
    """The column of a fact that a cut comes from: the one it declares, or the one of its name."""
    wanted = (fact.cuts[cut],) if cut in fact.cuts else (cut, f"{cut}_id")
    return next((column for column in wanted if column in columns), None)


def _values(link: Link, fact: Fact, columns: Sequence[str]) -> list[str]:
    """What the ledger's column equals, in SQL over the changed rows.

    A value that the frozen rows do not have, or that is another fact's, is looked up in today's rows.
    """
    if link.of and link.by:
        return [_looked_up(value, link.of, (link.by,)) for value in link.values]
    return [
        _looked_up(value, fact.name, fact.key) if value.isidentifier() and value not in columns else value
        for value in link.values
    ]


def _looked_up(value: str, fact: str, by: Iterable[str]) -> str:
    return f"(select any_value(rows.{value}) from build.facts.{fact} as rows where {_same('rows', 'changed', by)})"


def _same(left: str, right: str, columns: Iterable[str]) -> str:
    """The condition that two relations agree in these columns."""
    return " and ".join(f"{left}.{name} is not distinct from {right}.{name}" for name in columns)


def _column_names(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe from {relation}").fetchall()]


def _key_text(expressions: Sequence[str]) -> str:
    """Key values as one text, as the ledger writes them; '' for none."""
    return " || '|' || ".join(f"coalesce(cast({one} as varchar), '')" for one in expressions) or "''"


def _write_late_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill `late_rows`: by each column of the ledger that a link goes by, in one pass over it."""
    columns = [row[0] for row in connection.execute("select distinct ledger_column from links order by all").fetchall()]
    found = " union all ".join(_found_by(column) for column in columns)
    if found:
        connection.execute(statement("late_rows", found=found))


def _found_by(column: str | None) -> str:
    """The current landed rows that links by a column of the ledger look for; all of a table where it is None."""
    value, told = (f"coalesce(ledger.{column}, '')", f"'{column}'") if column else ("''", "null")
    return f"""
        select wanted.close_month, wanted.link, wanted.key, ledger.system_table, ledger.row_key, ledger.row_on,
            ledger.is_of_member, ledger.content_md5, ledger.file_id, ledger.file_name, ledger.line, ledger.load_id
        from wanted
        inner join build.meta.landed_rows as ledger
            on wanted.system_table = ledger.system_table and wanted.key = {value}
        where wanted.ledger_column is not distinct from {told} and ledger.is_current
            and (wanted.last_on is null or ledger.began_on <= wanted.last_on)
    """


def _write_figure_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Which late rows stand behind which figure.

    A figure that runs to date, or over trailing months, may differ for rows of earlier months alone.
    """
    connection.execute(statement("traced"))
    connection.execute("""
        create or replace temp table metric_cuts as
        select distinct metric_id, unnest(map_keys(cuts)) as cut from metric_traces inner join traced using (trace)
    """)
    connection.execute(
        statement(
            "figure_rows",
            figures="from differences",
            period="traced.close_month between figures.period_start and figures.period_end",
        )
    )
    connection.execute(
        statement(
            "figure_rows",
            figures="from differences anti join figure_rows using (figure_id)",
            period="traced.close_month < figures.period_start",
        )
    )


def _write_causes(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], today: Today) -> None:
    """Per month, how settings and code differ from those it was closed with."""
    causes = []
    for one in closed:
        settings = [
            f"{name}: {was} -> {today.settings[name]}"
            for name, was in sorted(one.manifest.settings.items())
            if name != "as_of_date" and name in today.settings and today.settings[name] != was
        ]
        details = ["settings differ: " + "; ".join(settings)] if settings else []
        if one.manifest.models_sha256 != today.project.sha256:
            details.append(
                f"the models differ from those of version {one.manifest.code_version} that it was closed with"
            )
        if details:
            causes.append((one.month, "settings" if settings else "models", "; ".join(details)))
    _insert(connection, "other_causes", causes)
