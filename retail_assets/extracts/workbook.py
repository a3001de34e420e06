"""A table as a workbook (XLSX) of one sheet: the part of ECMA-376 that this takes is four small files.

A cell of text is no formula, whatever it begins with. Programs read numbers with 15 digits; Parquet has all.
"""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow as pa

# A sheet has no more rows; one is the heading.
MOST_ROWS = 1_048_576 - 1
_LONGEST_TEXT = 32_767
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
    ),
    # Styles 1 and 2 are those of days and of times.
    "xl/styles.xml": (
        f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
        '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
        '<cellXfs count="3"><xf/><xf numFmtId="14" applyNumberFormat="1"/>'
        '<xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>'
    ),
}


def write_workbook(table: pa.Table, name: str, path: Path) -> None:
    """Write a table of at most `MOST_ROWS` rows into a workbook. The sheet has the name, as far as it may."""
    parts = {
        **_PARTS,
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{escape(name[:31])}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
    }
    with ZipFile(path, "w", ZIP_DEFLATED) as file:
        for part, content in parts.items():
            file.writestr(part, _XML + content)
        with file.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for text in _sheet(table):
                sheet.write(text.encode())


def _sheet(table: pa.Table) -> Iterator[str]:
    yield f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'
    yield f"<row>{''.join(map(_cell, table.column_names))}</row>"
    for batch in table.to_batches(max_chunksize=10_000):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield f"<row>{''.join(map(_cell, row))}</row>"
    yield "</sheetData></worksheet>"


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | Decimal) or (isinstance(value, float) and value - value == 0):
        return f"<c><v>{value:f}</v></c>" if isinstance(value, Decimal) else f"<c><v>{value!r}</v></c>"
    if isinstance(value, datetime):
        span = value.replace(tzinfo=None) - _EPOCH
        return f'<c s="2"><v>{span.total_seconds() / 86_400!r}</v></c>'
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - _EPOCH.date()).days}</v></c>'
    # What XML cannot hold is no text.
    text = "".join(each for each in str(value)[:_LONGEST_TEXT] if each >= " " or each in "\t\n")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text, quote=False)}</t></is></c>'
