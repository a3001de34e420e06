"""What happened at a living retailer in some days, counted from all that happens there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulated_retailer.engine.arrays import Flags, Ints
from simulated_retailer.engine.table_layout import UNTIL
from simulated_retailer.engine.timestamps import NEVER, to_microseconds
from simulated_retailer.living import LivingRetailer
from simulated_retailer.systems import SYSTEMS


@dataclass(frozen=True)
class WrongRow:
    """A row that is wrong, and for how long; without an end it stays so."""

    system: str
    table: str
    key: str
    """JSON."""
    reason: str
    mended: datetime | None


@dataclass(frozen=True)
class LateDrop:
    """A file of the web shop that is late, cut or missing."""

    path: str
    trouble: str
    days_late: int


@dataclass(frozen=True)
class News:
    """The days from `first` to `last`, both included."""

    first: date
    last: date
    orders: dict[str, int]
    """New orders by system."""
    late_changes: int
    """Lines of orders of earlier days that were changed or taken out."""
    moved: int
    """Orders of earlier days that got another date."""
    returns: int
    offers: list[str]
    """Those that began."""
    wrong: list[WrongRow]
    """Those that came."""
    mended: list[WrongRow]
    drops: list[LateDrop]
    late: str | None
    """The system that is not up to date in the last evening."""


def news_of(living: LivingRetailer, first: date, last: date) -> News:
    """What happened from `first` to `last`, both included."""
    retailer = living.retailer
    begun = retailer.period.midnight((first - living.first).days)
    span = (begun, retailer.period.midnight((last - living.first).days + 1))
    erp, shop = (_Tables(living, name, span) for name in ("erp", "webshop"))
    slips = [(row, row["since"], row["mended"]) for row in retailer.truth["slips"].to_pylist()]
    return News(
        first,
        last,
        orders={"erp": erp.new("SalesOrderHeader"), "webshop": shop.new("orders")},
        late_changes=erp.changed_late("SalesOrderDetail"),
        moved=erp.moved("SalesOrderHeader", "OrderDate"),
        returns=erp.new("SalesReturn") + shop.set_within("orders", "returned_at"),
        offers=[*_offers(living, first, last)],
        wrong=[
            *(_wrong(row, mended) for row, since, mended in slips if _within(since, span)),
            *_faults(living, span),
        ],
        mended=[_wrong(row, mended) for row, _, mended in slips if _within(mended, span)],
        drops=[
            LateDrop(f"webshop/{row['path']}", row["trouble"], row["days_late"])
            for row in retailer.truth["drops"].to_pylist()
            if first <= living.first + timedelta(days=row["day"]) <= last and row["trouble"] != "repeated"
        ],
        late=living.late_on(last),
    )


class _Tables:
    """A system's versions, as they came within a closed-open span of time."""

    def __init__(self, living: LivingRetailer, system: str, span: tuple[int, int]) -> None:
        self._system = SYSTEMS[system]
        self._tables = living.retailer.versions[system]
        self._begun, self._over = span

    def new(self, table: str) -> int:
        """How many rows appeared."""
        return int(np.count_nonzero(self._in_span(self._appeared(table)[1])))

    def changed_late(self, table: str) -> int:
        """How many rows from before the span were changed or removed in it."""
        place, appeared = self._appeared(table)
        before = appeared[place] < self._begun
        changed = self._in_span(self._times(table, self._system.modified))
        ended = self._in_span(self._times(table, UNTIL))
        return len(np.unique(place[before & (changed | ended)]))

    def moved(self, table: str, column: str) -> int:
        """How many rows from before the span got another value of the column in it."""
        place, appeared = self._appeared(table)
        value = self._times(table, column)
        first = np.empty(len(appeared), dtype=np.int64)
        since = self._times(table, self._system.modified)
        latest_first = np.argsort(-since, kind="stable")
        first[place[latest_first]] = value[latest_first]
        changed = self._in_span(since) & (value != first[place]) & (appeared[place] < self._begun)
        return len(np.unique(place[changed]))

    def set_within(self, table: str, column: str) -> int:
        """How many rows have a time within the span."""
        place, _ = self._appeared(table)
        return len(np.unique(place[self._in_span(self._times(table, column))]))

    def _appeared(self, table: str) -> tuple[Ints, Ints]:
        """For each version the position of its row, and for each row when it appeared."""
        keys = self._tables[table][self._system.primary_key(table)[-1]].to_numpy()
        found, place = np.unique(keys, return_inverse=True)
        appeared = np.full(len(found), NEVER)
        np.minimum.at(appeared, place, self._times(table, self._system.modified))
        return place, appeared

    def _times(self, table: str, column: str) -> Ints:
        found: Ints = pc.fill_null(self._tables[table][column].cast(pa.int64()), NEVER).to_numpy()
        return found

    def _in_span(self, times: Ints) -> Flags:
        within: Flags = (times >= self._begun) & (times < self._over)
        return within


def _offers(living: LivingRetailer, first: date, last: date) -> Iterator[str]:
    """Those of the ERP and of marketing, which has some of the ERP's too."""
    versions = living.retailer.versions
    special, offers = versions["erp"]["SpecialOffer"], versions["marketing"]["offers"]
    begin = {(row["Description"], row["StartDate"].date()) for row in special.to_pylist()}
    begin |= {
        (row["offer_name"], row["valid_from"])
        for row in offers.to_pylist()
        if row["valid_from"] and row["special_offer_id"] is None
    }
    yield from sorted(name for name, day in begin if first <= day <= last)


def _faults(living: LivingRetailer, span: tuple[int, int]) -> Iterator[WrongRow]:
    """The rows that are wrong for good and came within the span."""
    by_table: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for fault in living.retailer.truth["faults"].to_pylist():
        by_table[fault["system"], fault["table"]].append(fault)
    for (name, table), faults in by_table.items():
        system = SYSTEMS[name]
        rows = living.retailer.versions[name][table]
        (column,) = system.primary_key(table)[-1:]
        keys = [json.loads(fault["key"])[column] for fault in faults]
        found = rows.filter(pc.is_in(rows[column], pa.array(keys, rows.schema.field(column).type)))
        since = found.group_by(column).aggregate([(system.modified, "min")])
        came = dict(zip(since[column].to_pylist(), since[f"{system.modified}_min"].to_pylist(), strict=True))
        for key, fault in zip(keys, faults, strict=True):
            if _within(came[key], span):
                yield _wrong(fault, None)


def _wrong(row: dict[str, str], mended: datetime | None) -> WrongRow:
    return WrongRow(row["system"], row["table"], row["key"], row["reason"], mended)


def _within(moment: datetime, span: tuple[int, int]) -> bool:
    begun, over = span
    return begun <= to_microseconds(moment) < over
