"""How texts of landed files are shown that cannot be: bytes that are not UTF-8, control characters.

What a text that is not UTF-8 looks like is told for people to find out how it was saved. Nothing is decoded by a guess.
"""

from __future__ import annotations

from collections.abc import Iterable

from charset_normalizer import from_bytes

# What spreadsheets and older systems write. Others are not named: of so few letters nothing can be told for certain.
LIKELY = ["cp1252", "cp949", "cp932", "gb18030", "big5", "cp1251", "cp1250"]
# What a file's first bytes say of its kind, whatever its name says.
KINDS = {
    b"\x1f\x8b": "compressed by gzip twice",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"(\xb5/\xfd": "compressed by zstd",
    b"7z\xbc\xaf'\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"{\\rtf": "a text document (RTF)",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF",
    b"Obj\x01": "an Avro file",
}
SHOWN_CHARACTERS = 60
# Control characters, and what is no character at all: what staging takes out of a text (macro printable).
NOT_PRINTABLE = "".join(map(chr, [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0xFFFE, 0xFFFF]))
ESCAPED = {ord(char): f"\\x{ord(char):02x}" for char in NOT_PRINTABLE}


def kind_of(head: bytes) -> str:
    """What a file is by its first bytes, where it is none that is read; '' otherwise."""
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "compressed by bzip2"
    # letters that a column's name may begin with: a text has no zeros
    if head[:3] == b"ORC" and b"\x00" in head:
        return "an ORC file"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return "HTML or XML"
    return next((kind for magic, kind in KINDS.items() if head.startswith(magic)), "")


def guessed(lines: Iterable[bytes]) -> str:
    """How lines that are not UTF-8 look: `like cp949, in which the first reads ...`; '' where nothing fits."""
    samples = list(lines)
    best = from_bytes(b"\n".join(samples), cp_isolation=LIKELY, enable_fallback=False).best()
    if best is None:
        return ""
    # of encodings that give the same text, the commonest
    encoding = next((one for one in LIKELY if one in best.could_be_from_charset), best.encoding)
    text = samples[0].decode(encoding, errors="replace").strip()
    shown = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
    return f"like {encoding}, in which the first reads `{printable(shown)}`"


def printable(text: str) -> str:
    r"""A text with control characters written as `\x00`."""
    return text.translate(ESCAPED)


def with_bytes_shown(line: bytes) -> str:
    r"""A line with the bytes that are not UTF-8 written as `\xb0`."""
    return line.decode("utf-8", errors="backslashreplace")
