"""Tables for people and for programs."""

import json
import sys
from typing import Literal

import pyarrow as pa
import pyarrow.csv
from rich.console import Console
from rich.table import Table


def write_table(table: pa.Table, format: Literal["table", "csv", "json"], console: Console) -> None:
    """Print a result: aligned for the eye, CSV, or one JSON object per row."""
    if format == "csv":
        pyarrow.csv.write_csv(_plain(table), sys.stdout.buffer)
    elif format == "json":
        for row in table.to_pylist():
            print(json.dumps(row, default=str))
    else:
        console.print(rich_table(table))


def rich_table(table: pa.Table, title: str | None = None) -> Table:
    """A result with numbers to the right."""
    shown = Table(title=title, title_justify="left")
    for column in table.schema:
        numeric = pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)
        shown.add_column(column.name, justify="right" if numeric else "left", no_wrap=True)
    for row in table.to_pylist():
        shown.add_row(*("" if value is None else _text(value) for value in row.values()))
    return shown


def _text(value: object) -> str:
    import decimal

    return f"{value:,}" if isinstance(value, int | decimal.Decimal) else str(value)


def _plain(table: pa.Table) -> pa.Table:
    """CSV has no decimals of its own: they are written digit by digit."""
    for index, column in enumerate(table.schema):
        if pa.types.is_decimal(column.type):
            table = table.set_column(index, column.name, table.column(index).cast(pa.string()))
    return table
