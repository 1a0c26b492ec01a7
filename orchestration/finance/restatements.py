"""What today's data says of closed months: the figures that differ, and the landed rows that made them differ.

The figures of every closed month are compared with today's. For a month with a figure that differs, the frozen rows of
the facts behind it are compared with today's rows; each row that changed is followed by its keys to landed rows that
came in files which the close did not know, and whose content is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from orchestration.core.contract import Table, source_tables
from orchestration.finance.calendar import month_end
from orchestration.finance.facts import CUT_COLUMNS, DATED_BY, MEMBERS, TRACES, Link, Trace, traces_of
from orchestration.finance.snapshot import KEY, Mart, escaped, measures_sql, rows_of_month
from orchestration.finance.store import ClosedMonth

# Averages are doubles, whose last bits depend on the order of rows.
TOLERANCE = "1e-9"
MOST_ROWS = 100
ROW_TYPE = (
    "struct(system_table varchar, row_key varchar, change varchar, row_on date, file_name varchar, line bigint, "
    "load_id varchar, arrived_at timestamp)[]"
)
COLUMNS = (
    """
    close_month date, version integer, restated_in_version integer, metric_id varchar, name_en varchar,
    name_ko varchar, unit varchar, period_grain varchar, period_start date, period_end date, dimension varchar,
    dimension_value varchar, dimension_label varchar, measure varchar, reported_value decimal(38, 10),
    current_value decimal(38, 10), difference decimal(38, 10), cause varchar, cause_detail varchar,
    changed_row_count bigint, changed_rows """
    + ROW_TYPE
    + """, first_arrived_at timestamp, last_arrived_at timestamp,
    compared_run_id varchar, compared_as_of_date date
