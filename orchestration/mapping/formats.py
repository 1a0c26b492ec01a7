"""How the values of a column are written: dates, numbers, lists. What can be read two ways is said to be so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

DAY_FIRST_OR_MONTH = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})(?!\d)(.*)")
YEAR_FIRST = re.compile(r"(\d{4})(\D{1,2})(\d{1,2})(\D{1,2})(\d{1,2})([일.]?)(.*)")
EPOCH = re.compile(r"\d{9,10}|\d{12,13}|\d{15,16}")
CLOCK = re.compile(r"|[T ,]+\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d{2}:?\d{2}))?")
MONTH = re.compile(r"(\d{4})[-./ 년]+(\d{1,2})[월. ]*|(\d{1,2})[-./ ](\d{4})|([A-Za-z]{3,9})[-./ ,]*(\d{4}|\d{2})")
MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NUMBER = re.compile(r"[+-]?[\d.,'\u00a0\u202f ]*\d")
SIGNS = re.compile(r"^[^\d.,+-]+|[^\d.,]+$")
# A column is of a kind if so large a share of its values is.
ENOUGH = 0.9


@dataclass(frozen=True)
class DateFormat:
    """How days are written: `iso`, `epoch`, or in what order (`D.M.YYYY`). `also` is the other reading of them all."""

    written: str
    also: str | None = None
    has_time: bool = False


@dataclass(frozen=True)
class NumberFormat:
    """The decimal sign of numbers, whether they need reading at all, and whether they are in percent."""

    decimal: str
    is_plain: bool
    is_ambiguous: bool = False
    is_percent: bool = False


def date_format(values: Sequence[str]) -> DateFormat | None:
    """How a column writes days and instants; None where it does not."""
    if not values:
        return None
    if _share(EPOCH.fullmatch(value) for value in values) >= ENOUGH:
        return DateFormat("epoch", has_time=True)
    matches = [match for value in values if (match := YEAR_FIRST.fullmatch(value)) and CLOCK.fullmatch(match[7])]
    if len(matches) >= ENOUGH * len(values) and all(1 <= int(m[3]) <= 12 and 1 <= int(m[5]) <= 31 for m in matches):
        has_time = any(match[7].strip() for match in matches)
        first = matches[0]
        if all(m[2] == m[4] == "-" and len(m[3]) == len(m[5]) == 2 for m in matches):
            return DateFormat("iso", has_time=has_time)
        return DateFormat(f"YYYY{first[2]}M{first[4]}D{first[6]}", has_time=has_time)
    matches = [m for value in values if (m := DAY_FIRST_OR_MONTH.fullmatch(value)) and CLOCK.fullmatch(m[5])]
    if len(matches) < ENOUGH * len(values):
        return None
    firsts, seconds = [int(match[1]) for match in matches], [int(match[3]) for match in matches]
    sign, year = matches[0][2], "YYYY" if len(matches[0][4]) == 4 else "YY"
    day_first, month_first = f"D{sign}M{sign}{year}", f"M{sign}D{sign}{year}"
    has_time = any(match[5].strip() for match in matches)
    if max(firsts) > 31 or max(seconds) > 31 or (max(firsts) > 12 and max(seconds) > 12):
        return None
    if max(firsts) > 12 or sign == ".":
        return DateFormat(day_first, has_time=has_time) if max(seconds) <= 12 else None
    if max(seconds) > 12:
        return DateFormat(month_first, has_time=has_time)
    return DateFormat(day_first, month_first, has_time=has_time)


def number_format(values: Sequence[str]) -> NumberFormat | None:
    """How a column writes numbers; None where it does not."""
    bare = [SIGNS.sub("", value) for value in values]
    if not values or _share(NUMBER.fullmatch(text) for text in bare) < ENOUGH:
        return None
    is_percent = _share("%" in value for value in values) > 0.5
    numbers = [re.sub(r"['\u00a0\u202f ]", "", text) for text in bare if NUMBER.fullmatch(text)]
    is_plain = all(re.fullmatch(r"[+-]?\d+([.]\d+)?", value) for value in values)
    if any("." in text and "," in text for text in numbers):
        last = next(max(text.rfind("."), text.rfind(",")) for text in numbers if "." in text and "," in text)
        sample = next(text for text in numbers if "." in text and "," in text)
        return NumberFormat(sample[last], is_plain=False, is_percent=is_percent)
    for sign, other in ((".", ","), (",", ".")):
        having = [text for text in numbers if sign in text]
        if not having:
            continue
        groups = [re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}([{sign}]\d{{3}})+", text) for text in having]
        if not all(groups):
            return NumberFormat(sign, is_plain, is_percent=is_percent)
        if any(text.count(sign) > 1 for text in having):
            return NumberFormat(other, is_plain=False, is_percent=is_percent)
        # 1.234 or 1,234: a thousand, or one and a bit
        return NumberFormat(other, is_plain=False, is_ambiguous=True, is_percent=is_percent)
    return NumberFormat(".", is_plain, is_percent=is_percent)


def month_of(text: str) -> date | None:
    """The month that a text such as `2025-03`, `Mar 2025` or `2025년 3월` names; None where it names none."""
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d{2}-01([T ]00:00(:00)?)?", text):
        return date.fromisoformat(text[:10])
    match = MONTH.fullmatch(text)
    if match is None:
        return None
    if match[5]:
        if match[5].lower()[:3] not in MONTH_NAMES:
            return None
        year, month = match[6], MONTH_NAMES.index(match[5].lower()[:3]) + 1
    else:
        year, month = match[1] or match[4], int(match[2] or match[3])
    return date(int(year) if len(year) == 4 else 2000 + int(year), month, 1) if 1 <= month <= 12 else None


def read_day(text: str, written: str) -> str:
    """A value as the contract has it, by its format: for showing. What cannot be read stays as it is."""
    if written == "epoch":
        digits = re.sub(r"[.]0*$", "", text)
        if not digits.isdigit():
            return text
        seconds = int(digits) / (1 if len(digits) <= 10 else 1000 if len(digits) <= 13 else 1_000_000)
        return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds < 4e9 else text
    if written == "iso":
        return text
    parts = re.findall(r"D+|M+|Y+", written)
    pattern = re.escape(written)
    for part in parts:
        pattern = pattern.replace(
            part, r"(\d{4})" if part == "YYYY" else r"(\d{2})" if part == "YY" else r"(\d{1,2})", 1
        )
    match = re.match(pattern, text)
    if match is None:
        return text
    found = {part[0]: match[place] for place, part in enumerate(parts, start=1)}
    year = found["Y"] if len(found["Y"]) == 4 else f"20{found['Y']}"
    return f"{year}-{int(found['M']):02d}-{int(found['D']):02d}{text[match.end() :].rstrip()}"


def read_number(text: str, decimal: str) -> str:
    """A number as the contract writes it: for showing. What is none stays as it is."""
    bare = SIGNS.sub("", text)
    if not NUMBER.fullmatch(bare):
        return text
    group = "," if decimal == "." else "."
    return re.sub(rf"[{group}'\u00a0\u202f ]", "", bare).replace(decimal, ".")


def _share(found: Iterable[object]) -> float:
    flags = [bool(one) for one in found]
    return sum(flags) / len(flags) if flags else 0.0
