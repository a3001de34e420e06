"""Tables for people and for programs.

For people: figures are whole, money and other fractions have two digits, and what is too wide for the
terminal becomes one record per row. For programs (CSV, JSON) every digit stays.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite
from typing import Literal

import pyarrow as pa
import pyarrow.csv
from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from retail_assets.resources.terminal import harmless

# A text may be cut to so many characters before rows become records.
NARROWEST_TEXT = 14
FRACTION_DIGITS = 2
# Of shares and the like, which are all below 1, two digits would say little.
DIGITS_BELOW_ONE = 4
# Numbers that name something are not counted in thousands.
_NAMES = ("id", "key", "year", "number", "segment")


def write_table(table: pa.Table, format: Literal["table", "csv", "json"], console: Console) -> None:
    """Print a result: for the eye, as CSV, or one JSON object per row."""
    if format == "csv":
        pyarrow.csv.write_csv(_plain(table), sys.stdout.buffer)
    elif format == "json":
        for row in table.to_pylist():
            print(json.dumps(row, default=str))
    else:
        console.print(rich_table(table))


def rich_table(table: pa.Table, title: str | None = None) -> "Answer":
    """A result for the eye, which is laid out when it is known how wide the terminal is."""
    return Answer([_column(field.name, table.column(field.name)) for field in table.schema], title)


Number = int | float | Decimal


@dataclass(frozen=True)
class Column:
    """A column as it is shown."""

    heading: str
    cells: Sequence[str]
    is_numeric: bool

    @property
    def width(self) -> int:
        """So many characters that nothing is cut."""
        return max(map(cell_len, [*self.heading.split("\n"), *self.cells]))

    @property
    def least(self) -> int:
        """So many that it still can be read: figures and headings are never cut."""
        if self.is_numeric:
            return self.width
        heading = max(map(cell_len, self.heading.split("\n")))
        return min(self.width, max(heading, NARROWEST_TEXT))

    def with_broken_heading(self) -> "Column":
        """The heading over several lines where it is wider than its cells; it may break after `_`."""
        width = max(map(cell_len, self.cells), default=0)
        broken = [""]
        for part in self.heading.replace("_", "_\0").split("\0"):
            if broken[-1] and cell_len(broken[-1] + part) > width:
                broken.append(part)
            else:
                broken[-1] += part
        return replace(self, heading="\n".join(broken))


@dataclass(frozen=True)
class Answer:
    """Rows under headings where they fit, else one record per row, name by name."""

    columns: Sequence[Column]
    title: str | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if self.title:
            yield Text(harmless(self.title), "bold")
        for columns in (self.columns, [column.with_broken_heading() for column in self.columns]):
            if sum(column.width for column in columns) + _gaps(columns) <= options.max_width:
                break
        widths = fitted(columns, options.max_width)
        yield _rows(columns, widths) if widths else self._records(options.max_width)

    def _records(self, width: int) -> Table:
        shown = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=False)
        names = [column.heading for column in self.columns]
        longest = min(max(map(cell_len, names)), width // 2)
        shown.add_column(width=longest, overflow="fold")
        shown.add_column(overflow="fold")
        rows = list(zip(*(column.cells for column in self.columns), strict=True))
        for number, row in enumerate(rows, 1):
            shown.add_row(Text(f"row {number:,}", "bold"), "")
            for name, value in zip(names, row, strict=True):
                shown.add_row(Text(name, "dim"), Text(value))
        return shown


def _rows(columns: Sequence[Column], widths: Sequence[int]) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column, width in zip(columns, widths, strict=True):
        shown.add_column(
            Text(column.heading),
            justify="right" if column.is_numeric else "left",
            vertical="bottom",
            width=width,
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        shown.add_row(*map(Text, row))
    return shown


def fitted(columns: Sequence[Column], width: int) -> list[int] | None:
    """How wide each column is shown, so that all fit beside each other; the widest texts give way first.

    None if they do not fit.
    """
    widths = [column.width for column in columns]
    over = sum(widths) + _gaps(columns) - width
    while over > 0:
        slack = [(here, position) for position, here in enumerate(widths) if here > columns[position].least]
        if not slack:
            return None
        widths[max(slack)[1]] -= 1
        over -= 1
    return widths


def _gaps(columns: Sequence[Column]) -> int:
    return 2 * (len(columns) - 1)


def _column(name: str, values: pa.ChunkedArray) -> Column:
    numeric = pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)
    numeric = numeric or pa.types.is_floating(values.type)
    found = values.to_pylist()
    if not numeric:
        return Column(harmless(name), ["" if value is None else _text(value) for value in found], False)
    is_name = name.lower().split("_")[-1] in _NAMES
    digits = _digits(value for value in found if value is not None)
    return Column(
        harmless(name), ["" if value is None else _number(value, digits, is_name) for value in found], True
    )


def _text(value: object) -> str:
    return harmless(str(value).lower() if isinstance(value, bool) else value)


def _digits(numbers: Iterable[Number]) -> int:
    """How many digits a column's numbers have after the point: what they need, but few."""
    finite = [number for number in numbers if isfinite(number)]
    is_share = any(finite) and all(-1 < number < 1 for number in finite)
    most = DIGITS_BELOW_ONE if is_share else FRACTION_DIGITS
    return max((_needed(number, most) for number in finite), default=0)


def _needed(number: Number, most: int) -> int:
    if isinstance(number, int):
        return 0
    if isinstance(number, Decimal):
        exponent = number.as_tuple().exponent
        return min(most, -exponent if isinstance(exponent, int) and exponent < 0 else 0)
    return len(f"{number:.{most}f}".rstrip("0").split(".")[1]) if number % 1 else 0


def _number(value: Number, digits: int, is_name: bool) -> str:
    if not isfinite(value):
        return str(value)
    return f"{value:.{digits}f}" if is_name else f"{value:,.{digits}f}"


def spreadsheet_csv(table: pa.Table) -> bytes:
    """The table as CSV for whoever opens it in a spreadsheet: with every digit, and no formula."""
    written = pa.BufferOutputStream()
    pyarrow.csv.write_csv(_plain(as_texts(table)), written)
    return bytes(written.getvalue().to_pybytes())


def as_texts(table: pa.Table) -> pa.Table:
    """The table as a spreadsheet may open it: a text that it would take for a formula begins with `'`."""
    import pyarrow.compute as pc

    for index, column in enumerate(table.schema):
        if pa.types.is_string(column.type):
            values = table.column(index)
            # Some programs look past blanks and other leading signs that cannot be seen.
            formula = pc.match_substring_regex(values, r"^[\s\x00]*[=+\-@]|^[\t\r\n]")
            quoted = pc.binary_join_element_wise("'", values, "")
            table = table.set_column(index, column.name, pc.if_else(formula, quoted, values))
    return table


def _plain(table: pa.Table) -> pa.Table:
    """CSV has no decimals of its own: they are written digit by digit. Lists and the like are JSON there."""
    for index, column in enumerate(table.schema):
        values = table.column(index)
        if pa.types.is_decimal(column.type):
            table = table.set_column(index, column.name, values.cast(pa.string()))
        elif pa.types.is_nested(column.type):
            written = [
                None if value is None else json.dumps(value, default=str) for value in values.to_pylist()
            ]
            table = table.set_column(index, column.name, pa.array(written, pa.string()))
    return table
