"""Imports Great Expectations so that it works on DuckDB, quietly. Nothing else of the project imports it.

Great Expectations gives its connection back before it fetches the rows of a result; duckdb-engine's result is empty
then, and every expectation fails with `list index out of range` (great_expectations issue 11579). It keeps the
connection for the dialects it lists as persisted, so DuckDB is put on that list. `tests/test_gates.py` shows that it
is still needed, and fails when it no longer is.
"""

from __future__ import annotations

import enum
import logging
import os

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
import great_expectations.execution_engine.sqlalchemy_execution_engine as engine


class _Dialect(enum.StrEnum):
    DUCKDB = "duckdb"


if _Dialect.DUCKDB not in engine._PERSISTED_CONNECTION_DIALECTS:
    engine._PERSISTED_CONNECTION_DIALECTS = (*engine._PERSISTED_CONNECTION_DIALECTS, _Dialect.DUCKDB)

# it logs stack traces of what it goes on without, such as a page for which the disk has no room
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

__all__ = ["gx"]
