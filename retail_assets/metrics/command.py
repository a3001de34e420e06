"""`retail-assets metrics`: what metrics there are, and their figures."""

from collections.abc import Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Literal

import pyarrow as pa
from rich.console import Console

from retail_assets.cli.reading import answer, remarks
from retail_assets.errors import UserError
from retail_assets.metrics.layer import PERIODS, Layer, Question
from retail_assets.resources.tables import write_table
from retail_assets.resources.warehouse import Warehouse, warehouse_of
from retail_assets.settings import settings

Format = Literal["table", "csv", "json"]
VALUES_SHOWN = 10


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
    layer, values = Layer(settings()), dict(map(_filter, where))
    statement = layer.sql(Question(names, by, first, last, values))
    if only_sql:
        out.print(statement, markup=False, highlight=False, soft_wrap=True)
        return
    warehouse = warehouse_of(settings())
    for name, value in values.items():
        _refuse_other_values(layer, names, name, value, warehouse)
    found = answer(warehouse, statement, settings())
    write_table(found, format, out)
    if (first or last) and not _says_anything(found, names):
        for remark in _other_days(layer, names, first, last, warehouse):
            notes.print(remark, style="yellow", highlight=False, markup=False)
    for remark in remarks(warehouse, statement):
        notes.print(remark, style="yellow", highlight=False, markup=False)


def _refuse_other_values(
    layer: Layer, names: Sequence[str], dimension: str, value: str, warehouse: Warehouse
) -> None:
    rows = answer(warehouse, layer.sql(Question(names, [dimension])), settings()).to_pylist()
    values = [str(row[dimension]) for row in rows if row[dimension] is not None]
    if value not in values:
        close = get_close_matches(value, values, n=1, cutoff=0.4)
        said = (
            f"; did you mean {close[0]!r}?" if close else f". There are: {', '.join(values[:VALUES_SHOWN])}"
        )
        more = f" and {len(values) - VALUES_SHOWN:,} more" if len(values) > VALUES_SHOWN and not close else ""
        raise UserError(f"{dimension} has no value {value!r} here{said}{more}{'' if close else '.'}")


def _says_anything(found: pa.Table, names: Sequence[str]) -> bool:
    return any(row[name] for row in found.to_pylist() for name in names)


def _other_days(
    layer: Layer, names: Sequence[str], first: date | None, last: date | None, warehouse: Warehouse
) -> Iterator[str]:
    """That all figures are of other days, if they are. Within their days, nothing is a figure too."""
    by_day = layer.sql(Question(names, ["day"]))
    (span,) = answer(
        warehouse, f"select min(day) as first, max(day) as last from ({by_day}) as days", settings()
    ).to_pylist()
    if span["first"] is None:
        yield "There are no figures of it yet."
    elif (first and first > span["last"]) or (last and last < span["first"]):
        yield f"There are no figures of these days, only of {span['first']} to {span['last']}."


def _filter(condition: str) -> tuple[str, str]:
    name, separator, value = condition.partition("=")
    if not separator:
        raise UserError(f"{condition!r} is no condition. Write one like --where category=Bikes.")
    return name, value
