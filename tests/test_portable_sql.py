"""The models are Spark's SQL, too, though only DuckDB is here: what one engine alone knows stands in macros/engine.sql.

Every model, data test and contract is compiled with Spark's macros, read with sqlglot's Spark grammar, checked against
lists of the functions and types that both engines have with one meaning, and typed column by column by Spark's rules,
from the landed texts to the marts.

How good it is: the eleven changes that a trial on Spark 4.1 had needed (one of them nine functions) were taken back one
by one, and each was refused; that seeds are filled by a macro of the project's own is held by its name alone. It does
not know what only a run shows: a double in its last digit, how a text sorts, what the metastore or dbt-spark refuses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from sqlglot import ParseError, exp, parse, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from tests.support.compiled import Compiled, all_source_vars, compiled, landed_types, plain_names, spark_type

# The branches that the defaults leave out: a zone beside UTC, the other clock, fiscal years, paused subscriptions.
SETTINGS = json.dumps(
    {
        **all_source_vars(),
        "as_of_date": "2025-06-30", "business_timezone": "Asia/Seoul", "response_time_clock": "business_hours",
        "fiscal_year_start_month": 4, "paused_subscriptions": "included",
    }
)  # fmt: skip
OTHER_SETTINGS = json.dumps(
    {
        **all_source_vars(),
        "as_of_date": "2025-06-30", "revenue_basis": "bookings", "win_rate_basis": "amount", "cac_costs": "paid_only",
        "sales_cycle_start": "deal_created", "lead_conversion_basis": "period", "churn_formula": "stripe",
    }
)  # fmt: skip

# Functions with one meaning on DuckDB and Spark, as these models call them ...
SHARED_FUNCTIONS = {
    "abs", "bool_or", "cast", "coalesce", "concat_ws", "count", "date_trunc", "exp", "extract", "floor", "greatest",
    "grouping", "lag", "lead", "least", "ln", "lower", "lpad", "max", "md5", "min", "mod", "nullif",
    "percentile_cont", "rank", "regexp_replace", "replace", "round", "row_number", "split_part", "substring", "sum",
    "trim", "try_cast", "upper",
}  # fmt: skip
# ... and those that only Spark's side of macros/engine.sql calls.
SPARK_FUNCTIONS = {
    "collect_list", "concat", "date_add", "datediff", "explode", "from_json", "from_utc_timestamp", "get_json_object",
    "json_object_keys", "map", "named_struct", "rint", "sequence", "sort_array", "split", "timestamp_micros", "to_json",
    "to_utc_timestamp", "typeof", "unix_micros", "weekday",
}  # fmt: skip
# What may stand before an opening parenthesis and is no function.
WORDS = {
    "and", "as", "by", "case", "decimal", "distinct", "else", "exists", "filter", "from", "group", "in", "join", "not",
    "on", "or", "over", "select", "sets", "then", "union", "using", "values", "when", "where",
}  # fmt: skip
# As sqlglot calls what Spark calls bigint, boolean, date, decimal, double, int, string and timestamp.
TYPES = {"bigint", "boolean", "date", "decimal", "double", "int", "text", "timestamp", "timestamptz"}
# Parts of dates that both number alike.
EXTRACTED = {"day", "doy", "month", "year"}
REFUSED = [
    (r"::", "a cast is written cast(x as type)"),
    (
        r"\bas\s+(varchar|text|timestamptz|float|real|numeric|hugeint|json)\b",
        "a type that Spark lacks, or calls otherwise",
    ),
    (r"\bdouble\s+precision\b", "double precision is {{ double_type() }}"),
    (r"\bqualify\b", "qualify is not standard"),
    (r"\bgroup\s+by\s+all\b", "group by all: name the columns"),
    (r"\bdistinct\s+on\b", "distinct on is not standard"),
    (r"\basof\s+join\b|\banti\s+join\b|\bsemi\s+join\b|\bpositional\s+join\b", "a join that only some engines have"),
    (r"\*\s*(exclude|except|replace)\b", "name the columns"),
    (r"\bat\s+time\s+zone\b", "at time zone stands in local_timestamp() alone"),
    (r"(?<![\w'])~|!~", "~ is {{ matches() }}"),
    (r"//", "// divides on DuckDB only"),
    (r'"', "a name that needs quotes: on Spark these make a text"),
    (r"\bilike\b|\bsimilar\s+to\b|\bglob\b", "a comparison that only some engines have"),
]


def test_every_model_and_data_test_is_sql_that_spark_takes() -> None:
    assert list(_findings(compiled("spark", SETTINGS))) == []


def test_the_other_policies_are_sql_that_spark_takes() -> None:
    assert list(_findings(compiled("spark", OTHER_SETTINGS))) == []


def test_contracts_and_seeds_have_their_way_into_spark() -> None:
    project = compiled("spark", SETTINGS)
    for statement in filter(None, parse(project.contracts, dialect="spark")):
        assert _foreign_types(statement) == []
    # dbt's own ways to make and fill a seed's table break on Spark at an apostrophe and at NULL
    assert {"macro.sales_kpis.spark__create_csv_table", "macro.sales_kpis.spark__load_csv_rows"} <= project.macros


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        ("select cast(name as varchar) as x from t", "as varchar"),
        ("select cast(amount as double precision) as x from t", "double precision"),
        (r"select regexp_replace(name, '(a)', '\1') as x from t", "backslash"),
        ("select ltrim(name, ',') as x from t", "function ltrim"),
        ("select trim(name, ' ') as x from t", "other way round"),
        ("select regexp_full_match(name, 'a') as x from t", "function regexp_full_match"),
        ("select name ~ 'a' as x from t", "matches"),
        ("select cast(name as timestamptz) as x from t", "as timestamptz"),
        ("select cast(seen_at at time zone 'UTC' as date) as x from t", "time zone"),
        ("select unnest(string_to_array(name, ',')) as x from t", "function unnest"),
        ("select json_object('name', name) as x from t", "function json_object"),
        ("select extract(isodow from day_on) as x from t", "isodow"),
        ("select cast(day_on + number as date) as x from t", "days_after"),
        ("select day_on + cast(name as time) as x from t", "type time"),
        ("select later_on - day_on as x from t", "days_between"),
        ("select rank() over (order by number) as number from t", "contract says bigint"),
        (
            "select max(n) as number from (select row_number() over (order by number) as n from t) as u",
            "contract says bigint",
        ),
        ("select power(2, 0) as x from t", "function power"),
        ("select avg(amount) as x from t", "function avg"),
        ("select cast(share as decimal(28, 6)) as x from t", "rounds a double"),
        ("select amount * amount as x from t", "digits"),
        ("select share::string as x from t", "cast(x as type)"),
        ("select name from t qualify row_number() over (order by name) = 1", "qualify"),
        ("select name, count(*) as n from t group by all", "group by all"),
        ('select "name" from t', "quotes"),
        ("select name from t where", "does not read"),
    ],
)
def test_what_one_engine_alone_knows_is_found(sql: str, finding: str) -> None:
    schema = {
        "t": {
            "name": "string", "number": "bigint", "amount": "decimal(18, 6)", "share": "double", "day_on": "date",
            "later_on": "date", "seen_at": "timestamp",
        }
    }  # fmt: skip
    found = list(_findings_in(sql, schema, {"number": "bigint"})[0])
    assert any(finding in one for one in found), found


def test_what_both_engines_know_is_not_refused() -> None:
    schema = {"t": {"number": "bigint", "amount": "decimal(18, 6)", "share": "double", "day_on": "date"}}
    sql = """
        select
            cast(row_number() over (order by day_on) as bigint) as number,
            cast(amount as decimal(20, 6)) * cast(amount as decimal(16, 6)) as cost,
            cast(cast(share as decimal(38, 10)) as decimal(28, 6)) as part,
            cast(round(share, 4) as decimal(28, 4)) as rounded,
            cast(day_on + 2 * interval '1' month as date) as later_on
        from t
    """
    assert list(_findings_in(sql, schema, {"number": "bigint"})[0]) == []


def _findings(project: Compiled) -> Iterator[str]:
    """What Spark would refuse or take otherwise, "model: what"."""
    schema = landed_types()
    for node in (*project.models(), *project.data_tests()):
        contract = {
            name: spark_type(column["data_type"]) for name, column in node["columns"].items() if column.get("data_type")
        }
        found, types = _findings_in(plain_names(node["compiled_code"]), schema, contract)
        yield from (f"{node['name']}: {one}" for one in found)
        if node["resource_type"] == "model":
            schema[node["name"]] = types | contract


def _findings_in(
    sql: str, schema: dict[str, dict[str, str]], contract: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """What is wrong with a statement for Spark, and the types of its columns."""
    code, texts = _code_and_texts(sql)
    found = [
        f"{why} ({match.group(0)})" for pattern, why in REFUSED if (match := re.search(pattern, code, re.IGNORECASE))
    ]
    found += [f"a backslash in a text is an escape on Spark: {text}" for text in texts if "\\" in text]
    found += [f"function {name} is not among those of both engines" for name in sorted(_unknown_functions(sql))]
    try:
        tree = parse_one(sql, dialect="spark")
    except ParseError as error:
        return [*found, f"Spark's grammar does not read it: {str(error).splitlines()[0]}"], {}
    found += [f"type {type_} is not one of both engines" for type_ in _foreign_types(tree)]
    found += [f"extract({part.name.lower()}) differs or is missing" for part in _parts_of(tree)]
    if any(trim.expression and not trim.args.get("position") for trim in tree.find_all(exp.Trim)):
        found.append("trim(text, characters) takes them the other way round on Spark: trim(both characters from text)")
    # numbers of rows are int on Spark, bigint on DuckDB
    for window in list(tree.find_all(exp.Window)):
        if isinstance(window.this, exp.RowNumber | exp.Rank | exp.DenseRank):
            window.replace(exp.cast(window.copy(), "int"))
    try:
        typed = annotate_types(
            qualify(tree, schema={**schema}, dialect="spark", quote_identifiers=False),
            schema={**schema},
            dialect="spark",
        )
    except SqlglotError as error:
        return [*found, f"its columns cannot be resolved: {error}"], {}
    assert isinstance(typed, exp.Query)
    types = {one.alias_or_name: one.type.sql("spark").lower() if one.type else "unknown" for one in typed.selects}
    found += _typed_findings(typed)
    for name, told in contract.items():
        if name in types and _family(types[name]) != _family(told):
            found.append(f"{name} is {types[name]} on Spark, its contract says {told}")
    return found, {name: "string" if type_ in ("null", "unknown") else type_ for name, type_ in types.items()}


def _typed_findings(tree: exp.Expr) -> Iterator[str]:
    """What only the types of operands show."""
    days = {exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPTZ}
    for sum_ in tree.find_all(exp.Add, exp.Sub):
        sides = [sum_.left, sum_.right]
        if any(side.type and side.type.this in days for side in sides) and not sum_.find(exp.Interval):
            yield f"dates take days_after() and days_between(), timestamps seconds_between(): {sum_.sql()}"
    for product in tree.find_all(exp.Mul):
        digits = [_digits(side) for side in (product.left, product.right)]
        if None not in digits:
            (left, right) = (one or 0 for one in digits)
            if left + right + 1 > 38:
                yield f"a product of {left} and {right} digits loses decimals on Spark: {product.sql()}"
            if max(left, right) <= 18 < left + right:
                yield f"a product of {left} and {right} digits is cut to 18 digits by DuckDB: {product.sql()}"
    for cast in tree.find_all(exp.Cast):
        scale = _scale(cast.to)
        value = cast.this.this if isinstance(cast.this, exp.Round) else cast.this
        is_rounded = isinstance(cast.this, exp.Round) and int(cast.this.args["decimals"].name) <= (scale or 0)
        if scale is not None and scale < 10 and not is_rounded and value.type and value.type.is_type("double"):
            yield f"a cast that rounds a double: first to decimal(38, 10), or round(): {cast.sql()}"


def _code_and_texts(sql: str) -> tuple[str, list[str]]:
    """A statement without texts and comments, and its texts but the raw ones (r'...')."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
    raw_or_not = r"\b[rR]'[^']*'|'(?:[^'\\]|\\.|'')*'"
    texts = [text for text in re.findall(raw_or_not, bare) if text.startswith("'")]
    return re.sub(raw_or_not, "''", bare), texts


