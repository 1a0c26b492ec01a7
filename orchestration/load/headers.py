"""Which table a file's header fits, how its columns become the table's, and if none fits, what is lacking."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestration.core.contract import Table
from orchestration.load.encoding import printable
from orchestration.load.file_facts import FileLayout, Match, UnreadableFileError

# So much of a header is shown.
SHOWN_CHARACTERS = 200
# A header stands in one of the first rows.
MOST_PREAMBLE_ROWS = 20
# Accents, as NFKD takes them off the letters of Latin, Greek and Cyrillic.
ACCENTS = range(0x0300, 0x0370)


class HeaderError(UnreadableFileError):
    """A file's header does not fit a table; `lacking` says why, without the header."""

    def __init__(self, lacking: str, header: Sequence[str]) -> None:
        self.lacking = lacking
        self.header = header
        super().__init__(printable(f"{lacking}; its header is {_shown(header)}" if header else lacking))


@dataclass(frozen=True)
class HeaderRow:
    """A header that was found: its row (from 0), how it is read, and how many rows above it hold something."""

    row: int
    match: Match
    rows_above: int


def bare_name(column: str) -> str:
    """A column's name without what people write otherwise: case, blanks, dashes, underscores, accents, full width."""
    parts = unicodedata.normalize("NFKD", column)
    letters = unicodedata.normalize("NFKC", "".join(char for char in parts if ord(char) not in ACCENTS))
    return "".join(char for char in letters.casefold() if char.isalnum())


def match_header(table: Table, header: Sequence[str]) -> Match:
    """Find each column of a table in a header: by its exact name, else by its bare name, else by its aliases in order.

    Raises HeaderError where two columns of the file would become the same one, and neither is the better.
    """
    names = [name.strip().strip('"\ufeff').strip() for name in header]
    bare = [bare_name(name) for name in names]
    positions: dict[str, int] = {}
    free = set(range(len(names)))
    for spelling in range(2 + max((len(column.aliases) for column in table.columns), default=0)):
        for column, wanted, is_exact in _wanted(table, spelling):
            if column in positions:
                continue
            found = [position for position in sorted(free) if (names if is_exact else bare)[position] == wanted]
            if len(found) > 1:
                raise HeaderError(_twice(column, [header[position] for position in found], is_exact), ())
            if found:
                positions[column] = found[0]
                free.remove(found[0])
    by_place = sorted(positions.items(), key=lambda item: item[1])
    respelt = {column: names[position] for column, position in by_place if names[position] != column}
    return Match(table, tuple(header), positions, respelt)


def _wanted(table: Table, spelling: int) -> Iterator[tuple[str, str, bool]]:
    """The columns to look for, each as it is spelt: 0 exactly, 1 by bare name, from 2 on by an alias."""
    for column in table.columns:
        if spelling == 0:
            yield column.name, column.name, True
            continue
        names = (column.name, *column.aliases)
        if len(names) >= spelling and (bare := bare_name(names[spelling - 1])):
            yield column.name, bare, False


def _twice(column: str, found: Sequence[str], is_exact: bool) -> str:
    if is_exact:
        return f"has more than one column called {column}"
    return f"has more than one column that may be {column}: {', '.join(f'`{name}`' for name in found)}; rename one"


def check_header(match: Match, given: Iterable[str] = ()) -> None:
    """Raises HeaderError where a file lacks a required column, or has none of the table's. `given` are columns that it
    has beside its header."""
    table = match.table
    missing = [name for name in table.required_columns if name not in match.positions and name not in set(given)]
    if not missing and match.positions:
        return
    lacking = f"lacks {', '.join(missing)}" if missing else f"has none of the columns of {table.label}"
    others = {bare_name(match.header[position]): match.header[position] for position in match.unknown}
    for name in missing:
        if near := difflib.get_close_matches(bare_name(name), others, n=1, cutoff=0.7):
            lacking += f"; `{others[near[0]]}` may be its {name}"
    raise HeaderError(lacking, match.header)


def find_header(
    table: Table, rows: Sequence[Sequence[str]], given: Mapping[str, str], declared_row: int | None = None
) -> HeaderRow:
    """Find the header among the first rows of a file: the declared one, or the first one that is not blank, or a later
    one that fits the table while those above it have fewer cells filled.

    Raises HeaderError saying what the first row lacks.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    held = [row for row, count in enumerate(filled) if count]
    if declared_row is not None:
        if declared_row not in held:
            raise HeaderError(f"has nothing in row {declared_row + 1}, which is declared to be its header", ())
        held = held[held.index(declared_row) :]
    if not held:
        raise HeaderError("is empty: it has no header line", ())
    above = [row for row, count in enumerate(filled) if count and row < held[0]]
    problem: HeaderError | None = None
    for number, row in enumerate(held):
        if row > MOST_PREAMBLE_ROWS and number > 0:
            break
        if any(filled[earlier] >= filled[row] for earlier in held[:number]):
            continue
        try:
            match = match_header(table, rows[row])
            check_header(match, given)
        except HeaderError as error:
            problem = problem or error
            if declared_row is not None:
                break
        else:
            return HeaderRow(row, match, len(above) + number)
    assert problem is not None
    raise problem


def first_that_fits(candidates: Sequence[Table], look: Callable[[Table], FileLayout]) -> FileLayout:
    """The layout of a file by the first table that it fits. Raises HeaderError saying what it lacks for each."""
    faults: list[tuple[Table, HeaderError]] = []
    for table in candidates:
        try:
            return look(table)
        except HeaderError as error:
            faults.append((table, error))
    if len(faults) == 1:
        raise faults[0][1]
    header = next((error.header for _, error in faults if error.header), ())
    lacking = "; ".join(f"for {table.label} it {error.lacking}" for table, error in faults)
    raise HeaderError(f"fits none of the {len(faults)} tables of its folder: {lacking}", header)


def no_data(count: int, where: str) -> tuple[str, ...]:
    """A note on rows that are no data, such as those `above its header`; none where there are none."""
    return (
        (f"{count} {'row' if count == 1 else 'rows'} {where} {'is' if count == 1 else 'are'} no data",) if count else ()
    )


def _shown(header: Sequence[str]) -> str:
    text = ",".join(header)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
