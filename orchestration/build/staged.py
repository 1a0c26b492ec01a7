"""What staging found, for the gate behind it and for last_run.json: the books as shares, why rows were set aside, with
the values that are at fault, and what was kept but deserves a look, with samples. Written into schema `gates`.
"""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.core.contract import Column, Table, source_tables
from orchestration.warehouse.sql import literal

BOOK_COLUMNS = ("read", "current", "superseded", "deleted", "quarantined", "repaired", "left_out")
# How many values of a kind a message shows.
SAMPLES = 3
# What a value of a type looks like, for messages on those that do not.
WRITTEN = {
    "timestamp": "an instant is written 2025-03-05T14:30:00Z, a day 2025-03-05",
    "date": "a day is written 2025-03-05",
    "month": "the first of a month is written 2025-03-01",
    "decimal": "a number is written 1000.00",
    "rate": "a rate is written 1.0850",
    "integer": "a whole number is written 12",
}
# The same of columns whose values go by other columns.
BY_OTHERS = {
    "discount_amount": "a discount is 0 to quantity x unit_price, written 1000.00",
    "tax_amount": "a tax is written 1000.00; a refund's is no more than its amount",
    "probability": "a probability is written 0.25",
    "score": "a score is 1 to 5, blank where nobody answered",
}
# Which rows have a finding, by what people look them up by.
WHICH = {
    "refunded_without_refund": """
        select 'order ' || order_id from staging.stg_billing__orders
        where status = 'refunded' and order_id not in (select order_id from staging.stg_billing__refunds)
    """,
    "refund_above_order": """
        select format('order {}: {:,.2f} given back of {:,.2f}', order_id, refunded, coalesce(net, 0))
        from (
            select order_id, cast(sum(amount - coalesce(tax_amount, 0)) as double) as refunded
            from staging.stg_billing__refunds group by order_id
        )
        left join (
            select order_id, cast(sum(quantity * unit_price - coalesce(discount_amount, 0)) as double) as net
            from staging.stg_billing__order_items group by order_id
        ) using (order_id)
        where refunded > coalesce(net, 0)
    """,
    "two_changes_at_one_moment": """
        select format('{} at {}: {}', subscription_id, changed_at, string_agg(subscription_change_id, ' and '
            order by subscription_change_id))
        from staging.stg_billing__subscription_changes group by subscription_id, changed_at having count(*) > 1
    """,
    "closed_before_created": """
        select 'deal ' || deal_id from staging.stg_crm__deals
        where case when closed_at_is_day or created_at_is_day
            then gates.local_date(closed_at) < gates.local_date(created_at) else closed_at < created_at end
    """,
    "deals_without_amount": "select 'deal ' || deal_id from staging.stg_crm__deals where amount is null",
}