def _unknown_functions(sql: str) -> set[str]:
    code, _ = _code_and_texts(sql)
    called = {name.lower() for name in re.findall(r"\b([A-Za-z_]\w*)\s*\(", code)}
    # a CTE with its columns, and an alias, do not look like this here; a word before "(" is a function or a keyword
    return called - WORDS - SHARED_FUNCTIONS - SPARK_FUNCTIONS


def _foreign_types(tree: exp.Expr) -> list[str]:
    """Types that are not among those of both engines."""
    names = [type_.this.name.lower() for type_ in tree.find_all(exp.DataType)]
    return sorted({name for name in names if name not in TYPES})


def _parts_of(tree: exp.Expr) -> list[exp.Expr]:
    return [one.this for one in tree.find_all(exp.Extract) if one.this.name.lower() not in EXTRACTED]


def _family(type_: str) -> str:
    return re.sub(r"\(.*", "", type_.lower()).strip().replace("integer", "int")


def _digits(value: exp.Expr) -> int | None:
    """How many digits a decimal has; None for what is none."""
    told = value.to if isinstance(value, exp.Cast) else value.type
    if told is None or not told.is_type("decimal") or not told.expressions:
        return None
    return int(told.expressions[0].name)


def _scale(type_: exp.DataType) -> int | None:
    """The decimals of a decimal type; None for another type."""
    if not type_.is_type("decimal") or len(type_.expressions) < 2:
        return None
    return int(type_.expressions[1].name)
