"""A table as a workbook (XLSX) of one sheet.

A cell of text is no formula, whatever it begins with. Numbers have 16 digits in it, and spreadsheets show 15:
what is longer is rounded. Parquet has all.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import xlsxwriter

from retail_assets.extracts.folder import UNFINISHED

# A sheet has no more rows; one is the heading.
MOST_ROWS = 1_048_576 - 1
# What XML cannot hold is no text.
_NO_TEXT = dict.fromkeys([*(each for each in range(32) if chr(each) not in "\t\n"), 0xFFFE, 0xFFFF])
# The numbers of Excel's own formats of days and of times.
_DAY, _TIME = 14, 22
# Widths of columns, in characters, and the rows that they are judged by.
_BUTTON, _WIDEST, _SAMPLE = 3, 50, 500


def write_workbook(table: pa.Table, name: str, path: Path) -> None:
    """Write a table of at most `MOST_ROWS` rows into a workbook. The sheet has the name, as far as it may."""
    # Rows wait in a file until they are packed. Here it is found if this process is killed.
    with TemporaryDirectory(dir=path.parent, prefix=UNFINISHED) as folder:
        options = {"constant_memory": True, "remove_timezone": True, "use_zip64": True, "tmpdir": folder}
        with xlsxwriter.Workbook(path, options) as workbook:
            formats = {each: workbook.add_format({"num_format": each}) for each in (_DAY, _TIME)}
            heading = workbook.add_format({"bold": True})
            sheet = workbook.add_worksheet(name[:31])
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, table.num_rows, max(table.num_columns - 1, 0))
            for column, (title, width) in enumerate(zip(table.column_names, _widths(table), strict=True)):
                sheet.set_column(column, column, width)
                sheet.write_string(0, column, _text(title), heading)
            number = 0
            for batch in table.to_batches(max_chunksize=10_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    for column, value in enumerate(row):
                        _write(sheet, number, column, value, formats)


def _widths(table: pa.Table) -> Sequence[int]:
    """How many characters wide each column is, by its title and its first rows."""
    shown = [[_shown(value) for value in column.to_pylist()] for column in table.slice(0, _SAMPLE).columns]
    # Beside the title is the button of its filter.
    return [
        min(max(len(title) + _BUTTON, *map(len, texts), 0), _WIDEST)
        for title, texts in zip(table.column_names, shown, strict=True)
    ]


def _shown(value: Any) -> str:
    """About what a spreadsheet shows."""
    if isinstance(value, float | Decimal):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def _write(sheet: Any, row: int, column: int, value: Any, formats: dict[int, Any]) -> None:
    """Write a cell as what its value is, not as what it looks like."""
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | Decimal) or (isinstance(value, float) and math.isfinite(value)):
        sheet.write_number(row, column, value)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, formats[_TIME if isinstance(value, datetime) else _DAY])
    else:
        sheet.write_string(row, column, _text(str(value)))


def _text(text: str) -> str:
    text = text.translate(_NO_TEXT)
    # The library writes what begins so as XML of its own.
    return f" {text}" if text.startswith("<r>") else text
