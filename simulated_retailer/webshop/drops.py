"""The web shop's files: one drop per table and day, and the few drops with which something goes wrong."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.faults import Fault
from simulated_retailer.engine.randomness import random_stream
from simulated_retailer.engine.table_layout import SINCE, UNTIL
from simulated_retailer.engine.timestamps import DAY, NEVER, Period
from simulated_retailer.output.atomic import atomic_write

_SUFFIX = {"events": "parquet", "products": "csv", "distribution_centers": "csv"}
_OTHER_SUFFIX = "csv.gz"
_TROUBLES = {
    "missing": ("events",),
    "late": ("users", "orders", "order_items", "inventory_items", "events"),
    "repeated": ("orders", "order_items", "events"),
    "partly written": ("users", "orders", "order_items", "inventory_items"),
}
"""What may go wrong, and with which tables' drops."""
_HOW_OFTEN = 0.002
_MOST_DAYS_LATE = 3
_LAST_DAYS = 5
"""Nothing goes wrong in the last days, so that everything has come in by the end."""
_FIRST_DAYS = 1


def drop_path(period: Period, table: str, day: int) -> str:
    """The path of a day's drop in the web shop's folder."""
    date = period.start + timedelta(days=day)
    return f"{table}/{date}.{_SUFFIX.get(table, _OTHER_SUFFIX)}"


def drop_truth(
    period: Period, tables: Mapping[str, pa.Table], faults: Sequence[Fault], seed: int
) -> pa.Table:
    """One row per drop with which something goes wrong: table, day, path, trouble, days late.

    missing: it never comes. late: it comes so many days late, under its own name. repeated: its
    rows are also in the next day's drop. partly written: it is cut off on its first
    evening and whole from the next one on. A drop with a wrong row is never missing.
    """
    rng = random_stream(seed, "drops")
    days = {name: set(_days(period, table)) for name, table in tables.items()}
    spoilt = {
        (fault.table, day) for fault in faults for day in _days(period, _rows_of(tables[fault.table], fault))
    }
    taken: set[tuple[str, int]] = set()
    rows = []
    for trouble, names in _TROUBLES.items():
        candidates = [
            (name, day)
            for name in names
            for day in sorted(days[name])
            if _FIRST_DAYS <= day < period.days - _LAST_DAYS and day + 1 in days[name]
        ]
        not_these = taken | spoilt if trouble == "missing" else taken
        free = [c for c in candidates if not {c, (c[0], c[1] + 1), (c[0], c[1] - 1)} & not_these]
        count = min(len(free), max(1, round(_HOW_OFTEN * len(candidates))))
        for name, day in _apart(free, rng.permutation(len(free)), count):
            late = int(rng.integers(1, _MOST_DAYS_LATE, endpoint=True)) if trouble == "late" else 0
            taken.add((name, day))
            rows.append((name, day, drop_path(period, name, day), trouble, late))
    columns = list(zip(*sorted(rows), strict=True)) or [()] * 5
    kinds = (pa.string(), pa.int64(), pa.string(), pa.string(), pa.int64())
    names = ("table", "day", "path", "trouble", "days_late")
    return pa.table(
        {name: pa.array(values, kind) for name, values, kind in zip(names, columns, kinds, strict=True)}
    )


def _apart(free: list[tuple[str, int]], order: Ints, count: int) -> list[tuple[str, int]]:
    """The first `count` of the candidates, in this order, that are not next to each other."""
    chosen: list[tuple[str, int]] = []
    for name, day in (free[position] for position in order):
        if len(chosen) < count and not any((name, day + step) in chosen for step in (-1, 1)):
            chosen.append((name, day))
    return chosen


