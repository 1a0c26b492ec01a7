"""A proposal as a source folder: YAML that says what the file has, SQL that makes rows of the contract of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.core.contract import NAME
from orchestration.core.errors import UsageError
from orchestration.mapping.formats import month_of, read_day, read_number
from orchestration.mapping.proposal import ColumnProposal, Proposal
from orchestration.mapping.sample_rows import FileSample

OWN_COLUMNS = (
    ("_file_id", "bigint", "Number of the file it came in."),
    ("_line", "bigint", "Line in the file, from 1."),
    ("_part", "integer", "1; of several rows made of one, their number."),
    ("_left_out", "varchar", "Why it is on purpose no row; NULL: it is one."),
)


@dataclass(frozen=True)
class Target:
    """Where a file becomes a source: the system and object that stand for it, below the folder `sources`."""

    sources: Path
    system: str
    name: str
    # whether keys get the system before them, so that those of two systems do not collide
    has_prefix: bool = False

    @property
    def folder(self) -> Path:
        return self.sources / self.system


def object_name(file: Path, fallback: str) -> str:
    """A name for what a file holds: of its own name the letters, without dates and numbers."""
    stem = file.name.split(".")[0].lower()
    name = re.sub(r"_+", "_", re.sub(r"[^a-z]+", "_", stem)).strip("_")
    return name if re.fullmatch(NAME, name) and len(name) > 1 else fallback


def column_names(sample: FileSample, proposal: Proposal) -> dict[str, str]:
    """A name for each column of a file that SQL takes as it is: its own in small letters where that is possible, else
    that of the contract's column it is read as."""
    names: dict[str, str] = {}
    read_as = {one.source: one.column.name for one in reversed(proposal.columns) if one.source is not None}
    for place, column in enumerate(sample.columns, start=1):
        name = re.sub(r"_+", "_", re.sub(r"[^a-z0-9]+", "_", column.lower())).strip("_")
        if not name or name[0].isdigit() or not column.isascii():
            name = read_as.get(column, f"column_{place}")
        if name in _keywords():
            name += "_value"
        names[column] = name if name not in names.values() else f"{name}_{place}"
    return names


def files_of(proposal: Proposal, sample: FileSample, target: Target, file_name: str) -> dict[Path, str]:
    """The files of a source folder with their content. Raises UsageError where another object fills the table."""
    names = column_names(sample, proposal)
    for column in proposal.months:
        names.pop(column)
    model = f"{target.system}__{proposal.known.table.name}"
    sql = target.folder / f"{model}.sql"
    if sql.exists() and f"'{target.name}'" not in sql.read_text(encoding="utf-8"):
        raise UsageError(f"{sql} reads another file already: name another --system")
    return {
        target.folder / f"_{target.system}__{target.name}.yml": _object_yaml(
            proposal, sample, target, names, file_name
        ),
        sql: _sql(proposal, target, names, file_name),
        target.folder / f"{model}.yml": _model_yaml(proposal, target, names),
    }


def before_and_after(one: ColumnProposal, sample: FileSample, count: int = 3) -> list[tuple[str, str]]:
    """The first values of a column as the file has them and as the contract does."""
    if one.source is None:
        return []
    if one.reason == "a column a month":
        month = month_of(one.source)
        values = sample.values(one.source)[:count]
        if one.column.type == "month":
            return [(one.source, str(month))]
        return [(value, read_number(value, ".")) for value in values]
    return [(value, _after(one, value)) for value in list(dict.fromkeys(sample.values(one.source)))[:count]]


def _after(one: ColumnProposal, value: str) -> str:
    if one.column.type == "month":
        month = month_of(value)
        return str(month) if month else read_day(value, one.date.written if one.date else "iso")[:8] + "01"
    if one.date:
        return read_day(value, one.date.written)
    if one.number:
        number = read_number(value, one.number.decimal)
        return str(float(number) / 100) if one.number.is_percent and one.column.name == "probability" else number
    return one.values.get(value, value)


def _object_yaml(proposal: Proposal, sample: FileSample, target: Target, names: dict[str, str], file_name: str) -> str:
    """What lands: the columns of the file, and how it is written where that is not plain."""
    used = {one.source for one in proposal.columns if one.column.required and one.source}
    dialect: dict[str, Any] = {
        name: value
        for name, value in (("sheet", sample.dialect.sheet), ("header_row", sample.dialect.header_row))
        if value
    }
    if sample.dialect.footer:
        dialect["footer"] = list(sample.dialect.footer)
    columns = []
    for column, name in names.items():
        column_meta: dict[str, Any] = {"aliases": [_harmless(column)]} if column != name else {}
        if column in used:
            column_meta["required"] = True
        columns.append({"name": name, **({"config": {"meta": column_meta}} if column_meta else {})})
    meta: dict[str, Any] = {"dialect": dialect} if dialect else {}
    if proposal.months:
        meta["keeps_other_columns"] = True
    table = {
        "name": target.name,
        "identifier": f"{target.system}__{target.name}",
        "description": f"As in {_harmless(file_name)}.",
        **({"config": {"meta": meta}} if meta else {}),
        "columns": columns,
    }
    document = {"version": 2, "sources": [{"name": target.system, "schema": "raw", "tables": [table]}]}
    return (
        f"# What lands in landing/{target.system}/{target.name}/: its columns, `aliases` being what files call them;\n"
        "# a file without a `required` one is refused. Written by `kpi map`, yours to edit.\n" + _yaml(document)
    )


