"""Every window function that depends on the order of rows has a total one: partition and order cover a key of the rows.

Two rows that tie in a row_number(), a lag() or a running sum come out in one order today and in another tomorrow, on
another engine, or in the next window of the same model; so one account once had two equal intervals.

How good it is: keys are not declared for this test but those that `unique_key` and `unique` tests prove on every build,
and the keys of the source contract; a join to intervals that `intervals_never_overlap` holds finds one of them a day.
Through CTEs, joins, groups and filters keys are worked out here. What cannot be worked out (a union, a key behind an
expression) is refused: it needs a line in KNOWN, with the reason. rank() is left out, whose ties are meant, and so is
what looks at peers together (a running sum without `rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import yaml
from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify

from orchestration.core.contract import PROJECT_ROOT
from tests.support.compiled import Compiled, compiled, landed_types, plain_names, spark_type

Column = tuple[str, str]  # source, column
Keys = set[frozenset[Column]]
OutputKeys = set[frozenset[str]]
Intervals = dict[
    str, tuple[frozenset[str], str, str]
]  # table: whose intervals, the column of their first day, of their end

ORDERED = (exp.RowNumber, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Ntile)
# (model or test, window function): why ties do no harm, or why there are none.
KNOWN: dict[tuple[str, str], str] = {
    (
        "deal_stages_in_force",
        "row_number() over (order by brought.system_number, brought.stage_order, brought.stage)",
    ): "of what no system brings nothing is numbered; of what some do each system's stages are its model's own keys",
    (
        "dim_business_days",
        "sum(opened.open_minutes) over (order by opened.date_on rows between unbounded preceding and 1 preceding)",
    ): "counted off from whole numbers; date_on is the model's own key, held by its unique_key test",
}


def test_every_window_that_depends_on_order_has_a_total_order() -> None:
    project = compiled("spark")
    untold = [f"{name}: {window}" for name, window in _loose_windows(project) if (name, window) not in KNOWN]
    assert untold == []


def test_no_known_window_is_gone() -> None:
    loose = set(_loose_windows(compiled("spark")))
    assert set(KNOWN) <= loose


@pytest.mark.parametrize(
    "sql",
    [
        "select row_number() over (order by name) as n from t",
        "select lag(amount) over (partition by account order by day) as n from t",
        "select sum(amount) over (order by day rows between unbounded preceding and 1 preceding) as n from t",
        # a join that multiplies rows takes the key away
        "select row_number() over (order by t.id) as n from t inner join u on t.account = u.account",
        # so does a projection that leaves it out, and a union
        "with a as (select account, day from t) select row_number() over (order by account, day) as n from a",
        "with a as (select id from t union all select id from t) select row_number() over (order by id) as n from a",
        "select row_number() over (order by lower(id)) as n from t",
        # a day that only begins after the interval does may lie in several
        """
        select row_number() over (partition by t.account order by t.id) as n
        from t left join i on t.account = i.account and t.day >= i.valid_from
        """,
    ],
)
def test_a_window_with_ties_is_found(sql: str) -> None:
    assert list(_loose_in(sql, SCHEMA, KEYS, INTERVALS)[0])


@pytest.mark.parametrize(
    "sql",
    [
        "select row_number() over (partition by account order by day, id) as n from t",
        "select rank() over (order by name) as n from t",
        "select sum(amount) over (order by day) as n from t",
        # a left join to one row each keeps the key
        "select row_number() over (order by t.id) as n from t left join u on t.account = u.id",
        # a row of t finds one row of u: the key of t is that of both
        "select row_number() over (order by t.id) as n from u inner join t on t.account = u.id",
        # a group is a key, and so are the partitions of a rank that is 1
        """
        with a as (select account, max(day) as day from t group by account)
        select lag(day) over (order by account) as n from a
        """,
        """
        with a as (select account, day, row_number() over (partition by account, day order by id) as n from t),
        b as (select account, day from a where n = 1)
        select lead(day) over (partition by account order by day) as next_day from b
        """,
        # of intervals that never overlap one is in force on a day
        """
        select row_number() over (partition by t.account order by t.id) as n
        from t left join i on t.account = i.account and t.day >= i.valid_from and t.day < i.valid_to
        """,
        # a key of two columns, of which one is fixed
        "select lead(day) over (order by day) as n from v where grain = 'month'",
    ],
)
def test_a_window_without_ties_is_not_refused(sql: str) -> None:
    assert list(_loose_in(sql, SCHEMA, KEYS, INTERVALS)[0]) == []


SCHEMA = {
    "t": {"id": "string", "name": "string", "account": "string", "day": "date", "amount": "double"},
    "u": {"id": "string", "account": "string"},
    "v": {"grain": "string", "day": "date"},
    "i": {"account": "string", "valid_from": "date", "valid_to": "date"},
}
KEYS: dict[str, OutputKeys] = {
    "t": {frozenset({"id"})}, "u": {frozenset({"id"})}, "v": {frozenset({"grain", "day"})},
    "i": {frozenset({"account", "valid_from"})},
}  # fmt: skip
INTERVALS: Intervals = {"i": (frozenset({"account"}), "valid_from", "valid_to")}


def _loose_windows(project: Compiled) -> Iterator[tuple[str, str]]:
    """Model (or data test) and window, for every window whose order may have ties."""
    schema, keys, intervals = landed_types(), _proven_keys(project), _proven_intervals(project)
    for node in (*project.models(), *project.data_tests()):
        loose, types, inferred = _loose_in(plain_names(node["compiled_code"]), schema, keys, intervals)
        yield from ((node["name"], window) for window in loose)
        if node["resource_type"] == "model":
            contract = {name: column.get("data_type") for name, column in node["columns"].items()}
            schema[node["name"]] = {name: spark_type(contract.get(name) or "string") for name in types}
            keys[node["name"]] = keys.get(node["name"], set()) | inferred


def _proven_keys(project: Compiled) -> dict[str, OutputKeys]:
    """Keys of models, seeds and landed tables that a data test, the source contract or the loader holds."""
    keys: dict[str, OutputKeys] = {"load_files": {frozenset({"file_id"})}}
    for node in project.data_tests():
        told = node.get("test_metadata") or {}
        name = str(node.get("attached_node") or "").rpartition(".")[2]
        if told.get("name") == "unique_key":
            keys.setdefault(name, set()).add(frozenset(told["kwargs"]["columns"]))
        elif told.get("name") == "unique":
            keys.setdefault(name, set()).add(frozenset({told["kwargs"]["column_name"]}))
    sources = yaml.safe_load((PROJECT_ROOT / "models" / "staging" / "_sources.yml").read_text(encoding="utf-8"))
    for source in sources["sources"]:
        for table in source["tables"]:
            key = frozenset(one["name"] for one in table["columns"] if one["config"]["meta"].get("key"))
            keys.setdefault(f"stg_{table['identifier']}", set()).add(key)
            for landed in (table["identifier"], f"base_{table['identifier']}"):
                keys.setdefault(landed, set()).add(frozenset({"_file_id", "_line"}))
    return keys


def _proven_intervals(project: Compiled) -> Intervals:
    """Intervals of models that a data test holds never to overlap."""
    held: Intervals = {}
    for node in project.data_tests():
        told = node.get("test_metadata") or {}
        if told.get("name") == "intervals_never_overlap":
            kwargs = told["kwargs"]
            name = str(node.get("attached_node") or "").rpartition(".")[2]
            held[name] = frozenset(kwargs["of"]), kwargs["first"], kwargs["end"]
    return held


def _loose_in(
    sql: str, schema: dict[str, dict[str, str]], keys: dict[str, OutputKeys], intervals: Intervals
) -> tuple[list[str], list[str], OutputKeys]:
    """The windows of a statement that may have ties; the names of its columns; its keys."""
    tree = qualify(parse_one(sql, dialect="spark"), schema={**schema}, dialect="spark", quote_identifiers=False)
    assert isinstance(tree, exp.Query)
    loose: list[str] = []
    relation = _Relation(dict(keys), intervals, loose)
    inferred = relation.keys_of(tree)
    return loose, [one.alias_or_name for one in tree.selects], inferred


class _Relation:
    """Walks a query from the inside out, collects loose windows on the way, and says which columns are keys."""

    def __init__(self, known: dict[str, OutputKeys], intervals: Intervals, loose: list[str]) -> None:
        self.known = known
        self.intervals = intervals
        self.loose = loose
        # row_number() columns of a CTE, with the columns that they number within
        self.numbered: dict[str, dict[str, frozenset[str]]] = {}

    def keys_of(self, query: exp.Expr, name: str = "") -> OutputKeys:
        for cte in (query.args.get("with_") or query.args.get("with") or exp.With()).expressions:
            self.known[cte.alias] = self.keys_of(cte.this, cte.alias)
        if isinstance(query, exp.Subquery):
            return self.keys_of(query.this, name)
        if isinstance(query, exp.SetOperation):
            self.keys_of(query.left)
            self.keys_of(query.right)
            return set()
        return self._of_select(query, name) if isinstance(query, exp.Select) else set()

    def _of_select(self, select: exp.Select, name: str) -> OutputKeys:
        keys, fixed = self._of_sources(select)
        group = select.args.get("group")
        if group is not None:
            plain = not any(group.args.get(kind) for kind in ("grouping_sets", "cube", "rollup"))
            keys = {frozenset(_columns(group.expressions))} if plain and _all_columns(group.expressions) else set()
        elif any(one.find(exp.AggFunc) and not one.find(exp.Window) for one in select.expressions):
            keys = {frozenset()}
        for window in select.find_all(exp.Window):
            if window.find_ancestor(exp.Select) is select:
                self._check(window, keys, fixed)
        names = {
            (column.table, column.name): one.alias_or_name
            for one in select.expressions
            if isinstance(column := one.unalias(), exp.Column)
        }
        self.numbered[name] = {
            one.alias_or_name: frozenset(names[column] for column in partition)
            for one in select.expressions
            if isinstance(one.unalias(), exp.Window) and isinstance(one.unalias().this, exp.RowNumber)
            if (partition := set(_columns(one.unalias().args.get("partition_by") or []))) <= set(names)
        }
        output = {frozenset(names[column] for column in key - fixed) for key in keys if key - fixed <= set(names)}
        # a row_number() names its row within its partition
        output |= {partition | {number} for number, partition in self.numbered[name].items()}
        if group is not None and not output:
            output = _grouped_by_expressions(select, group)
        return output

    def _of_sources(self, select: exp.Select) -> tuple[Keys, set[Column]]:
        """Keys of the joined and filtered rows, and the columns that the filter fixes to one value."""
        source = select.args.get("from_") or select.args.get("from")
        if source is None:
            return set(), set()
        keys = self._of_source(source.this)
        conditions = list(_conjuncts(select.args.get("where")))
        for join in select.args.get("joins") or []:
            joined = self._of_source(join.this)
            alias = join.this.alias_or_name
            on = list(_conjuncts(join.args.get("on")))
            equated = set(_equated(on))
            matches_one = any(key <= equated for key in joined) or self._is_in_force_once(join.this, on)
            is_matched_once = join.side == "" and any(key <= equated for key in keys)
            if join.side == "FULL":
                keys = set()
            elif is_matched_once:
                keys = joined | (keys if matches_one else set())
            elif not matches_one:
                keys = {one | other for one in keys for other in joined}
            if join.side == "":
                conditions += on
        fixed = set(_fixed(conditions))
        for alias, column in fixed:
            table = _table_of(select, alias)
            if column in self.numbered.get(table, {}):
                keys = keys | {frozenset((alias, one) for one in self.numbered[table][column])}
        return keys, fixed

    def _is_in_force_once(self, source: exp.Expr, on: list[exp.Expr]) -> bool:
        """Whether a join finds at most one of a member's intervals: that in force on a day."""
        if source.name not in self.intervals:
            return False
        of, first, end = self.intervals[source.name]
        alias = source.alias_or_name
        begun = set(_columns(one.right for one in on if isinstance(one, exp.GTE)))
        to_end = set(_columns(one.right for one in on if isinstance(one, exp.LT)))
        is_member = {(alias, column) for column in of} <= set(_equated(on))
        return is_member and (alias, first) in begun and (alias, end) in to_end

    def _of_source(self, source: exp.Expr) -> Keys:
        alias = source.alias_or_name
        if isinstance(source, exp.Subquery):
            return {frozenset((alias, column) for column in key) for key in self.keys_of(source.this, alias)}
        return {frozenset((alias, column) for column in key) for key in self.known.get(source.name, set())}

    def _check(self, window: exp.Window, keys: Keys, fixed: set[Column]) -> None:
        order = window.args.get("order")
        function = window.this.this if isinstance(window.this, exp.IgnoreNulls) else window.this
        spec = window.args.get("spec")
        by_rows = spec is not None and str(spec.args.get("kind")).upper() == "ROWS"
        if not isinstance(function, ORDERED) and not (order is not None and by_rows):
            return
        named = [one.this for one in order.expressions] if order is not None else []
        covered = set(_columns([*(window.args.get("partition_by") or []), *named])) | fixed
        if not any(key <= covered for key in keys):
            self.loose.append(" ".join(window.sql("spark").lower().split()))