def write_drops(
    period: Period, tables: Mapping[str, pa.Table], troubles: pa.Table, folder: Path, moment: int
) -> None:
    """Write every drop that has come in just before `moment` and is not in the folder yet.

    Files in the folder stay as they are, except a drop that was partly written and is whole by now.
    """
    evenings = min((moment - period.begin) // DAY, period.days)
    for name, table in tables.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        day = _day_of_versions(period, table)
        drops = _drops(period, name, np.unique(day[day >= 0]).tolist(), troubles)
        again = {drop.day + 1 for drop in drops if drop.trouble == "repeated"}
        absent = [
            drop
            for drop in drops
            if drop.stands(evenings) and (drop.may_be_cut or not (folder / drop.path).exists())
        ]
        rows = _Rows(table, day, {drop.day for drop in absent}, again)
        for drop in absent:
            content = _encoded(folder / drop.path, rows.of(drop.day))
            _place(folder / drop.path, content[: len(content) // 2] if drop.is_cut(evenings) else content)


@dataclass(frozen=True)
class _Drop:
    """A day's file of a table."""

    day: int
    path: str
    trouble: str | None = None
    days_late: int = 0

    @property
    def may_be_cut(self) -> bool:
        return self.trouble == "partly written"

    def is_cut(self, evenings: int) -> bool:
        """Whether it is still cut off after so many days."""
        return self.may_be_cut and self.day + 1 == evenings

    def stands(self, evenings: int) -> bool:
        """Whether it has come in after so many days."""
        return self.trouble != "missing" and self.day + self.days_late < evenings


def _drops(period: Period, table: str, days: list[int], troubles: pa.Table) -> list[_Drop]:
    wrong = {
        row["day"]: (row["trouble"], row["days_late"])
        for row in troubles.to_pylist()
        if row["table"] == table
    }
    return [_Drop(day, drop_path(period, table, day), *wrong.get(day, ())) for day in days]


def _place(path: Path, content: bytes) -> None:
    if path.exists() and path.stat().st_size == len(content):
        return
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(content)


def _days(period: Period, table: pa.Table) -> list[int]:
    """The numbers of the days that have a drop."""
    day = _day_of_versions(period, table)
    days: list[int] = np.unique(day[day >= 0]).tolist()
    return days


def _rows_of(table: pa.Table, fault: Fault) -> pa.Table:
    [(column, numbers)] = fault.key.items()
    return table.filter(pc.is_in(table[column], pa.array(numbers, table[column].type)))


def _day_of_versions(period: Period, table: pa.Table) -> Ints:
    """The number of the day in whose drop each version is; -1 if a later version of that day replaces it.

    The first drop also has all older rows.
    """
    since = _microseconds(table[SINCE])
    until = _microseconds(table[UNTIL])
    day = np.maximum(period.day_of(since), 0)
    hidden: Flags = (until != NEVER) & (period.day_of(until) <= day)
    return np.where(hidden, -1, day)


def _microseconds(moments: pa.ChunkedArray) -> Ints:
    since: Ints = pc.fill_null(moments.cast(pa.int64()), NEVER).to_numpy()
    return since


class _Rows:
    """The rows of some days' drops, sorted by day once."""

    def __init__(self, table: pa.Table, day: Ints, days: set[int], again: set[int]) -> None:
        """`again`: the days whose drops repeat the rows of the day before."""
        self._again = again
        needed = days | {number - 1 for number in days & again}
        chosen = np.flatnonzero(np.isin(day, list(needed)))
        chosen = chosen[np.argsort(day[chosen], kind="stable")]
        self._day = day[chosen]
        self._rows = table.drop_columns([SINCE, UNTIL]).take(pa.array(chosen))

    def of(self, day: int) -> pa.Table:
        """The rows of a day's drop."""
        rows = self._on(day)
        return pa.concat_tables([rows, self._on(day - 1)]) if day in self._again else rows

    def _on(self, day: int) -> pa.Table:
        first, after = np.searchsorted(self._day, [day, day + 1]).tolist()
        return self._rows.slice(first, after - first)


def _encoded(path: Path, rows: pa.Table) -> bytes:
    """The bytes of a drop, in the format that its name says."""
    sink = io.BytesIO()
    rows = rows.cast(pa.schema([_plain(field) for field in rows.schema]))
    if path.suffix == ".parquet":
        pq.write_table(rows, sink)
        return sink.getvalue()
    pa.csv.write_csv(_as_text(rows), sink, pa.csv.WriteOptions(quoting_style="needed"))
    return gzip.compress(sink.getvalue(), 4, mtime=0) if path.suffix == ".gz" else sink.getvalue()


def _plain(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.string()) if pa.types.is_dictionary(field.type) else field


def _as_text(rows: pa.Table) -> pa.Table:
    """Time stamps as the web shop writes them, `2024-01-02 03:04:05 UTC`."""
    for position, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            seconds = rows[field.name].cast(pa.timestamp("s")).cast(pa.string())
            rows = rows.set_column(position, field.name, pc.binary_join_element_wise(seconds, "UTC", " "))
    return rows
