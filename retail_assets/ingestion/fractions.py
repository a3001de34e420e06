"""Fractional quantities, such as 2.5 kg. They count as they are. A shop that sells by the piece would want to
know, so a run reports when they first appear."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from retail_assets.catalog.contract import LOADED_AT, SourceTable
from retail_assets.ingestion.versions import timestamp
from retail_assets.resources.warehouse import Execute


@dataclass(frozen=True)
class Fractions:
    """Rows of a table whose quantity is not whole, where none was before."""

    column: str
    rows: int
    example: Decimal

    def __str__(self) -> str:
        rows = "1 row has a fraction" if self.rows == 1 else f"{self.rows:,} rows have fractions"
        return (
            f"{self.column}: {rows} of a piece, such as {_plain(self.example)}. Quantities count as they are."
        )


def first_fractions(table: SourceTable, loaded_at: datetime, execute: Execute) -> Iterator[Fractions]:
    """The columns in which a reading brought the first fractions. Asked are only the rows that are new."""
    raw, moment = f"{table.schema}.{table.name}", timestamp(loaded_at)
    for column in table.columns:
        if not column.is_quantity or column.name in table.absent:
            continue
        fractions = f"from {raw} where {column.name} <> floor({column.name})"
        ((rows, example),) = execute(
            f"select count(*), min({column.name}) {fractions} and {LOADED_AT} >= {moment}"
        )
        if rows and not execute(f"select 1 {fractions} and {LOADED_AT} < {moment} limit 1"):
            yield Fractions(column.name, int(rows), Decimal(example))


def _plain(number: Decimal) -> str:
    """2.5 of 2.5000."""
    return f"{number.normalize():f}"