def books(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Per table the rows read, and how many of them are current, superseded, deleted, quarantined (of these repaired)
    and left out."""
    columns = ", ".join(f"rows_{name}" for name in BOOK_COLUMNS)
    rows = connection.execute(f"select system_table, {columns} from staging.load_books order by system_table")
    return {row[0]: dict(zip(BOOK_COLUMNS, row[1:], strict=True)) for row in rows.fetchall()}


def findings(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """What was kept but deserves a look, most money first, then most rows: the table, the finding, the rows that have
    it, those that could, their amount in the reporting currency (None: no money) and samples in words (or None)."""
    rows = connection.execute("""
        select table_name, finding, row_count, checked_count, cast(amount as double), told from gates.findings
        order by amount desc nulls last, row_count desc, table_name, finding
    """).fetchall()
    names = ("table", "finding", "rows", "of", "amount", "told")
    return [dict(zip(names, row, strict=True)) for row in rows]


def write_staged(connection: duckdb.DuckDBPyConnection) -> None:
    """Write gates.findings and gates.books, which the expectations after staging look at."""
    _write_findings(connection)
    _write_reasons(connection)
    connection.execute("""
        create or replace table gates.books as
        select
            books.system_table as table_name,
            books.rows_read - books.rows_current - books.rows_superseded - books.rows_deleted - books.rows_quarantined
                - books.rows_left_out as unbalanced_rows,
            coalesce(
                (books.rows_quarantined - books.rows_repaired)
                / nullif(cast(books.rows_read - books.rows_repaired as double), 0), 0
            ) as quarantined_share,
            format(
                '{:,} of {:,} rows quarantined: {}', books.rows_quarantined - books.rows_repaired,
                books.rows_read - books.rows_repaired, reasons.told
            ) as quarantine,
            coalesce(conflicts.row_count / nullif(cast(books.rows_read as double), 0), 0) as conflicting_share,
            conflicts.told as conflicts
        from staging.load_books as books
        left join gates.reasons as reasons on books.system_table = reasons.system_table
        left join gates.findings as conflicts
            on books.system_table = conflicts.table_name and conflicts.finding = 'conflicting_key'
    """)


def _write_reasons(connection: duckdb.DuckDBPyConnection) -> None:
    """Per table why rows are set aside that nothing has repaired: the commonest reasons, with the values at fault."""
    connection.execute("create or replace temp table hints (system_table varchar, reason varchar, hint varchar)")
    connection.executemany("insert into hints values (?, ?, ?)", _hints())
    connection.execute(f"""
        create or replace table gates.reasons as
        with
        faults as (
            select
                system_table, source_table, file_name, line, row_text, read_as, reason,
                case
                    when starts_with(reason, 'invalid_') then substr(reason, 9)
                    when reason = 'unknown_stage' then 'stage'
                    when reason = 'unknown_order' then 'order_id'
                    when reason = 'missing_fx_rate' then 'currency'
                end as column_name
            from (
                select *, unnest(string_split(reasons, ',')) as reason
                from staging.quarantined_rows where not is_repaired
            )
        ),
        -- values at fault by how often they come, each with the first place
        faulty as (
            select
                system_table, source_table, reason, column_name, shown, count(*) as row_count,
                min_by(
                    case when source_table <> system_table then replace(source_table, '.', '/') || '/' else '' end
                        || file_name || ':' || line,
                    (file_name, line)
                ) as place
            from (
                select
                    *,
                    case
                        when reason = 'malformed_line' then left(row_text, 40)
                        when column_name is not null then json_extract_string(read_as, '$.' || column_name)
                    end as shown
                from faults
            )
            group by system_table, source_table, reason, column_name, shown
        ),
        numbered as (
            select
                faulty.*,
                columns.source_column,
                sum(row_count) over (partition by faulty.system_table, reason) as reason_count,
                row_number() over (partition by faulty.system_table, reason order by row_count desc, place) as number
            from faulty left join staging.source_columns as columns
                on faulty.system_table = columns.system_table and faulty.column_name = columns.column_name
                and split_part(faulty.source_table, '.', 1) = columns.source_system
        ),
        reasons as (
            select
                system_table, reason, reason_count,
                string_agg(
                    coalesce('''' || shown || ''' ', '')
                    || case when row_count > 1 then format('{{:,}} times, first ', row_count) else '' end || place,
                    ', ' order by number
                ) as samples
            from numbered where number <= {SAMPLES}
            group by system_table, reason, reason_count
        ),
        told as (
            select
                reasons.system_table, reason_count, reasons.reason,
                format('{{}} {{:,}}: {{}}{{}}', reasons.reason, cast(reason_count as bigint), samples,
                    coalesce('; ' || hints.hint, '')) as told
            from reasons left join hints on reasons.system_table = hints.system_table and reasons.reason = hints.reason
            qualify row_number() over (
                partition by reasons.system_table order by reason_count desc, reasons.reason
            ) <= {SAMPLES}
        )
        select system_table, string_agg(told, '. ' order by reason_count desc, reason) as told
        from told group by system_table
    """)


def _hints() -> list[tuple[str, str, str]]:
    """What to do about the reasons of each table: (table, reason, hint)."""
    hints = [(table.label, "unknown_stage", "a stage is added in seeds/deal_stages.csv") for table in source_tables()]
    for table in source_tables():
        for column in table.columns:
            if hint := _how_it_is_written(column):
                hints.append((table.label, f"invalid_{column.name}", hint))
    return hints


def _how_it_is_written(column: Column) -> str | None:
    if column.accepted:
        return f"one of {', '.join(column.accepted)}"
    return BY_OTHERS.get(column.name) or WRITTEN.get(column.type)


def _write_findings(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
        create or replace table gates.findings as
        select
            system_table as table_name, finding, row_count, checked_count, amount,
            row_count / cast(checked_count as double) as share, cast(null as varchar) as told
        from staging.data_findings
    """)
    tables = {table.label: table for table in source_tables()}
    for label, finding in connection.execute("select table_name, finding from gates.findings").fetchall():
        if told := _told(connection, tables[label], finding):
            connection.execute(
                "update gates.findings set told = ? where table_name = ? and finding = ?", [told, label, finding]
            )


def _told(connection: duckdb.DuckDBPyConnection, table: Table, finding: str) -> str | None:
    """A finding with samples, in words; None where there is nothing to add to its name."""
    if finding.startswith("unknown_"):
        return _not_found(connection, table, finding.removeprefix("unknown_"))
    which = WHICH.get(finding)
    if finding == "conflicting_key":
        which = f"select _file_name || ':' || _line from staging.base_{table.raw_name} where _is_conflict"
    if which is None:
        return None
    samples = connection.execute(f"from ({which}) as samples (sample) order by sample limit {SAMPLES}").fetchall()
    return f"{finding}: such as {', '.join(sample for (sample,) in samples)}"


def _not_found(connection: duckdb.DuckDBPyConnection, table: Table, name: str) -> str:
    """What a column names that is not there: how often, samples, and the ids that are there and read alike.

    Ids read alike that are the same but for capitals, leading zeros, a trailing .0 (a spreadsheet's), or the last three
    characters of 18 (a CRM's ids have 15 or 18).
    """
    parent = next(column.parent for column in table.columns if column.name == name)
    assert parent is not None
    key = next(
        column.name for other in source_tables() if other.label == parent for column in other.columns if column.key
    )
    plain = "lower(regexp_replace(regexp_replace(id, '[.]0+$', ''), '^0+(.)', '\\1'))"
    connection.execute(f"""
        create or replace temp table not_found as
        with
        named as (
            select {name} as id, count(*) as row_count from staging.stg_{table.raw_name}
            where {name} is not null group by {name}
        ),
        known as (select {key} as id from staging.stg_{parent.replace(".", "__")}),
        missing as (select id, row_count from named where id not in (select id from known)),
        alike as (
            select one.id, other.id as known_id
            from (select id, {plain} as plain from missing) as one
            inner join (select id, {plain} as plain from known) as other on one.plain = other.plain
            union all
            select one.id, other.id
            from missing as one inner join known as other
                on length(one.id) + length(other.id) = 33 and length(one.id) in (15, 18)
                and left(one.id, 15) = left(other.id, 15)
        )
        select missing.id, missing.row_count, min(alike.known_id) as known_id
        from missing left join alike using (id) group by missing.id, missing.row_count
    """)
    counted = connection.execute(f"""
        select sum(row_count), (select count({name}) from staging.stg_{table.raw_name}),
            coalesce(sum(row_count) filter (where known_id is not null), 0)
        from not_found
    """).fetchone()
    samples = connection.execute(f"""
        select id, known_id from not_found order by known_id is null, row_count desc, id limit {SAMPLES}
    """).fetchall()
    assert counted is not None
    rows, named, alike = counted
    told = f"{name}: {rows:,} of {named:,} ({rows / named:.0%}) name what is not in {parent}, such as "
    told += ", ".join(literal(found) for found, _ in samples)
    likes = [f"{literal(known)} for {literal(found)}" for found, known in samples if known is not None]
    return told + (f"; {alike:,} read like one that is there ({', '.join(likes)})" if likes else "")
