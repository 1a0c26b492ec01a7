"""The metric definitions once more, in plain Python, from the docs: the marts are held against it, cell by cell.

result = compute(landing, as_of=date(2026, 10, 31))
differences = compare(result, warehouse / "marts.duckdb")
"""

from tests.reference.compare import compare, differing_books
from tests.reference.files import LandingError
from tests.reference.landing import Books, Quarantined
from tests.reference.metrics import Result, compute
from tests.reference.rows import Key, Mart, Row

__all__ = [
    "Books",
    "Key",
    "LandingError",
    "Mart",
    "Quarantined",
    "Result",
    "Row",
    "compare",
    "compute",
    "differing_books",
]
