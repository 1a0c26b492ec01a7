"""The quick ways that `macros/engine.sql` goes on DuckDB give what Python's rules say, over random texts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import duckdb
import pytest
from jinja2 import Environment

from orchestration.core.contract import PROJECT_ROOT
from orchestration.load.encoding import NOT_PRINTABLE
from orchestration.load.scanned import WHITE_SPACE
from tests.reference.values import natural

TEXTS = 20_000


class DuckdbAdapter:
    """Finds the version of a macro that DuckDB gets, as dbt does."""

    def __init__(self) -> None:
        environment = Environment(extensions=["jinja2.ext.do"])
        environment.globals |= {"adapter": self, "return": lambda value: value}
        texts = ((PROJECT_ROOT / "macros" / name).read_text(encoding="utf-8") for name in ("engine.sql", "money.sql"))
        self.macros: Any = environment.from_string("\n".join(texts)).module

    def dispatch(self, name: str) -> Any:
        return getattr(self.macros, f"duckdb__{name}", None) or getattr(self.macros, f"default__{name}")


def text_of(rng: random.Random, alphabet: str, most: int = 9) -> str:
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, most)))


def answers(macro: str, texts: Sequence[str | None]) -> list[Any]:
    """What a macro makes of texts, in their order."""
    expression = getattr(DuckdbAdapter().macros, macro)("text")
    with duckdb.connect() as connection:
        connection.execute(
            "create table texts as "
            "select unnest(range(len($texts))) as number, cast(unnest($texts) as varchar) as text",
            {"texts": texts},
        )
        return [value for (value,) in connection.execute(f"select {expression} from texts order by number").fetchall()]


def test_a_text_is_trimmed_of_all_white_space_and_of_what_is_not_printable() -> None:
    rng = random.Random(1)
    alphabet = "aZ9 가é🚀-\u200b\u0301\x85" + WHITE_SPACE + NOT_PRINTABLE[:4] + NOT_PRINTABLE[-3:]
    texts = [None, "", "a", "a b", *(text_of(rng, alphabet, 6) for _ in range(TEXTS))]
    away = dict.fromkeys(map(ord, NOT_PRINTABLE))
    expected = [None if text is None else text.translate(away).strip(WHITE_SPACE) or None for text in texts]
    assert answers("trimmed", texts) == expected
    assert sum(a == b for a, b in zip(texts, expected, strict=True)) > TEXTS / 100, "both ways are taken"


def test_names_sort_as_people_count() -> None:
    rng = random.Random(2)
    texts = ["", *(text_of(rng, "001279aZ-_. \n가é:/") for _ in range(TEXTS)), "9" * 59, "0" * 70 + "8", "1" + "0" * 70]
    keys = dict(zip(texts, answers("natural_order", texts), strict=True))
    assert sorted(keys, key=lambda text: (keys[text], text)) == sorted(keys, key=natural)
    assert answers("natural_order", [None]) == [None]


@pytest.mark.parametrize("exponent", ["", "e0", "E3"])
def test_an_amount_is_rounded_once_and_nothing_of_it_is_lost(exponent: str) -> None:
    """Half away from zero. DuckDB's narrow decimals lose digits of a text with an exponent."""
    rng = random.Random(3)

    def amount() -> str:
        whole = text_of(rng, "0123456789", rng.choice((1, 8, 11)) if exponent else rng.choice((1, 11, 14, 16)))
        fraction = text_of(rng, "04579", rng.choice((0, 2, 7, 20)))
        return rng.choice(("", "+", "-")) + (whole or "0") + ("." + fraction if fraction else rng.choice(("", ".")))

    texts = ["99999999999.9999995", "-9999999999.9999995", "0.0000005", *(amount() for _ in range(TEXTS))]
    texts = [text + exponent for text in texts]
    with localcontext(prec=60):
        exact = [Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_UP) for text in texts]
    assert answers("amount_or_null", texts) == [value if abs(value) < 10**15 else None for value in exact]
