"""An explanation: sentences, and tables under a name each."""

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console

from retail_assets.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

Query = Callable[[str], "pa.Table"]
Format = Literal["table", "csv", "json"]

# For the eye so many rows of a table are enough; CSV and JSON have all of them.
ROWS_SHOWN = 20

PERSONAL = "(personal)"


def days_of(table: str, day: str, where: str, query: Query) -> tuple[date, date]:
    """The first and the last day of a mart's rows. Raises `UserError` if it has none."""
    (span,) = query(f"select min({day}) as first, max({day}) as last from {table} where {where}").to_pylist()
    if span["first"] is None:
        raise UserError(f"{table} is empty.")
    return span["first"], span["last"]


@dataclass(frozen=True)
class Section:
    """A table of an explanation."""

    name: str
    rows: Sequence[Mapping[str, Any]]
    title: str = ""


@dataclass
class Explanation:
    """What there is to say. `holds` is false if a figure is not what its rows sum to."""

    sentences: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    holds: bool = True

    def add(self, name: str, rows: Sequence[Mapping[str, Any]], title: str = "") -> None:
        """A table, if it has rows."""
        if rows:
            self.sections.append(Section(name, rows, title))


def show(found: Explanation, format: Format, out: Console, notes: Console) -> None:
    """Print it: for the eye, or the rows of all its tables with the table's name in `section`."""
    from retail_assets.resources.terminal import lines

    if format == "table":
        for sentence in found.sentences:
            out.print(lines(sentence), highlight=False)
        for section in found.sections:
            _print(section, out)
        return
    rows = [{"section": section.name, **row} for section in found.sections for row in section.rows]
    if format == "json":
        for row in rows:
            print(json.dumps(row, default=str))
    else:
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for sentence in found.sentences:
        notes.print(lines(sentence), highlight=False)


def _print(section: Section, out: Console) -> None:
    from retail_assets.resources.tables import rich_table

    out.print()
    out.print(rich_table(_table(section.rows[:ROWS_SHOWN]), section.title or section.name))
    if len(section.rows) > ROWS_SHOWN:
        out.print(f"and {len(section.rows) - ROWS_SHOWN:,} more: --format csv has all rows", highlight=False)


def _table(rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
    import pyarrow as pa

    # For the eye, what none of the rows has is left out.
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pa.table(
        {name: pa.array(values) for name, values in columns.items() if any(map(_is_told, values))}
    )


def _is_told(value: Any) -> bool:
    return value is not None