def _model_yaml(proposal: Proposal, target: Target, names: dict[str, str]) -> str:
    columns: list[dict[str, Any]] = [
        {"name": name, "data_type": type_, "description": told} for name, type_, told in OWN_COLUMNS
    ]
    for one in _selected(proposal):
        meta = {"config": {"meta": {"from": _harmless(one.source)}}} if one.source else {}
        columns.append({"name": one.column.name, "data_type": "varchar", **meta})
    model = {
        "name": f"{target.system}__{proposal.known.table.name}",
        "description": f"Rows of {proposal.known.table.label}. Key: _file_id, _line, _part.",
        "config": {"meta": {"rows_of": [target.name]}},
        "data_tests": [{"accounts_for": {"arguments": {"system": target.system, "objects": [target.name]}}}],
        "columns": columns,
    }
    return "# The columns of the SQL beside it. Written by `kpi map`, yours to edit.\n" + _yaml(
        {"version": 2, "models": [model]}
    )


def _sql(proposal: Proposal, target: Target, names: dict[str, str], file_name: str) -> str:
    reads = "months_across" if proposal.months else "source_rows"
    columns = [_select(one, proposal, target, names) for one in _selected(proposal)]
    part = "_part" if proposal.months else "1 as _part"
    notes = [f"-- {_harmless(question)}" for one in proposal.columns for question in one.questions]
    notes += [f"-- nothing is read as {name}, which is required" for name in proposal.missing]
    return "\n".join(
        [
            f"-- {_harmless(file_name)} as {proposal.known.table.label}. Written by `kpi map`, yours to edit.",
            *(["-- To be decided:", *notes] if notes else []),
            "with",
            "",
            "file_rows as (",
            f"    {{{{ {reads}('{target.system}', '{target.name}') }}}}",
            ")",
            "",
            "select",
            "    _file_id,",
            "    _line,",
            f"    {part},",
            "    _left_out," if proposal.months else "    cast(null as {{ text_type() }}) as _left_out,",
            ",\n".join(f"    {column}" for column in columns),
            "from file_rows",
            "",
        ]
    )


def _selected(proposal: Proposal) -> list[ColumnProposal]:
    return [one for one in proposal.columns if one.source is not None or one.assumed is not None]


def _select(one: ColumnProposal, proposal: Proposal, target: Target, names: dict[str, str]) -> str:
    """A column of the contract in the select list."""
    name = one.column.name
    if one.source is None:
        by_name = {other.column.name: other for other in proposal.columns}
        assumed = one.assumed or ""
        value = _expression(by_name[assumed], target, names) if assumed in by_name else assumed
        return f"-- the file does not say: assumed\n    {value} as {name}"
    if one.reason == "a column a month":
        if one.column.type == "month":
            return f"month as {name}"
        return f"{{{{ number_from('amount') }}}} as {name}" if name == "amount" else f"amount as {name}"
    value = _expression(one, target, names)
    return value if value == name else f"{value} as {name}"


def _expression(one: ColumnProposal, target: Target, names: dict[str, str]) -> str:
    assert one.source is not None
    column = names[one.source]
    zone = f"naive_timezone('{target.system}')"
    if one.column.type == "month":
        return f"{{{{ month_from('{column}') }}}}"
    if one.date:
        is_plain = one.date.written in ("iso", "epoch")
        if one.column.type == "date":
            written = f"'{column}'" if is_plain else f"iso_text('{column}', '{one.date.written}')"
            return f"{{{{ day_of({written}, {zone}) }}}}"
        if is_plain:
            return f"{{{{ instant('{column}', {zone}) }}}}"
        return f"{{{{ instant_by('{column}', '{one.date.written}', {zone}) }}}}"
    if one.number:
        if one.number.is_percent and one.column.name == "probability":
            plain = f"number_from('{column}', '{one.number.decimal}')"
            return f"{{{{ from_percent({plain}) }}}}"
        return column if one.number.is_plain else f"{{{{ number_from('{column}', '{one.number.decimal}') }}}}"
    if one.values or one.open_values:
        pairs = ", ".join(f"{_literal(theirs)}: {_literal(ours)}" for theirs, ours in one.values.items())
        return f"{{{{ value_of('{column}', {{{pairs}}}) }}}}"
    if target.has_prefix and one.column.name.endswith("_id"):
        return f"{{{{ system_key('{target.system}', '{column}') }}}}"
    return column


def _harmless(text: str) -> str:
    """A file's text for a comment or YAML: on one line, and nothing that dbt would take for a template."""
    return " ".join(re.sub("[{}]", " ", text).split())


def _literal(text: str) -> str:
    """A text as Jinja writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _yaml(document: object) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


@cache
def _keywords() -> frozenset[str]:
    """Words that SQL does not take for names."""
    rows = duckdb.execute("select keyword_name from duckdb_keywords() where keyword_category = 'reserved'").fetchall()
    return frozenset(word for (word,) in rows)
