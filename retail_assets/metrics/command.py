"""`retail-assets metrics`: what metrics there are, and their figures."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import pyarrow as pa
from rich.console import Console

from retail_assets.cli.reading import answer, remarks
from retail_assets.errors import UserError
from retail_assets.metrics.layer import PERIODS, Layer, Question
from retail_assets.resources.tables import write_table
from retail_assets.resources.warehouse import warehouse_of
from retail_assets.settings import settings

Format = Literal["table", "csv", "json"]


def listed(format: Format, out: Console) -> None:
    """Print the metrics that there are here."""
    metrics = Layer(settings()).metrics.values()
    rows = [{"metric": each.name, "what_it_is": each.description} for each in metrics]
    write_table(pa.Table.from_pylist(rows), format, out)


def dimensions(names: Sequence[str], format: Format, out: Console) -> None:
    """Print what all of these metrics can be grouped and filtered by."""
    found = Layer(settings()).dimensions(names).values()
    rows = [{"by": period, "what_it_is": f"The {period} in which it happened."} for period in PERIODS]
    rows += [{"by": each.name, "what_it_is": each.description} for each in found]
    write_table(pa.Table.from_pylist(rows), format, out)


def figures(
    names: Sequence[str],
    by: Sequence[str],
    first: date | None,
    last: date | None,
    where: Sequence[str],
    format: Format,
    only_sql: bool,
    out: Console,
    notes: Console,
) -> None:
    """Print the figures of metrics, or the query that computes them."""
    if first and last and last < first:
        raise UserError(f"The last day, {last}, is before the first, {first}.")
    statement = Layer(settings()).sql(Question(names, by, first, last, dict(map(_filter, where))))
    if only_sql:
        out.print(statement, markup=False, highlight=False, soft_wrap=True)
        return
    warehouse = warehouse_of(settings())
    write_table(answer(warehouse, statement, settings()), format, out)
    for remark in remarks(warehouse, statement):
        notes.print(remark, style="yellow", highlight=False, markup=False)


def _filter(condition: str) -> tuple[str, str]:
    name, separator, value = condition.partition("=")
    if not separator:
        raise UserError(f"{condition!r} is no condition. Write one like --where category=Bikes.")
    return name, value