def _columns(expressions: Iterable[exp.Expr]) -> list[Column]:
    return [(one.table, one.name) for one in expressions if isinstance(one, exp.Column)]


def _all_columns(expressions: Iterable[exp.Expr]) -> bool:
    return all(isinstance(one, exp.Column) for one in expressions)


def _conjuncts(condition: Any) -> Iterator[exp.Expr]:
    if condition is None:
        return
    inner = condition.this if isinstance(condition, exp.Where | exp.Paren) else condition
    if isinstance(inner, exp.And):
        yield from _conjuncts(inner.left)
        yield from _conjuncts(inner.right)
    elif isinstance(inner, exp.Paren):
        yield from _conjuncts(inner)
    else:
        yield inner


def _equated(conditions: Iterable[exp.Expr]) -> Iterator[Column]:
    """Columns that equal a column of another source, or a constant; or do so but for a constant (n = m + 1)."""
    for one in conditions:
        if isinstance(one, exp.EQ):
            for told, other in ((one.left, one.right), (one.right, one.left)):
                side = told.left if isinstance(told, exp.Add | exp.Sub) and told.right.is_number else told
                if isinstance(side, exp.Column) and side.table not in {
                    column.table for column in other.find_all(exp.Column)
                }:
                    yield side.table, side.name


def _fixed(conditions: Iterable[exp.Expr]) -> Iterator[Column]:
    """Columns that equal a constant."""
    for one in conditions:
        if isinstance(one, exp.EQ):
            for side, other in ((one.left, one.right), (one.right, one.left)):
                if isinstance(side, exp.Column) and not other.find(exp.Column):
                    yield side.table, side.name


def _table_of(select: exp.Select, alias: str) -> str:
    source = select.args.get("from_") or select.args.get("from")
    assert source is not None
    for one in (source.this, *(join.this for join in select.args.get("joins") or [])):
        if one.alias_or_name == alias:
            return str(one.name) if isinstance(one, exp.Table) else alias
    return alias


def _grouped_by_expressions(select: exp.Select, group: exp.Group) -> OutputKeys:
    """The key of a group by expressions that the select list has, too."""
    told = {one.unalias().sql(): one.alias_or_name for one in select.expressions}
    wanted = [one.sql() for one in group.expressions]
    return {frozenset(told[one] for one in wanted)} if wanted and all(one in told for one in wanted) else set()