"""
)


@dataclass(frozen=True)
class Today:
    """The build that closed months are compared with, attached as `build`."""

    run_id: str
    as_of_date: date
    settings: Mapping[str, Any]
    models_sha256: str
    metric_facts: Mapping[str, Sequence[str]]


def write_restatements(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], marts: Sequence[Mart], today: Today
) -> None:
    """Fill the temporary tables `restatements` (as COLUMNS) and `late_rows` for these months, one version of each."""
    connection.execute(f"create or replace temp table restatements ({COLUMNS})")
    connection.execute(
        "create or replace temp table late_rows (close_month date, link varchar, key varchar, row_id varchar, "
        "system_table varchar, row_key varchar, change varchar, row_on date, file_name varchar, line bigint, "
        "load_id varchar, arrived_at timestamp)"
    )
    if not closed:
        return
    _write_differences(connection, closed, marts)
    metrics = [row[0] for row in connection.execute("select distinct metric_id from differences").fetchall()]
    traces = {metric: traces_of(metric, today.metric_facts.get(metric, ())) for metric in metrics}
    _write_metric_traces(connection, traces)
    _write_new_files(connection, closed)
    for one in _differing(connection, closed):
        _trace_month(connection, one, [trace for trace in TRACES if trace.name in set().union(*traces.values())])
    _write_figure_rows(connection)
    _write_causes(connection, closed, today)
    _fill(connection, today)


def _write_differences(
    connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], marts: Sequence[Mart]
) -> None:
    """Every figure that is not what was reported. What did not exist as a figure then, or does not now, is left out."""
    connection.execute(
        "create or replace temp table closed_periods "
        "(close_month date, version integer, period_grain varchar, period_start date)"
    )
    connection.executemany(
        "insert into closed_periods values (?, ?, ?, ?)",
        [
            (one.month, one.version, period["period_grain"], period["period_start"])
            for one in closed
            for period in one.manifest.periods
        ],
    )
    files = ", ".join(f"'{escaped(one.file('measures.parquet'))}'" for one in closed)
    connection.execute(
        f"create or replace temp table reported as from read_parquet([{files}], union_by_name = true) "
        "inner join closed_periods using (period_grain, period_start)"
    )
    measures = [f"{mart.metric_id}.{name}" for mart in marts for name, _ in mart.measures]
    condition = "(period_grain, period_start) in (select (period_grain, period_start) from closed_periods)"
    connection.execute(f"""
        create or replace temp table current_figures as from ({measures_sql(marts, "build", condition)})
    """)
    key = ", ".join((*KEY, "measure"))
    connection.execute(
        f"""
        create or replace temp table differences as
        with known as (
            select distinct close_month, metric_id, measure from reported
            where list_contains(?, metric_id || '.' || measure)
        ),
        compared as (
            select
                {key},
                coalesce(was.period_end, current.period_end) as period_end,
                coalesce(was.dimension_label, current.dimension_label) as dimension_label,
                was.value as reported_value, current.value as current_value,
                coalesce(was.is_exact, true) and coalesce(current.is_exact, true) as is_exact
            from reported as was full outer join current_figures as current using ({key})
        )
        select row_number() over (order by {key}) as figure_id, compared.*, closed_periods.close_month,
            closed_periods.version
        from compared
        inner join closed_periods using (period_grain, period_start)
        semi join known
            on known.close_month = closed_periods.close_month and known.metric_id = compared.metric_id
            and known.measure = compared.measure
        where reported_value is distinct from current_value and (
            is_exact or reported_value is null or current_value is null
            or abs(reported_value - current_value) > {TOLERANCE} * greatest(1, abs(reported_value))
        )
        """,
        [measures],
    )


def _write_metric_traces(connection: duckdb.DuckDBPyConnection, traces: Mapping[str, Iterable[str]]) -> None:
    connection.execute("create or replace temp table metric_traces (metric_id varchar, trace varchar)")
    rows = [(metric, trace) for metric, names in traces.items() for trace in sorted(names)]
    if rows:
        connection.executemany("insert into metric_traces values (?, ?)", rows)


def _write_new_files(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> None:
    """Per closed month the files loaded since. A file is known by its content: numbers differ in a new warehouse."""
    selects = " union all ".join(
        f"select date '{one.month}' as close_month, file_id, system_table, loaded_at from build.raw.load_files "
        f"anti join read_parquet('{escaped(one.file('inputs/load_files.parquet'))}') using (system_table, sha256)"
        for one in closed
    )
    connection.execute(f"create or replace temp table new_files as {selects}")
    connection.execute(
        "create or replace temp table touched "
        "(close_month date, trace varchar, cuts map(varchar, varchar), moved_cuts varchar[], is_changed boolean, "
        "link varchar, key varchar)"
    )


def _differing(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth]) -> list[ClosedMonth]:
    """The months that have a figure that differs, and files that came later."""
    months = connection.execute(
        "select distinct close_month from differences semi join new_files using (close_month)"
    ).fetchall()
    return [one for one in closed if (one.month,) in months]


def _trace_month(connection: duckdb.DuckDBPyConnection, one: ClosedMonth, traces: Sequence[Trace]) -> None:
    """Fill `touched` and `late_rows` for one month."""
    followed: dict[str, Link] = {}
    for trace in traces:
        file = one.file(f"facts/{trace.fact.name}.parquet")
        if trace.fact.links and file.exists():
            _write_touched(connection, one, trace)
            followed |= {_link_name(link): link for link in trace.fact.links}
    tables = {table.label: table for table in source_tables()}
    for name, link in followed.items():
        _write_late_rows(connection, one.month, name, link, tables[link.table])


def _link_name(link: Link) -> str:
    return f"{link.table}({', '.join(link.columns)})" + (f" by {link.dated}" if link.dated else "")


def _write_touched(connection: duckdb.DuckDBPyConnection, one: ClosedMonth, trace: Trace) -> None:
    """The rows of a fact that are not as they were, before and after, with the keys of the landed rows behind them.

    Of a row that changed in nothing but its attributes (its rep's team, say), `moved_cuts` names their cuts: only
    figures by these differ for it. It is NULL where more changed. `is_changed` is false where the row is new or gone.
    """
    fact = trace.fact
    frozen = f"read_parquet('{escaped(one.file(f'facts/{fact.name}.parquet'))}')"
    now = f"build.facts.{fact.name}"
    columns = [
        name for name in _column_names(connection, frozen)
        if name in _column_names(connection, now) and name not in fact.ignored
    ]  # fmt: skip
    settings = one.manifest.settings
    rows, traced = (
        rows_of_month(
            fact, condition, one.month, int(settings["fiscal_year_start_month"]), int(settings["cac_lag_days"])
        )
        for condition in (fact.rows, trace.rows)
    )
    told = ", ".join(columns)
    cuts = {cut: column for cut, column in (*CUT_COLUMNS.items(), *fact.cuts) if column in columns}
    core = [column for column in columns if column not in cuts.values() and column not in fact.key]
    same_core = _same("was", "is_now", core) or "true"
    moved = ", ".join(
        f"case when was.{column} is distinct from is_now.{column} then '{cut}' end" for cut, column in cuts.items()
    )
    connection.execute(f"""
        create or replace temp table changed as
        with
        before as (select {told} from {frozen} where ({rows}) and ({traced})),
        after as (select {told} from {now} where ({rows}) and ({traced})),
        was as (from before except all from after),
        is_now as (from after except all from before),
        pairs as (
            select
                {_list("was", fact.key)},
                case
                    when {same_core} then list_filter([{moved}], lambda cut: cut is not null)
                end as moved_cuts
            from was inner join is_now on {_same("was", "is_now", fact.key)}
        ),
        either as (from was union all from is_now)
        select either.*, pairs.moved_cuts, pairs.{fact.key[0]} is not null as is_changed
        from either left join pairs on {_same("either", "pairs", fact.key)}
    """)
    map_ = f"map([{_texts(cuts)}], [{', '.join(f'cast({column} as varchar)' for column in cuts.values())}])"
    for link in fact.links:
        connection.execute(
            f"insert into touched select distinct date '{one.month}', ?, {map_ if cuts else 'map([], [])'}, "
            f"moved_cuts, is_changed, ?, {_key_text(link.values)} from changed",
            [trace.name, _link_name(link)],
        )


def _same(left: str, right: str, columns: Iterable[str]) -> str:
    """The condition that two relations agree in these columns."""
    return " and ".join(f"{left}.{name} is not distinct from {right}.{name}" for name in columns)


def _texts(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _column_names(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe from {relation}").fetchall()]


def _key_text(expressions: Sequence[str]) -> str:
    """Key values as one text, '' for none."""
    return " || '|' || ".join(f"coalesce(cast({one} as varchar), '')" for one in expressions) or "''"


def _write_late_rows(connection: duckdb.DuckDBPyConnection, month: date, name: str, link: Link, table: Table) -> None:
    """The rows of a landed table that arrived after a month was closed, are current, and say something new."""
    base = f"build.staging.base_{table.raw_name}"
    keys = [column.name for column in table.columns if column.key]
    told = [column for column in table.column_names if column != "updated_at"]
    newest = ("updated_at desc nulls last, " if "updated_at" in table.column_names else "") + (
        "_file_name desc, _file_id desc, _line desc"
    )
    same_key = _same("known", "late", keys)
    dated = f"and cast({link.dated} as date) <= date '{month_end(month)}'" if link.dated else ""
    row_on = DATED_BY.get(table.label)
    connection.execute(
        f"""
        insert into late_rows
        with
        files as (
            select file_id, loaded_at from new_files where close_month = date '{month}' and system_table = ?
        ),
        late as (
            select *, {_key_text(link.columns)} as link_key from {base}
            where _row_status = 'current' and _file_id in (select file_id from files) {dated}
                and {_key_text(link.columns)} in (
                    select key from touched where close_month = date '{month}' and link = ?
                )
        ),
        known as (
            select * from {base} as known
            where _reasons = '' and _file_id not in (select file_id from files)
                and exists (select 1 from late where {same_key})
            qualify row_number() over (partition by {", ".join(keys)} order by {newest}) = 1
        )
        select
            date '{month}', ?, late.link_key, ? || '|' || late._file_id || '|' || late._line, ?,
            {_key_text([f"late.{key}" for key in keys])},
            case when known._file_id is null then 'new' else 'changed' end,
            {f"cast({_of('late', row_on)} as date)" if row_on else "null"},
            late._file_name, late._line, late._load_id, files.loaded_at
        from late
        inner join files on late._file_id = files.file_id
        left join known on {same_key}
        where known._file_id is null
            or row({_list("late", told)}) is distinct from row({_list("known", told)})
        """,
        [table.label, name, name, table.label, table.label],
    )


def _of(relation: str, expression: str) -> str:
    """An expression of `DATED_BY` with its columns those of a relation."""
    if expression.startswith("coalesce("):
        inner = expression.removeprefix("coalesce(").removesuffix(")")
        return f"coalesce({_list(relation, inner.split(', '))})"
    return f"{relation}.{expression}"


def _list(relation: str, columns: Iterable[str]) -> str:
    return ", ".join(f"{relation}.{column}" for column in columns)


def _write_figure_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Which late rows stand behind which figure: by metric, period and member.

    A row of a member that the close knew (an account, a rep) changes nothing about facts that are new or gone.
    A figure that runs to date, or over trailing months, may differ for rows of earlier months alone.
    """
    connection.execute(f"""
        create or replace temp table traced as
        select distinct
            touched.close_month, touched.trace, touched.cuts, touched.moved_cuts, late_rows.row_id
        from touched inner join late_rows using (close_month, link, key)
        where touched.is_changed or late_rows.change = 'new' or late_rows.system_table not in ({_texts(MEMBERS)})
    """)
    # a fact without a cut's column says nothing about that cut, unless none of the metric's facts has it
    connection.execute("""
        create or replace temp table metric_cuts as
        select distinct metric_id, unnest(map_keys(cuts)) as cut from metric_traces inner join traced using (trace)
    """)
    joined = """
        from {figures} as figures
        inner join metric_traces using (metric_id)
        inner join traced on metric_traces.trace = traced.trace and {period} and (
            figures.dimension = 'all'
            or traced.cuts[figures.dimension] = figures.dimension_value
            or (figures.metric_id, figures.dimension) not in (select (metric_id, cut) from metric_cuts)
        )
        and (traced.moved_cuts is null or list_contains(traced.moved_cuts, figures.dimension))
    """
    own = joined.format(figures="differences", period="traced.close_month between figures.period_start and period_end")
    connection.execute(f"create or replace temp table figure_rows as select distinct figure_id, row_id {own}")
    earlier = joined.format(
        figures="(from differences anti join figure_rows using (figure_id))",
        period="traced.close_month < figures.period_start",
    )
    connection.execute(f"insert into figure_rows select distinct figure_id, row_id {earlier}")


def _write_causes(connection: duckdb.DuckDBPyConnection, closed: Sequence[ClosedMonth], today: Today) -> None:
    """Per month, how settings and code differ from those it was closed with."""
    connection.execute("create or replace temp table other_causes (close_month date, cause varchar, detail varchar)")
    for one in closed:
        settings = [
            f"{name}: {was} -> {today.settings[name]}"
            for name, was in sorted(one.manifest.settings.items())
            if name != "as_of_date" and name in today.settings and today.settings[name] != was
        ]
        details = ["settings differ: " + "; ".join(settings)] if settings else []
        if one.manifest.models_sha256 != today.models_sha256:
            details.append(
                f"the models differ from those of version {one.manifest.code_version} that it was closed with"
            )
        if details:
            cause = "settings" if settings else "models"
            connection.execute("insert into other_causes values (?, ?, ?)", [one.month, cause, "; ".join(details)])


def _fill(connection: duckdb.DuckDBPyConnection, today: Today) -> None:
    connection.execute(
        f"""
        insert into restatements
        with
        distinct_rows as (
            select distinct on (row_id)
                row_id, system_table, row_key, change, row_on, file_name, line, load_id, arrived_at
            from late_rows
        ),
        behind as (
            select
                figure_id,
                count(*) as row_count,
                min(arrived_at) as first_arrived_at,
                max(arrived_at) as last_arrived_at,
                bool_and(system_table in ({_texts(MEMBERS)})) as is_of_members,
                bool_and(row_on > period_end) as is_later,
                list(
                    {{
                        'system_table': system_table, 'row_key': row_key, 'change': change, 'row_on': row_on,
                        'file_name': file_name, 'line': line, 'load_id': load_id, 'arrived_at': arrived_at
                    }}
                    order by arrived_at, system_table, row_key
                )[:{MOST_ROWS}] as changed_rows
            from figure_rows inner join differences using (figure_id) inner join distinct_rows using (row_id)
            group by figure_id
        ),
        catalog as (
            select metric_id, name_en, name_ko, unit from build.kpi.kpi_catalog where is_primary_name
        )
        select
            close_month, version, null, metric_id, name_en, name_ko, unit, period_grain, period_start, period_end,
            dimension, dimension_value, dimension_label, measure, reported_value, current_value,
            coalesce(current_value, 0) - coalesce(reported_value, 0),
            case
                when is_of_members then 'attributes'
                when is_later then 'later_events'
                when row_count > 0 then 'late_data'
                else coalesce(other_causes.cause, 'later_events')
            end,
            other_causes.detail,
            coalesce(row_count, 0), coalesce(changed_rows, []), first_arrived_at, last_arrived_at, ?, ?
        from differences
        left join behind using (figure_id)
        left join catalog using (metric_id)
        left join other_causes using (close_month)
        """,
        [today.run_id, today.as_of_date],
    )
