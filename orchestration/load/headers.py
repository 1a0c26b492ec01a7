"""Whether a file's header fits the source contract, and if not, what to rename."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Sequence

from orchestration.core.contract import Table
from orchestration.load.encoding import printable

OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "pipes"}
# So much of a header is shown.
SHOWN_CHARACTERS = 200


def header_fault(table: Table, columns: Sequence[str], header: Sequence[str]) -> str:
    """What is wrong with a file's columns; '' where nothing is.

    `header` has the columns as they stand in the file, for the message. A column that is spelt otherwise than in the
    contract (`Account ID` for account_id) is a fault also where it is optional: left out, it would be NULL everywhere.
    """
    if repeated := sorted(name for name, count in Counter(columns).items() if name and count > 1):
        return f"has more than one column called {', '.join(repeated)}"
    missing = [name for name in table.required_columns if name not in columns]
    if (
        missing
        and len(columns) == 1
        and (delimiter := next((one for one in OTHER_DELIMITERS if one in columns[0]), ""))
    ):
        return f"lacks {', '.join(missing)}; its header is separated by {OTHER_DELIMITERS[delimiter]}, not commas"
    lacking = {bare_name(name): name for name in table.column_names if name not in columns}
    unknown = {
        bare_name(name): shown for name, shown in zip(columns, header, strict=True) if name not in table.column_names
    }
    misspelt = [bare for bare in unknown if bare in lacking]
    faults = [f"lacks {', '.join(missing)}"] if missing else []
    faults += [f"has `{unknown[bare]}`: rename it to {lacking[bare]}" for bare in misspelt]
    others = [bare for bare in unknown if bare not in misspelt]
    for name in missing:
        near = difflib.get_close_matches(bare_name(name), others, n=1, cutoff=0.7)
        if near and bare_name(name) not in misspelt:
            faults.append(f"`{unknown[near[0]]}` may be its {name}")
    if missing:
        text = ",".join(header)
        faults.append(f"its header is {text[:SHOWN_CHARACTERS]}{'...' if len(text) > SHOWN_CHARACTERS else ''}")
    return printable("; ".join(faults))


def bare_name(column: str) -> str:
    """A column's name without what people write otherwise: case, blanks, dashes, underscores, full-width letters."""
    return "".join(char for char in unicodedata.normalize("NFKC", column).casefold() if char.isalnum())
