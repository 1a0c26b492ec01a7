"""What a file is proposed to be: a table of the contract, a column for each of its columns, and how each is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from rapidfuzz import fuzz

from orchestration.core.contract import Column
from orchestration.load.headers import bare_name
from orchestration.mapping.formats import DateFormat, NumberFormat, date_format, month_of, number_format, read_number
from orchestration.mapping.known import KnownTable, known_values
from orchestration.mapping.sample_rows import FileSample

DATES = ("timestamp", "date")
NUMBERS = ("decimal", "rate", "integer")
# A column is proposed from this score on (of 100).
LEAST_SCORE = 60.0
# A name that is no known one, but as like to one as this, may be meant.
LEAST_LIKENESS = 86.0
# A column so called is a date that somebody expects or sets, not a moment that the system noted.
CLOSE_DATES = ("closedate", "closingdate", "종료일", "마감일")
# So many columns named by months make a table wide.
WIDE_MONTHS = 3
# A table is chosen if no other comes as close to it.
CLEARLY_BETTER = 1.08


@dataclass(frozen=True)
class ColumnProposal:
    """A column of the contract: the file's column for it (None: open), why, and how its values are read.

    `values` is the file's values as ours, `open_values` those that nobody knows.
    """

    column: Column
    source: str | None = None
    reason: str = ""
    date: DateFormat | None = None
    number: NumberFormat | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    open_values: tuple[str, ...] = ()
    assumed: str | None = None

    @property
    def questions(self) -> list[str]:
        """What only somebody who knows the file can say."""
        asked = []
        if self.date and self.date.also:
            asked.append(f"`{self.source}` is read as {self.date.written}, and may be {self.date.also}")
        if self.number and self.number.is_ambiguous:
            sign = "comma" if self.number.decimal == "." else "point"
            asked.append(f"`{self.source}`: is the {sign} between thousands, or before decimals?")
        if self.open_values:
            shown = ", ".join(self.open_values[:5]) + (", ..." if len(self.open_values) > 5 else "")
            ours = "stages are" if self.column.name == "stage" else "there are"
            allowed = ", ".join(dict.fromkeys(known_values(self.column).values()))
            asked.append(f"`{self.source}` has {shown}: {ours} {allowed}")
        return asked


@dataclass(frozen=True)
class Proposal:
    """A file as a table of the contract. `months` are the columns of a wide table that are months."""

    known: KnownTable
    columns: tuple[ColumnProposal, ...]
    unused: tuple[str, ...]
    months: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """Columns of the contract that are required and that nothing is proposed for."""
        return [
            one.column.name
            for one in self.columns
            if one.column.required and one.source is None and one.assumed is None
        ]


def rank_tables(sample: FileSample, tables: Sequence[KnownTable], file_name: str) -> list[tuple[float, KnownTable]]:
    """The tables by how well a file fits them, the best first: (score, table)."""
    ranked = [(_table_score(sample, known, file_name), known) for known in tables]
    return sorted(ranked, key=lambda one: -one[0])


def propose(sample: FileSample, known: KnownTable) -> Proposal:
    """The columns of a file for those of a table: each of the file's for one, the likeliest first."""
    months = _months(sample, known)
    rest = [name for name in sample.columns if name not in months]
    scored = sorted(
        (
            (-_score(sample, name, column, known), place, position)
            for place, column in enumerate(known.table.columns)
            for position, name in enumerate(rest)
        ),
    )
    chosen: dict[str, tuple[str, float]] = {}
    taken: set[str] = set()
    for score, place, position in scored:
        wanted, name = known.table.columns[place].name, rest[position]
        if -score >= LEAST_SCORE and wanted not in chosen and name not in taken:
            chosen[wanted] = (name, -score)
            taken.add(name)
    columns = []
    for column in known.table.columns:
        if months and (column.type == "month" or column.name == "amount"):
            columns.append(ColumnProposal(column, months[0], "a column a month"))
        elif column.name in chosen:
            name, score = chosen[column.name]
            columns.append(_read(sample, column, name, "its name" if score >= 90 else "like its name"))
        else:
            assumed = known.assumed.get(column.name)
            columns.append(ColumnProposal(column, assumed=assumed if column.required else None))
    columns = [_as_closed(one, chosen, sample) if one.column.name == "expected_close_on" else one for one in columns]
    unused = tuple(name for name in rest if name not in taken)
    return Proposal(known, tuple(columns), unused, tuple(months))


