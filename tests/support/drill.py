"""Holds every figure of every mart against the rows that its drill view shows, and those against the facts."""

from __future__ import annotations

import duckdb

from orchestration.core.catalog import metrics

# Sums of money are rounded to 4 decimals when they are published, and quotients are doubles.
TOLERANCE = 6e-5
RELATIVE_TOLERANCE = 1e-5
# The columns of every view; the cuts' member keys follow.
COLUMNS = [
    "metric_id", "part", "event_on", "period_grain", "period_start", "is_in_all", "fact", "fact_key",
    "numerator", "denominator",
]  # fmt: skip


def differences(connection: duckdb.DuckDBPyConnection, metric_id: str) -> list[str]:
    """The cells of a mart that are not the sum of their rows, a line each, and the cuts that have no column."""
    dimensions = [
        name
        for (name,) in connection.execute(
            f"select distinct dimension from kpi.kpi_{metric_id} where dimension <> 'all' order by 1"
        ).fetchall()
    ]
    columns = [row[0] for row in connection.execute(f"describe drill.{metric_id}").fetchall()]
    if columns[: len(COLUMNS)] != COLUMNS:
        return [f"{metric_id}: the view begins with {columns[: len(COLUMNS)]}"]
    missing = [name for name in dimensions if _column(name) not in columns]
    if missing:
        return [f"{metric_id}: no column for {missing}"]
    rows = connection.execute(_query(metric_id, dimensions)).fetchall()
    return [
        f"{metric_id} {grain} {start} {dimension} {value}: {what} {figure}, its rows {added}"
        for grain, start, dimension, value, what, figure, added in rows
    ]


def unknown_keys(connection: duckdb.DuckDBPyConnection, metric_id: str, keys: dict[str, list[str]]) -> list[str]:
    """The rows of a view that are in no fact; `keys` are the key columns of the facts."""
    facts = connection.execute(f"select distinct fact from drill.{metric_id} order by 1").fetchall()
    wrong = []
    for (fact,) in facts:
        key = " || '/' || ".join(f"coalesce(cast({column} as varchar), '')" for column in keys[fact])
        wrong += connection.execute(
            f"select fact, fact_key from drill.{metric_id} where fact = '{fact}' "
            f"and fact_key not in (select {key} from facts.{fact}) limit 3"
        ).fetchall()
    return [f"{metric_id}: no {key} in {fact}" for fact, key in wrong]


def _column(dimension: str) -> str:
    return {"sales_rep": "sales_rep_id"}.get(dimension, dimension)


def _query(metric_id: str, dimensions: list[str]) -> str:
    """Cells that differ. Of a view in parts, numerator and denominator are the products of their parts' quotients; a
    quotient without a value makes the product one without."""
    cells = ["select *, 'all' as dimension, 'all' as dimension_value from placed where is_in_all"]
    cells += [
        f"select *, '{name}' as dimension, {_column(name)} as dimension_value from placed "
        f"where {_column(name)} is not null"
        for name in dimensions
    ]
    key = "period_grain, period_start, dimension, dimension_value"
    if metrics()[metric_id].drill == "additive":
        sums = f"select {key}, sum(numerator) as numerator, sum(denominator) as denominator from cells group by all"
    else:
        sums = f"""
            select {key},
                {_product("numerator")} as numerator,
                {_product("denominator")} as denominator
            from (
                select {key}, part, case
                    when count(denominator) = 0 then sum(numerator) else sum(numerator) / nullif(sum(denominator), 0)
                end as quotient
                from cells group by all
            ) group by all"""
    return f"""
        with parts as (select distinct part from drill.{metric_id}),
        placed as (
            select rows.* exclude (period_grain, period_start), dates.period_grain, dates.period_start
            from drill.{metric_id} as rows inner join facts.dim_period_dates as dates on rows.event_on = dates.date_on
            where rows.period_grain is null
            union all by name
            select * from drill.{metric_id} where period_grain is not null
        ),
        cells as ({" union all by name ".join(cells)}),
        sums as ({sums}),
        compared as (
            select {", ".join(f"mart.{column}" for column in key.split(", "))},
                unnest(['numerator', 'denominator']) as what,
                unnest([mart.numerator, mart.denominator]) as figure,
                unnest([sums.numerator, sums.denominator]) as added
            from kpi.kpi_{metric_id} as mart left join sums using ({key})
        )
        -- a figure that is not known, of which nothing or less is left over, has no rows to show
        from compared
        where abs(coalesce(figure, 0) - coalesce(added, 0))
            > greatest({TOLERANCE}, {RELATIVE_TOLERANCE} * abs(coalesce(figure, 0)))
            and not (figure is null and added <= 0)
        order by all limit 5
    """


def _product(side: str) -> str:
    """The product of a side's parts; NULL where one of them has no rows or no value."""
    mine = f"part like '{side}%'"
    known = f"count(quotient) filter ({mine}) = (select count(*) from parts where {mine})"
    return f"case when {known} then product(quotient) filter ({mine}) end"
