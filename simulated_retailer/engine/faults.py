"""Planted faults: a few wrong rows in each system, and the list of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.table_layout import UNTIL, System

_SHARE, _LEAST = 0.0001, 2
_ENOUGH_ROWS = 50
"""From this many rows on, every kind of fault occurs in a table."""


@dataclass(frozen=True)
class Fault:
    """Wrong rows of one kind."""

    system: str
    table: str
    reason: str
    key: Mapping[str, Sequence[Any]]
    """The key columns of the rows."""


class Wrong(NamedTuple):
    """One way for a row to be wrong."""

    reason: str
    column: str
    value: Any
    """The wrong value of the column; or another column and what to add to it."""


class Moved(NamedTuple):
    """The value of another column, moved by `by` in the unit of its type."""

    column: str
    by: int


def _with_wrong_rows(
    system: System, name: str, table: pa.Table, key: str, kinds: Sequence[Wrong], seed: int
) -> tuple[pa.Table, list[Fault]]:
    """A version table with wrong rows behind the right ones, and what they are.

    A wrong row is a copy of a right one's last version, under a number of its own in `key`, so
    that the right rows are complete without it. A small table gets none.
    """
    current = np.flatnonzero(pc.is_null(table[UNTIL]).to_numpy())
    if len(current) < _ENOUGH_ROWS:
        return table, []
    rng = random_stream(seed, f"faults of {system.name}.{name}")
    each = max(_LEAST, round(_SHARE * len(current)))
    chosen = rng.choice(current, each * len(kinds), replace=False)
    number = pc.max(table[key]).as_py() + 1
    parts, faults = [table], []
    for kind, rows in zip(kinds, chosen.reshape(len(kinds), each), strict=True):
        copied = table.take(pa.array(np.sort(rows)))
        numbers = list(range(number, number + each))
        number += each
        copied = _with(copied, key, pa.array(numbers))
        parts.append(_with(copied, kind.column, _value(copied, kind)))
        keys = {column: parts[-1][column].to_pylist() for column in system.primary_key(name)}
        faults.append(Fault(system.name, name, kind.reason, keys))
    return pa.concat_tables(parts), faults


def with_faults(
    system: System,
    tables: Mapping[str, pa.Table],
    wrong: Mapping[str, tuple[str, Sequence[Wrong]]],
    seed: int,
) -> tuple[dict[str, pa.Table], list[Fault]]:
    """A system's version tables with wrong rows, and what they are.

    `wrong` has, for each table, the column that numbers its rows and the kinds of faults."""
    spoilt, faults = dict(tables), []
    for name, (key, kinds) in wrong.items():
        spoilt[name], found = _with_wrong_rows(system, name, tables[name], key, kinds, seed)
        faults += found
    return spoilt, faults


def fault_truth(faults: Sequence[Fault]) -> pa.Table:
    """One row per wrong row: system, table, key (JSON) and reason."""
    rows = [
        (fault.system, fault.table, json.dumps(dict(zip(fault.key, values, strict=True)), default=str),
         fault.reason)
        for fault in faults
        for values in zip(*fault.key.values(), strict=True)
    ]  # fmt: skip
    columns = list(zip(*rows, strict=True)) or [()] * 4
    names = ("system", "table", "key", "reason")
    return pa.table(
        {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    )


def _value(rows: pa.Table, kind: Wrong) -> Any:
    if not isinstance(kind.value, Moved):
        return pa.array([kind.value] * rows.num_rows, rows.schema.field(kind.column).type)
    column = rows[kind.value.column]
    whole = pa.int32() if pa.types.is_date32(column.type) else pa.int64()
    return pc.add(column.cast(whole), pa.scalar(kind.value.by, whole)).cast(column.type)


def _with(rows: pa.Table, column: str, values: Any) -> pa.Table:
    position = rows.schema.get_field_index(column)
    return rows.set_column(position, rows.schema.field(column), values.cast(rows.schema.field(column).type))
