"""Tables of texts as files of every kind that people export."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

import duckdb
import openpyxl

Cells = Sequence[Sequence[object]]


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A zip archive of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content)


def xlsx(sheets: Mapping[str, Cells], merged: str = "", hidden: str = "") -> bytes:
    """An .xlsx workbook; the cells of `merged` (`A1:C1`) of its first sheet are one, `hidden` is a sheet not shown."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row, cells in enumerate(rows, start=1):
            for column, value in enumerate(cells, start=1):
                cell = sheet.cell(row, column)
                cell.value = value
                if isinstance(value, str):
                    cell.data_type = "e" if value.startswith("#") else "s"
    if hidden:
        book[hidden].sheet_state = "hidden"
    if merged:
        book.worksheets[0].merge_cells(merged)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def ods(rows: Cells) -> bytes:
    """An .ods workbook of one sheet."""
    body = "".join(
        "<table:table-row>" + "".join(_ods_cell(value) for value in cells) + "</table:table-row>" for cells in rows
    )
    content = (
        '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="Sheet1">{body}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest})


def _ods_cell(value: object) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(value).split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


def xls(rows: Cells) -> bytes:
    """An .xls workbook (BIFF 8 in a compound file) of one sheet."""

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def bof(kind: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0x41, 0x06))

    def cell(row: int, column: int, value: object) -> bytes:
        at = struct.pack("<HHH", row, column, 0)
        if isinstance(value, int | float):
            return record(0x0203, at + struct.pack("<d", value))
        text = str(value)
        return record(0x0204, at + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))

    name = "Sheet1"
    start, end = bof(0x0005), record(0x000A, b"")
    named = 12 + len(name)  # a BOUNDSHEET record
    offset = len(start) + named + len(end)
    bound = record(0x0085, struct.pack("<IBBBB", offset, 0, 0, len(name), 0) + name.encode())
    cells = b"".join(
        cell(row, column, value)
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
        if value is not None and value != ""
    )
    return _compound_file("Workbook", start + bound + end + bof(0x0010) + cells + end)


def _compound_file(name: str, stream: bytes) -> bytes:
    """A compound file of one stream: a header, a sector of the allocation table, one of the directory, the stream."""
    sector = 512
    stream = stream.ljust(max(4096, -(-len(stream) // sector) * sector), b"\0")
    count = len(stream) // sector
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *(number + 3 for number in range(count - 1)), 0xFFFFFFFE]
    assert len(chain) <= sector // 4
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(sector, b"\xff")

    def entry(label: str, kind: int, child: int, first: int, size: int) -> bytes:
        text = label.encode("utf-16-le")
        free = 0xFFFFFFFF
        return (
            text.ljust(64, b"\0")
            + struct.pack("<HBBIII", len(text) + 2 if label else 0, kind, 1, free, free, child)
            + bytes(36)
            + struct.pack("<IQ", first, size)
        )

    directory = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, 2, len(stream))
    directory += entry("", 0, 0xFFFFFFFF, 0, 0) * 2
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
        + bytes(6)
        + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
        + struct.pack("<I", 0)
    )
    return header.ljust(sector, b"\xff") + table + directory + stream


def xlsb(rows: Cells) -> bytes:
    """An .xlsb workbook of one sheet."""

    def record(kind: int, data: bytes = b"") -> bytes:
        number = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
        size, length = len(data), b""
        while True:
            length += bytes([size & 0x7F | (0x80 if size > 0x7F else 0)])
            size >>= 7
            if not size:
                return number + length + data

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    def cell(column: int, value: object) -> bytes:
        at = struct.pack("<II", column, 0)
        if isinstance(value, int | float):
            return record(0x05, at + struct.pack("<d", value))
        return record(0x06, at + text(str(value)))

    widest = max(len(cells) for cells in rows)
    sheet = record(0x81) + record(0x94, struct.pack("<IIII", 0, len(rows) - 1, 0, widest - 1)) + record(0x91)
    for number, cells in enumerate(rows):
        sheet += record(0x00, struct.pack("<IIHBBBI", number, 0, 300, 0, 0, 0, 0))
        sheet += b"".join(cell(column, value) for column, value in enumerate(cells) if value not in (None, ""))
    sheet += record(0x92) + record(0x82)
    bundle = struct.pack("<II", 0, 1) + text("rId1") + text("Sheet1")
    book = record(0x83) + record(0x8F) + record(0x9C, bundle) + record(0x90) + record(0x84)
    office = "http://schemas.openxmlformats.org/"
    relation = f"{office}officeDocument/2006/relationships"
    relations = '<?xml version="1.0"?><Relationships xmlns="{0}package/2006/relationships">{1}</Relationships>'
    to_sheet = f'<Relationship Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.bin"/>'
    to_book = f'<Relationship Id="rId1" Type="{relation}/officeDocument" Target="xl/workbook.bin"/>'
    return zipped({
        "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{office}package/2006/content-types"/>',
        "_rels/.rels": relations.format(office, to_book),
        "xl/workbook.bin": book,
        "xl/_rels/workbook.bin.rels": relations.format(office, to_sheet),
        "xl/worksheets/sheet1.bin": sheet,
    })  # fmt: skip


def parquet(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> bytes:
    """A Parquet file of texts."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "rows.parquet"
        connection.execute(f"create table rows ({', '.join(f'{name} varchar' for name in columns)})")
        connection.executemany(f"insert into rows values ({', '.join('?' for _ in columns)})", rows)
        connection.execute(f"copy rows to '{path}' (format parquet)")
        return path.read_bytes()


def objects(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> list[str]:
    """Each row as a JSON object, blank values left out."""
    return [
        json.dumps({name: value for name, value in zip(columns, row, strict=True) if value}, ensure_ascii=False)
        for row in rows
    ]
