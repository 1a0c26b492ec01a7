"""In which encoding a text is that is not UTF-8, as far as that is certain.

Each encoding is asked how likely it makes the bytes: whether they read as letters that people write in its languages,
beside the letters they write them beside. charset-normalizer must find no mess in the likeliest reading, either.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from charset_normalizer import from_bytes

from orchestration.load.encoding import printable

# The likeliest reading is taken for certain where it is so many times likelier than the next.
CERTAIN = math.log(100)
# Before anything is read, Windows-1252 is so many times likelier than any other.
COMMONEST, AHEAD = "cp1252", math.log(5)
SAMPLE_LINES = 200
SAMPLE_BYTES = 20_000
SHOWN_CHARACTERS = 60
# Quotation marks, dashes and the multiplication sign as numbers: they look like others.
PUNCTUATION = "\u2018\u2019“”„\u2013—…€£¥§°·•©®™«»¿¡²³ºª½¼\u00d7\u00a0"
# The letters beyond ASCII of the languages that are written in one encoding.
ALPHABETS = {
    "cp1252": (
        "äöüßÄÖÜ", "éèêëàâçîïôûùœÉÈÀÇÊ", "áéíñóúüÁÉÍÑÓÚ", "ãáâàçéêíóôõúÃÁÂÀÇÉÊÍÓÔÕÚ", "àèéìòùÀÈÉ", "åäöÅÄÖ", "æøåéÆØÅ",
        "ëéïóöè",
    ),
    "cp1250": (
        "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ", "áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ", "áäčďéíľĺňóôŕšťúýžÁČĎĽŠŤŽ", "áéíóöőúüűÁÉÍÓÖŐÚÜŰ",
        "ăâîşţĂÂÎŞŢ", "čćđšžČĆĐŠŽ",
    ),
    "cp1254": ("çğıöşüÇĞİÖŞÜ",),
    "cp1251": ("".join(map(chr, range(0x0410, 0x0450))) + "ёЁ", "".join(map(chr, range(0x0410, 0x0450))) + "іїєґІЇЄҐ"),
    "cp1253": ("".join(map(chr, range(0x0391, 0x03CA))) + "άέήίόύώΆΈΉΊΌΎΏϊϋ",),
}  # fmt: skip
# Of two-byte encodings: the lead bytes of the characters that are written daily, how many those are, and the commonest.
DAILY = {
    "cp949": (
        range(0xB0, 0xC9), 2_350,
        "주식회사이김박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하곽성차구우나인기대동가지아부상수원시산업"
        "영자국제일경화물미진선현은명공도건중리보교재스트연라해천바다마",
    ),
    "cp932": (
        range(0x88, 0x98), 2_965,
        "株式会社東京大阪本田中山川村井藤佐小高木野谷原市県区町日新有限商事工業産電気",
    ),
    "gb18030": (
        range(0xB0, 0xD8), 3_755,
        "公司有限北京上海深圳广州市贸易科技中国大小王李张刘陈杨黄赵电子商务股份集团工业",
    ),
    "big5": (
        range(0xA4, 0xC7), 5_401,
        "公司有限台北高雄新竹市貿易科技中國大小王李張劉陳楊黃林吳蔡電子商務股份集團工業",
    ),
}  # fmt: skip
ENCODINGS = (*ALPHABETS, *DAILY)


@dataclass(frozen=True)
class Reading:
    """How a text reads in an encoding: the encoding, and its first line that is not ASCII."""

    encoding: str
    sample: str

    def __str__(self) -> str:
        return f"{self.encoding} (`{self.sample}`)"


def likeliest_readings(lines: Sequence[bytes]) -> tuple[list[Reading], bool]:
    """How lines that are not UTF-8 read, the likeliest first, different ones only; and whether that is certain."""
    sample = _sample(lines)
    scored: dict[str, tuple[float, str]] = {}
    for encoding in ENCODINGS:
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        likelihood = _likelihood(text, encoding)
        if text not in scored or likelihood > scored[text][0]:
            scored[text] = (likelihood, scored[text][1] if text in scored else encoding)
    ranked = sorted(((likelihood, encoding, text) for text, (likelihood, encoding) in scored.items()), reverse=True)
    readings = [Reading(encoding, _first_line(text)) for _, encoding, text in ranked]
    if not ranked:
        return [], False
    is_ahead = len(ranked) == 1 or ranked[0][0] - ranked[1][0] > CERTAIN
    return readings, is_ahead and _is_free_of_mess(sample, ranked[0][1])


def _sample(lines: Sequence[bytes]) -> bytes:
    sample = b""
    for line in lines[:SAMPLE_LINES]:
        sample += line.rstrip(b"\r\n") + b"\n"
        if len(sample) > SAMPLE_BYTES:
            break
    return sample


def _first_line(text: str) -> str:
    line = next((one for one in text.split("\n") if not one.isascii()), text).strip()
    return printable(line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + "...")


def _is_free_of_mess(sample: bytes, encoding: str) -> bool:
    return bool(from_bytes(sample, cp_isolation=[encoding], enable_fallback=False))


def _likelihood(text: str, encoding: str) -> float:
    """The logarithm of how likely an encoding makes a text; of its languages, in the likeliest."""
    if encoding in DAILY:
        return sum(_of_daily(char, encoding) + _beside(before, char, after) for before, char, after in _others(text))
    # a company's names may be in several of the languages, too
    all_letters = "".join(sorted(set("".join(ALPHABETS[encoding]))))
    return (AHEAD if encoding == COMMONEST else 0.0) + max(
        sum(_of_letters(char, alphabet) + _beside(before, char, after) for before, char, after in _others(text))
        for alphabet in (*ALPHABETS[encoding], all_letters)
    )


def _others(text: str) -> list[tuple[str, str, str]]:
    """The characters of a text that are not ASCII, each with those beside it, once: a name that comes again says no
    more."""
    beside = zip("\n" + text, text, text[1:] + "\n", strict=False)
    return list(dict.fromkeys(three for three in beside if not three[1].isascii()))


def _of_letters(char: str, alphabet: str) -> float:
    if char in alphabet:
        small = sum(letter.islower() for letter in alphabet)
        # small letters are commoner than capitals
        return math.log(0.75 / small if char.islower() else 0.15 / max(len(alphabet) - small, 1))
    return math.log((0.08 if char in PUNCTUATION else 0.02) / (len(PUNCTUATION) if char in PUNCTUATION else 96))


@cache
def _of_daily(char: str, encoding: str) -> float:
    leads, count, commonest = DAILY[encoding]
    if char in commonest:
        return math.log(0.3 / len(commonest))
    if encoding == "cp932" and 0x3041 <= ord(char) <= 0x30FC:
        return math.log(0.3 / 170)
    try:
        code = char.encode({"cp949": "euc_kr", "gb18030": "gb2312"}.get(encoding, encoding))
    except UnicodeEncodeError:
        return math.log(0.005 / 14_000)
    if code[0] in leads and len(code) == 2:
        return math.log(0.6 / count)
    return math.log(0.03 / 6_000)


def _beside(before: str, char: str, after: str) -> float:
    """What its neighbours say of a letter: scripts do not mix within a word, capitals do not follow small letters."""
    if not char.isalpha():
        return 0.0
    unlikely = int(ord(char) < 0x0600 and not before.isalpha() and not after.isalpha())
    for other in (before, after):
        if other.isascii() and other.isalpha():
            is_latin = ord(char) < 0x0250
            unlikely += not is_latin and (ord(char) < 0x0600 or other.islower())
    unlikely += char.isupper() and before.islower()
    return unlikely * math.log(0.02)
