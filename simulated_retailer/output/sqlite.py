"""Writes systems as SQLite files, with the types that SQLAlchemy gives them there.

Money is floating point there, because SQLite has no decimals; each float is the one nearest to
the exact amount, so rounding it to the column's digits gives the amount back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simulated_retailer.engine.table_layout import System
from simulated_retailer.engine.timestamps import NEVER, to_microseconds
from simulated_retailer.engine.versions import rows_as_of
from simulated_retailer.erp.schema import ERP
from simulated_retailer.output.atomic import atomic_write
from simulated_retailer.simulation import Retailer

_ROWS_AT_A_TIME = 50_000


def write_sqlite(
    retailer: Retailer, path: Path, *, as_of: datetime | None = None, system: System = ERP
) -> None:
    """Write a system as it stood just before `as_of` (UTC; None: at the end of the simulation).

    The file appears whole or not at all: it replaces whatever was at `path` in one step, and
    missing folders are made. Same retailer and same `as_of`, same bytes.
    """
    moment = NEVER if as_of is None else to_microseconds(as_of)
    with (
        atomic_write(path) as unfinished,
        closing(sqlite3.connect(unfinished, isolation_level=None)) as connection,
    ):
        _fill(connection, retailer, system, moment)


def _fill(connection: sqlite3.Connection, retailer: Retailer, system: System, moment: int) -> None:
    # A file that is thrown away when writing fails needs neither a journal nor syncing.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for name, schema in system.tables.items():
        connection.execute(_create_table(system, name))
        marks = ", ".join("?" for _ in schema)
        rows = _rows(rows_as_of(system, retailer.versions[system.name][name], moment))
        connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)
    for name in system.indexed:
        column = system.modified
        connection.execute(f'CREATE INDEX "ix_{name}_{column}" ON "{name}" ("{column}")')
    connection.execute("COMMIT")


def _create_table(system: System, name: str) -> str:
    columns = [
        f'"{field.name}" {_declared(field)}{"" if field.nullable else " NOT NULL"}'
        for field in system.tables[name]
    ]
    key = ", ".join(f'"{column}"' for column in system.primary_key(name))
    return f'CREATE TABLE "{name}" ({", ".join(columns)}, PRIMARY KEY ({key}))'


def _declared(field: pa.Field) -> str:
    if pa.types.is_string(field.type):
        return f"VARCHAR({field.metadata[b'longest'].decode()})"
    if pa.types.is_decimal(field.type):
        return f"NUMERIC({field.type.precision}, {field.type.scale})"
    if pa.types.is_timestamp(field.type):
        return "DATETIME"
    if pa.types.is_date(field.type):
        return "DATE"
    if pa.types.is_floating(field.type):
        return "FLOAT"
    return "BOOLEAN" if pa.types.is_boolean(field.type) else "INTEGER"


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches(max_chunksize=_ROWS_AT_A_TIME):
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.string())
    if pa.types.is_decimal(column.type):
        return _floats(column)
    values: list[Any] = column.to_pylist()
    return values


def _floats(amounts: pa.Array) -> list[float]:
    """The nearest floats: one correctly rounded division of whole numbers below 2**53."""
    words = np.frombuffer(amounts.buffers()[1], dtype=np.int64)
    units = words[2 * amounts.offset : 2 * (amounts.offset + len(amounts)) : 2]
    floats: list[float] = (units / 10**amounts.type.scale).tolist()
    return floats
