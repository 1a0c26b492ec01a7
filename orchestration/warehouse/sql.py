"""How text becomes part of a statement, for what cannot be a parameter: paths, comments, names."""

from __future__ import annotations


def literal(value: object) -> str:
    """A value as an SQL string literal, quotes included; `None` as NULL."""
    return "null" if value is None else "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
