"""A table as a workbook (XLSX) of one sheet.

A cell of text is no formula, whatever it begins with. Numbers have 16 digits in it, and spreadsheets show 15:
what is longer is rounded. Parquet has all.
"""

import math
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


def write_workbook(table: pa.Table, name: str, path: Path) -> None:
    """Write a table of at most `MOST_ROWS` rows into a workbook. The sheet has the name, as far as it may."""
    # Rows wait in a file until they are packed. Here it is found if this process is killed.
    with TemporaryDirectory(dir=path.parent, prefix=UNFINISHED) as folder:
        options = {"constant_memory": True, "remove_timezone": True, "use_zip64": True, "tmpdir": folder}
        with xlsxwriter.Workbook(path, options) as workbook:
            formats = {each: workbook.add_format({"num_format": each}) for each in (_DAY, _TIME)}
            sheet = workbook.add_worksheet(name[:31])
            for column, heading in enumerate(table.column_names):
                _write(sheet, 0, column, heading, formats)
            number = 0
            for batch in table.to_batches(max_chunksize=10_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    for column, value in enumerate(row):
                        _write(sheet, number, column, value, formats)


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
