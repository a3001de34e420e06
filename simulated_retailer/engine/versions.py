"""Versions: what each row looked like, and from when until when.

A row changes only at a few times, and has one version from each of them on. A system at any time
is a filter over all versions. So reading the simulation day by day and all at once cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Flags, Ints, decimals
from simulated_retailer.engine.table_layout import UNTIL, WHEN, System
from simulated_retailer.engine.timestamps import NEVER


@dataclass(frozen=True)
class Versions:
    """The versions of some rows, ordered by row and then by time."""

    row: Ints
    """Which row each version belongs to."""
    since: Ints
    """When the version begins."""
    until: Ints
    """When it ends; NEVER while it is current."""

    def of(self, values: Any) -> Any:
        """One value per row (NumPy or Arrow) -> one value per version."""
        return values.take(pa.array(self.row)) if isinstance(values, pa.Array) else values[self.row]

    def after(self, change: Ints) -> Flags:
        """For each version: whether its row's `change` has happened."""
        return self.since >= change[self.row]


def versions(created: Ints, *changes: Ints, end: int, removed: Ints | None = None) -> Versions:
    """The versions of rows that appear at `created` and change at each of `changes`.

    Every argument has one time per row. What would happen at `end` or later does not happen.
    Changes up to a row's creation are part of its first version, changes at the same time make
    one version, and a row that is `removed` has no version from then on.
    """
    times = np.stack([created, *changes], axis=1)
    np.maximum(times, created[:, None], out=times)
    times.sort(axis=1)
    gone = np.full(len(created), NEVER) if removed is None else np.where(removed < end, removed, NEVER)
    seen = times < np.minimum(gone, end)[:, None]
    seen[:, 1:] &= times[:, 1:] > times[:, :-1]
    return _following(np.nonzero(seen)[0], times[seen], gone)


def versions_of(row: Ints, moment: Ints, *, created: Ints, removed: Ints, end: int) -> Versions:
    """The versions of rows that change any number of times: `row` changes at `moment`.

    `created` and `removed` have one time per row; the rest is as in `versions`.
    """
    moment = np.maximum(moment, created[row])
    seen = moment < np.minimum(removed, end)[row]
    row, moment = row[seen], moment[seen]
    order = np.lexsort((moment, row))
    row, since = row[order], moment[order]
    first = np.ones(len(row), dtype=np.bool_)
    first[1:] = (row[1:] != row[:-1]) | (since[1:] != since[:-1])
    return _following(row[first], since[first], np.where(removed < end, removed, NEVER))


def _following(row: Ints, since: Ints, gone: Ints) -> Versions:
    """Versions, each of which lasts until its row's next one or until the row is gone."""
    until = gone[row]
    succeeded = np.flatnonzero(row[1:] == row[:-1])
    until[succeeded] = since[succeeded + 1]
    return Versions(row, since, until)


def version_table(system: System, table: str, which: Versions, columns: Mapping[str, Any]) -> pa.Table:
    """All versions of a system's `table`, with the end of each in `_until`.

    `columns` has one value per version for every column but that of the last change: NumPy arrays
    (masked where null; times in microseconds, null where NEVER; days since 1970, null where
    NEVER; decimals in units of their last digit), Arrow arrays, or one value for all. Raises
    KeyError when a column is missing.
    """
    schema = system.tables[table]
    given = {**columns, system.modified: which.since}
    arrays = [_array(given[field.name], field.type, len(which.row)) for field in schema]
    arrays.append(_array(which.until, WHEN, len(which.row)))
    return pa.table(arrays, schema=schema.append(pa.field(UNTIL, WHEN)))


def rows_as_of(system: System, table: pa.Table, moment: int) -> pa.Table:
    """The rows as they stood just before `moment`, without `_until`."""
    at = pa.scalar(moment, WHEN)
    began = pc.less(table[system.modified], at)
    lasts = pc.fill_null(pc.greater_equal(table[UNTIL], at), True)
    return table.filter(pc.and_(began, lasts)).drop_columns([UNTIL])


def _array(values: Any, kind: pa.DataType, size: int) -> pa.Array:
    if isinstance(values, pa.Array):
        return values.cast(kind)
    if not isinstance(values, np.ndarray):
        return pa.repeat(pa.scalar(values, kind), size)
    data = np.ma.getdata(values)
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    if pa.types.is_timestamp(kind):
        return pa.array(data, pa.int64(), mask=data == NEVER).view(kind)
    if pa.types.is_date(kind):
        return pa.array(np.where(data == NEVER, 0, data).astype(np.int32), mask=data == NEVER).view(kind)
    if pa.types.is_decimal(kind):
        return decimals(data, kind)
    return pa.array(data, mask=mask).cast(kind)
