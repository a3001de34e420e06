"""The same tables in two warehouses, row for row."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from retail_assets.catalog.contract import LOADED_AT
from retail_assets.ingestion.refusals import TABLE as REFUSED_ROWS
from retail_assets.resources.warehouse import Execute

# The layers, by the beginnings of their schemas' names.
LAYERS = ("raw_", "staging", "affected", "warehouse", "mart_")
# When a row was loaded is of the clock, not of the data.
OF_THE_CLOCK = {LOADED_AT}
EXAMPLES = 3

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Difference:
    """A table whose rows are not the same."""

    table: str
    text: str
    """What differs, with examples."""


def tables_of(execute: Execute) -> Columns:
    """The tables of all layers with their columns, in lower case and sorted.

    Not those in which dlt and the product note what they have read: dlt's, and the names of files.
    """
    found: dict[str, list[str]] = {}
    for schema, table, column in execute(
        "select lower(columns.table_schema), lower(columns.table_name), lower(columns.column_name)"
        " from information_schema.columns as columns"
        " inner join information_schema.tables as tables"
        " on columns.table_schema = tables.table_schema and columns.table_name = tables.table_name"
        # The session's own database: DuckDB lists all that are attached.
        " where upper(tables.table_type) = 'BASE TABLE' and columns.table_catalog = current_database()"
        " and tables.table_catalog = current_database()"
    ):
        is_kept = table == REFUSED_ROWS or not table.startswith("_")
        is_passing = schema.startswith("raw_") and schema.endswith("_staging")
        if schema.startswith(LAYERS) and is_kept and not is_passing:
            found.setdefault(f"{schema}.{table}", []).append(column)
    return {table: sorted(columns) for table, columns in sorted(found.items())}


def differences(here: Execute, there: Execute, names: tuple[str, str]) -> Iterator[Difference]:
    """The tables that differ between two warehouses, which `names` names in the texts."""
    ours, theirs = tables_of(here), tables_of(there)
    for table in sorted({*ours, *theirs}):
        if table not in ours or table not in theirs:
            yield Difference(table, f"only in {names[0 if table in ours else 1]}")
        elif ours[table] != theirs[table]:
            odd = sorted({*ours[table]} ^ {*theirs[table]})
            yield Difference(table, f"columns that only one of them has: {', '.join(odd)}")
        elif text := _compared(table, ours[table], here, there, names):
            yield Difference(table, text)


def _compared(
    table: str, columns: Sequence[str], here: Execute, there: Execute, names: tuple[str, str]
) -> str | None:
    compared = [column for column in columns if column not in OF_THE_CLOCK]
    query = f"select {', '.join(compared)} from {table}"
    ours, theirs = Counter(map(tuple, here(query))), Counter(map(tuple, there(query)))
    if ours == theirs:
        return None
    only_here, only_there = ours - theirs, theirs - ours
    said = [
        f"{rows.total():,} of {every.total():,} rows only in {name}"
        for name, rows, every in ((names[0], only_here, ours), (names[1], only_there, theirs))
    ]
    said += [
        f"{name}: {_described(compared, rows, other)}"
        for name, rows, other in ((names[0], only_here, only_there), (names[1], only_there, only_here))
        if rows
    ]
    return "; ".join(said)


def _described(
    columns: Sequence[str], rows: Counter[tuple[Any, ...]], others: Counter[tuple[Any, ...]]
) -> str:
    """A few of the rows by the columns that tell them apart, after the first three, which are mostly keys."""
    examples, contrast = sorted(rows, key=str)[:EXAMPLES], sorted(others, key=str)[:EXAMPLES]
    telling = [
        place
        for place, _ in enumerate(columns)
        if place < 3 or {row[place] for row in examples} != {row[place] for row in contrast}
    ]
    return " | ".join(", ".join(f"{columns[place]}={row[place]}" for place in telling) for row in examples)