def _as_closed(one: ColumnProposal, chosen: Mapping[str, tuple[str, float]], sample: FileSample) -> ColumnProposal:
    """Of many CRMs the close date is the expected one while a deal is open, the real one since."""
    if one.source is not None or "closed_at" not in chosen:
        return one
    if not any(word in bare_name(chosen["closed_at"][0]) for word in CLOSE_DATES):
        return one
    return _read(sample, one.column, chosen["closed_at"][0], "the close date, while open")


def _read(sample: FileSample, column: Column, name: str, reason: str) -> ColumnProposal:
    """How the values of a file's column are read for one of the contract."""
    values = sample.values(name)
    if column.type in DATES or column.type == "month":
        return ColumnProposal(column, name, reason, date=date_format(values))
    if column.type in NUMBERS:
        number = number_format(values)
        if column.name == "probability" and number and not number.is_percent:
            is_percent = any(_above_one(read_number(value, number.decimal)) for value in values)
            number = replace(number, is_percent=is_percent)
        return ColumnProposal(column, name, reason, number=number)
    if column.accepted or column.name == "stage":
        known = known_values(column)
        found = {value: known.get(value.lower(), "") for value in dict.fromkeys(values)}
        mapped = {value: ours for value, ours in found.items() if ours and ours != value}
        return ColumnProposal(
            column, name, reason, values=mapped, open_values=tuple(value for value, ours in found.items() if not ours)
        )
    return ColumnProposal(column, name, reason)


def _above_one(text: str) -> bool:
    try:
        return float(text) > 1
    except ValueError:
        return False


def _months(sample: FileSample, known: KnownTable) -> list[str]:
    """The columns that are months, of a table of plans that has one a month."""
    if not any(column.type == "month" for column in known.table.columns):
        return []
    months = [name for name in sample.columns if month_of(name)]
    return months if len(months) >= WIDE_MONTHS else []


def _table_score(sample: FileSample, known: KnownTable, file_name: str) -> float:
    months = _months(sample, known)
    best = {
        column.name: max((_score(sample, name, column, known) for name in sample.columns), default=0.0)
        for column in known.table.columns
    }
    if months:
        best |= {
            column.name: 100.0 for column in known.table.columns if column.type == "month" or column.name == "amount"
        }
    needed = [column.name for column in known.table.columns if column.required and column.name not in known.assumed]
    others = [name for name in best if name not in needed]
    met = sum(best[name] for name in needed) / max(len(needed), 1)
    beyond = sum(best[name] for name in others if best[name] >= LEAST_SCORE) / max(len(sample.columns), 1)
    named = bare_name(file_name)
    bonus = max((20.0 for name in known.file_names if bare_name(name) in named), default=0.0)
    return met + beyond + bonus


def _score(sample: FileSample, name: str, column: Column, known: KnownTable) -> float:
    """How likely a file's column is one of the contract: 0 to 100, by its name; 0 where its values cannot be."""
    likeness = _name_score(bare_name(name), (column.name, *known.column_names.get(column.name, ())))
    if likeness < LEAST_SCORE:
        return 0.0
    return likeness * _fit(tuple(sample.values(name)), column)


@cache
def _name_score(bare: str, names: tuple[str, ...]) -> float:
    """100 for the contract's own name, a little less for each known one after it, less for a name that is like one."""
    best = 0.0
    for place, name in enumerate(names):
        own = bare_name(name)
        if bare == own:
            return 100.0 - 0.4 * place
        likeness = fuzz.ratio(bare, own)
        if likeness >= LEAST_LIKENESS and min(len(bare), len(own)) >= 5:
            best = max(best, 0.9 * likeness)
    return best


@cache
def _fit(values: tuple[str, ...], column: Column) -> float:
    """How well values fit a column, 0 to 1; nothing is known of a column without values."""
    if not values:
        return 0.85
    if column.type in DATES:
        return 1.0 if date_format(values) else 0.0
    if column.type == "month":
        months = sum(month_of(value) is not None for value in values) / len(values)
        return 1.0 if date_format(values) or months >= 0.9 else 0.0
    if column.type in NUMBERS:
        return 1.0 if number_format(values) else 0.0
    if column.key and column.required and len(values) > 20:
        return 1.0 if len(set(values)) > 0.5 * len(values) or not column.name.endswith("_id") else 0.9
    if column.accepted or column.name == "stage":
        known = known_values(column)
        distinct = set(values)
        if len(distinct) > max(30, 0.5 * len(values)):
            return 0.0
        return 0.7 + 0.3 * sum(value.lower() in known for value in distinct) / len(distinct)
    return 0.8 if column.name.endswith(("_name", "reason")) and number_format(values) else 1.0
